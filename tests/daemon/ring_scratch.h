// What the tests of the ring share: rings with both of their ends, events that carry their own
// checksum, and children.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "collect/proc.h"
#include "collect/ring_reader.h"
#include "ring_file.h"
#include "ring_writer.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define JITCORRAL_SANITIZED 1
#else
#define JITCORRAL_SANITIZED 0
#endif

namespace jitcorral::ring_test {

using collect::Descriptor;
using collect::RingReader;

inline constexpr bool kSanitized = JITCORRAL_SANITIZED != 0;

// An event of which every field follows from who wrote it and as which of his.
inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  return x ^ x >> 31;
}
inline Event event_of(std::uint32_t writer, std::uint64_t sequence) {
  const std::uint64_t h = scramble(scramble(writer + 1) + sequence);
  Event e = {};
  e.time = h;
  e.address = sequence;
  e.length = scramble(h) >> 8;
  e.other = scramble(h + 1);
  e.fingerprint = scramble(h + 2);
  e.flags = static_cast<std::uint32_t>(h >> 32);
  e.thread = writer;
  e.site = static_cast<std::uint32_t>(scramble(h + 3));
  e.call = static_cast<Call>(1 + h % (static_cast<unsigned>(Call::kCount) - 1));
  e.outcome = static_cast<Outcome>((h >> 8) % static_cast<unsigned>(Outcome::kCount));
  e.reason = static_cast<std::uint8_t>(h >> 16);
  e.prot_kind = static_cast<std::uint8_t>((h >> 24) & 0xf);
  return e;
}
// Whether what was read is what its writer wrote, apart from the ticket.
inline bool is_whole(const Event& read) {
  Event expected = event_of(read.thread, read.address);
  expected.ticket = read.ticket;
  return std::memcmp(&expected, &read, sizeof read) == 0;
}

inline std::vector<AddressRange> ring_mappings() {
  std::vector<AddressRange> all;
  const auto mappings = collect::proc::mappings(0);
  for (const auto& m : mappings.value())
    if (m.name.starts_with("/memfd:jitcorral-ring")) all.push_back(m.range);
  return all;
}

// A ring as the shim makes it.
struct Ring {
  RingMemory made = make_memory_ring();
  Descriptor fd{made.fd};
  RingWriter writer{made.memory};

  Ring() {
    if (made.memory == nullptr) throw std::runtime_error("no ring could be made");
    writer.format(static_cast<std::uint32_t>(getpagesize()), static_cast<std::uint32_t>(getpid()));
  }
  ~Ring() { munmap(made.memory, ring::kSize); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  RingReader open() const { return RingReader(fd, true); }
  ring::Header& header() const { return writer.header(); }
  unsigned char* bytes() const { return static_cast<unsigned char*>(made.memory); }
  unsigned char* texts() const { return bytes() + ring::kTextsOffset; }
  ring::Slot& slot(std::uint64_t ticket) const {
    return reinterpret_cast<ring::Slot*>(bytes() + ring::kSlotsOffset)[ticket % ring::kSlots];
  }
  std::uint64_t append(std::uint32_t who, std::uint64_t sequence) const {
    Event e = event_of(who, sequence);
    return RingWriter(made.memory).append(e);
  }
  // A writer that took a ticket and its slot, and went no further.
  std::uint64_t claim() const {
    const std::uint64_t ticket = header().taken.fetch_add(1);
    std::uint64_t free = ring::kFree;
    EXPECT_TRUE(
        slot(ticket).state.compare_exchange_strong(free, ring::state_word(ticket, ring::kClaimed)));
    return ticket;
  }
  // It goes on.
  void commit(std::uint64_t ticket, Event e) const {
    e.ticket = ticket;
    std::memcpy(slot(ticket).body, &e.time, sizeof slot(ticket).body);
    slot(ticket).state.store(ring::state_word(ticket, ring::kCommitted));
  }
};

// A ring whose writers write through the reader's own mapping, so that TSan compares the two sides:
// it knows nothing of two addresses of one byte.
struct SharedRing : Ring {
  RingReader reader = open();
  RingWriter through_reader = find();

 private:
  RingWriter find() const {
    for (const AddressRange& range : ring_mappings())
      if (range.begin.value != reinterpret_cast<std::uint64_t>(made.memory) &&
          reinterpret_cast<ring::Header*>(range.begin.value)->taken.load() == kMark)
        return unmarked(range);
    header().taken = kMark;
    for (const AddressRange& range : ring_mappings())
      if (range.begin.value != reinterpret_cast<std::uint64_t>(made.memory) &&
          reinterpret_cast<ring::Header*>(range.begin.value)->taken.load() == kMark)
        return unmarked(range);
    throw std::runtime_error("the reader's mapping is not to be found");
  }
  RingWriter unmarked(const AddressRange& range) const {
    header().taken = 0;
    return RingWriter(reinterpret_cast<void*>(range.begin.value));
  }
  static constexpr std::uint64_t kMark = 0x123456789abcdef;
};

inline bool books_balance(const RingReader& reader, std::uint64_t released) {
  return reader.taken() == released + reader.dropped() + reader.unfinished();
}

// The line of the exception that `act` throws; "" when it throws none.
inline std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::exception& problem) {
    return problem.what();
  }
  return "";
}

// What `act` returns in a child process; 1000 + signal when it was killed.
inline int in_child(const std::function<int()>& act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

inline std::size_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ring-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace jitcorral::ring_test

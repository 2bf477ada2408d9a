// A recorder of the real parts (collect::Listener, collect::RingReader) and nothing else, to be
// killed at any moment: it listens at a path, takes every ring that comes and writes what it reads
// to a log, event by event, before it frees the slots.
//
//   record_recorder SOCKET LOG [--lazy]     --lazy: takes rings, and never reads them
//
// Lines of the log: "ring PID IDENTITY FIRST LATE", "event IDENTITY TICKET CALL ADDRESS",
// "books IDENTITY TAKEN DROPPED PLACEMENTS", each with " ." at its end: others were cut off by a
// kill.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>

#include "collect/listener.h"
#include "collect/ring_reader.h"

namespace {

using namespace jitcorral;

struct Taken {
  collect::RingReader reader;
  std::uint64_t identity;
  collect::Descriptor process;
  std::tuple<std::uint64_t, std::uint64_t, std::uint64_t> books{UINT64_MAX, 0, 0};
};

class Log {
 public:
  explicit Log(const char* path)
      : fd_(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (fd_.get() < 0) throw std::runtime_error(path);
    pending_ = "\n";  // behind what an earlier one did not finish
  }
  template <typename... Parts>
  void line(const char* format, Parts... parts) {
    char text[256];
    pending_.append(text,
                    static_cast<std::size_t>(std::snprintf(text, sizeof text, format, parts...)));
    pending_ += " .\n";
  }
  // What was said before this returns outlives us.
  void keep() {
    if (!pending_.empty() &&
        write(fd_.get(), pending_.data(), pending_.size()) != static_cast<ssize_t>(pending_.size()))
      throw std::runtime_error("can't write the log");
    pending_.clear();
  }

 private:
  collect::Descriptor fd_;
  std::string pending_;
};

void read(Taken& ring, bool thorough, Log& log) {
  for (const Event& e : ring.reader.peek(thorough))
    log.line("event %" PRIx64 " %" PRIu64 " %d %" PRIu64, ring.identity, e.ticket,
             static_cast<int>(e.call), e.address);
  const auto counters = ring.reader.counters();
  const std::tuple books{ring.reader.taken(), ring.reader.dropped(),
                         counters[ring::kSteered] + counters[ring::kFellBack]};
  if (books != ring.books)
    log.line("books %" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64, ring.identity,
             std::get<0>(books), std::get<1>(books), std::get<2>(books));
  ring.books = books;
  log.keep();
  ring.reader.release();
}

bool is_gone(const Taken& ring) {
  pollfd entry = {ring.process.get(), POLLIN, 0};
  return !ring.process || poll(&entry, 1, 0) == 1;
}

int run(const char* path, const char* log_path, bool lazy) {
  collect::Listener listener(path, std::filesystem::perms{0600});
  Log log(log_path);
  std::list<Taken> rings;
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    pollfd entry = {listener.fd(), POLLIN, 0};
    poll(&entry, 1, rings.empty() && !listener.is_awaiting() ? -1 : 2);
    while (auto message = listener.receive()) {
      if (message->hello.subject != Hello::Subject::kRing) continue;
      rings.push_back({collect::RingReader(message->ring, true), message->hello.identity,
                       std::move(message->pidfd)});
      log.line("ring %d %" PRIx64 " %" PRIu64 " %" PRIu64 " %s", message->pid,
               message->hello.identity, rings.back().reader.first_ticket(),
               rings.back().reader.late(), message->hello.label);
      log.keep();
    }
    if (lazy) continue;
    for (auto ring = rings.begin(); ring != rings.end();) {
      const bool gone = is_gone(*ring);
      read(*ring, gone, log);
      ring = gone ? rings.erase(ring) : std::next(ring);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("record_recorder SOCKET LOG [--lazy]\n", stderr);
    return 2;
  }
  try {
    return run(argv[1], argv[2], argc > 3 && std::strcmp(argv[3], "--lazy") == 0);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "record_recorder: %s\n", problem.what());
    return 1;
  }
}

#include "collect/ring_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace jitcorral::collect {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int Descriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

RingReader::RingReader(const Descriptor& ring, bool sealed) {
  // The seal first: who is sealed can't get smaller any more, so the size that is seen then stays.
  if (sealed) {
    constexpr int kRequired = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    const int seals = fcntl(ring.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kRequired) != kRequired)
      throw std::runtime_error("no ring: not sealed against being shrunk, grown and sealed again");
  }
  struct stat s = {};
  if (fstat(ring.get(), &s) != 0 || s.st_size != ring::kSize)
    throw std::runtime_error("no ring: it has " + std::to_string(s.st_size) +
                             " bytes, accepted: " + std::to_string(ring::kSize));
  // A living ring is mapped, not read: slots are freed one by one. It can't be cut off (the seal),
  // and a hole that its writer punches reads as zeros. A file is copied.
  void* memory =
      sealed
          ? mmap(nullptr, ring::kSize, PROT_READ | PROT_WRITE, MAP_SHARED, ring.get(), 0)
          : mmap(nullptr, ring::kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(std::string("can't map the ring: ") + std::strerror(errno));
  memory_ = static_cast<unsigned char*>(memory);
  if (!sealed && pread(ring.get(), memory_, ring::kSize, 0) != ring::kSize) {
    munmap(memory_, ring::kSize);
    memory_ = nullptr;
    throw std::runtime_error("can't read the ring");
  }
  const ring::Header& h = header();
  const bool known = h.magic == ring::kMagic && h.major == ring::kMajor && h.size == ring::kSize &&
                     h.shards_offset == ring::kShardsOffset && h.shards == ring::kShards &&
                     h.shard_size == ring::kShardSize && h.texts_offset == ring::kTextsOffset &&
                     h.texts_size == ring::kTextsSize && h.slots_offset == ring::kSlotsOffset &&
                     h.slots == ring::kSlots;
  if (known) return;
  const std::string version = h.magic != ring::kMagic ? "no ring: it does not begin like one"
                              : h.major != ring::kMajor
                                  ? "a ring of version " + std::to_string(h.major) +
                                        ", accepted: " + std::to_string(ring::kMajor)
                                  : "no ring: its layout is none of its version's";
  munmap(memory_, ring::kSize);
  memory_ = nullptr;
  throw std::runtime_error(version);
}

RingReader::RingReader(RingReader&& other) noexcept
    : memory_(other.memory_),
      position_(other.position_),
      released_(other.released_),
      implausible_(other.implausible_),
      looked_at_(other.looked_at_),
      peeked_(std::move(other.peeked_)),
      held_(std::move(other.held_)) {
  other.memory_ = nullptr;
}

RingReader::~RingReader() {
  if (memory_ != nullptr) munmap(memory_, ring::kSize);
}

std::vector<Event> RingReader::peek(bool thorough) {
  auto* slots = reinterpret_cast<ring::Slot*>(memory_ + ring::kSlotsOffset);
  beat();
  const std::uint64_t taken = this->taken();
  // A whole lap holds everything that can be there.
  std::uint64_t count = taken - position_;
  if (thorough || count > ring::kSlots) count = ring::kSlots;
  const std::uint64_t first = taken - count;
  // A fault brings the pages around it along: 64 KiB, as Linux has it.
  constexpr std::size_t kAround = 64 << 10;
  looked_at_ = std::min<std::size_t>(
      ring::kSize, looked_at_ + ring::kSlotsOffset + count * sizeof(ring::Slot) + kAround);
  std::vector<Event> events;
  events.reserve(thorough ? 0 : count);
  peeked_.reserve(peeked_.size() + events.capacity());
  bool by_ticket = true;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint32_t>((first + i) % ring::kSlots);
    const ring::Slot& slot = slots[index];
    // Acquire: pairs with the writer's release when it commits.
    const std::uint64_t state = slot.state.load(std::memory_order_acquire);
    if ((state & 3) != ring::kCommitted) continue;
    if (held_[index]) continue;  // returned before, and not released yet
    std::uint64_t words[8] = {state >> 2};
    for (int word = 0; word < 7; ++word)
      words[word + 1] = __atomic_load_n(&slot.body[word], __ATOMIC_RELAXED);
    Event event;
    std::memcpy(&event, words, sizeof event);
    peeked_.push_back(index);
    held_[index] = true;
    // Read again if need be: the ticket may be newer than the look at the beginning.
    const bool is_its_own = event.ticket % ring::kSlots == index &&
                            (event.ticket < taken || event.ticket < this->taken());
    if (is_its_own && is_plausible(event)) {
      by_ticket = by_ticket && (events.empty() || events.back().ticket < event.ticket);
      events.push_back(event);
    } else {
      ++implausible_;
    }
  }
  position_ = taken;
  if (!by_ticket)
    std::sort(events.begin(), events.end(),
              [](const Event& a, const Event& b) { return a.ticket < b.ticket; });
  return events;
}

void RingReader::release() {
  auto* slots = reinterpret_cast<ring::Slot*>(memory_ + ring::kSlotsOffset);
  // Release: pairs with the acquire of the writer that takes the slot next; our copy is complete.
  for (const std::uint32_t index : peeked_) {
    held_[index] = false;
    slots[index].state.store(ring::kFree, std::memory_order_release);
  }
  released_ += peeked_.size();
  peeked_.clear();
}

void RingReader::resume(std::uint64_t stored, std::uint64_t senseless) {
  released_ = stored + senseless;
  implausible_ = senseless;
}

void RingReader::release_stored(std::span<const std::uint64_t> tickets) {
  auto* slots = reinterpret_cast<ring::Slot*>(memory_ + ring::kSlotsOffset);
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) {
    const std::uint64_t state = slots[i].state.load(std::memory_order_acquire);  // as in peek
    if ((state & 3) == ring::kCommitted && !held_[i] &&
        std::binary_search(tickets.begin(), tickets.end(), state >> 2))
      slots[i].state.store(ring::kFree, std::memory_order_release);  // as in release
  }
}

std::optional<std::uint64_t> RingReader::oldest() const {
  const auto* slots = reinterpret_cast<const ring::Slot*>(memory_ + ring::kSlotsOffset);
  std::optional<std::uint64_t> least;
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) {
    const std::uint64_t state = slots[i].state.load(std::memory_order_relaxed);
    if ((state & 3) == ring::kCommitted) least = std::min(least.value_or(UINT64_MAX), state >> 2);
  }
  return least;
}

void RingReader::rest() {
  // The pages stay where they are, in the memfd; only our view of them goes.
  madvise(memory_, ring::kSize, MADV_DONTNEED);
  looked_at_ = 0;
  if (peeked_.capacity() > 512 && peeked_.empty()) peeked_.shrink_to_fit();
}

std::uint64_t RingReader::taken() const {
  const std::uint64_t taken =
      header().taken.load(std::memory_order_seq_cst);  // after wait_for: see the shim's append
  if ((taken & ring::kLeft) == 0) [[likely]]
    return taken;
  // Acquire: pairs with the release of the thread that left the ring.
  const std::uint64_t left_at = header().left_at.load(std::memory_order_acquire);
  return left_at != 0 ? left_at - 1 : taken & ~ring::kLeft;
}
std::uint64_t RingReader::first_ticket() const {
  return header().first_ticket;
}
std::uint64_t RingReader::late() const {
  return header().late;
}
bool RingReader::is_left() const {
  return header().left_at.load(std::memory_order_acquire) != 0;
}
void RingReader::beat() {
  header().reader_beats.fetch_add(1, std::memory_order_relaxed);
}
void RingReader::acknowledge() {
  header().acknowledged.store(1, std::memory_order_relaxed);
}
std::uint64_t RingReader::dropped() const {
  return header().dropped.load(std::memory_order_relaxed);
}
std::uint64_t RingReader::texts_lost() const {
  return header().texts_lost.load(std::memory_order_relaxed);
}
std::uint64_t RingReader::unfinished() const {
  // Dropped first: what is dropped in between would be counted as unfinished, never less than none.
  const std::uint64_t done = dropped() + released_ + peeked_.size();
  const std::uint64_t taken = this->taken();
  return taken > done ? taken - done : 0;
}
std::uint32_t RingReader::page_size() const {
  // A power of two from 4 KiB to 64 KiB, or not what a kernel has.
  const std::uint32_t size = header().page_size;
  return size == 4096 || size == 16384 || size == 65536 ? size : 0;
}
bool RingReader::ended_by_exit() const {
  return (header().state.load(std::memory_order_relaxed) & ring::kEndedByExit) != 0;
}
bool RingReader::is_filtered() const {
  return (header().state.load(std::memory_order_relaxed) & ring::kFiltered) != 0;
}

void RingReader::wait_for(std::uint64_t more) {
  header().wake_at.store(more == 0 ? ring::kNobodyWaits : position_ + more - 1,
                         std::memory_order_seq_cst);
}

std::optional<std::string> RingReader::text(std::uint32_t offset) const {
  if (offset < ring::kFirstText || offset % 8 != 0 ||
      offset > ring::kTextsSize - sizeof(ring::Text))
    return std::nullopt;
  const auto* head = reinterpret_cast<const ring::Text*>(memory_ + ring::kTextsOffset + offset);
  // Acquire: pairs with the release in the shim's add_text.
  if (head->ready.load(std::memory_order_acquire) != ring::kTextReady) return std::nullopt;
  const std::uint32_t length = __atomic_load_n(&head->length, __ATOMIC_RELAXED);
  if (length > ring::kLongestText || length > ring::kTextsSize - offset - sizeof(ring::Text))
    return std::nullopt;
  return std::string(reinterpret_cast<const char*>(head) + sizeof(ring::Text), length);
}

std::optional<model::Site> RingReader::site(std::uint32_t id) const {
  if (id < ring::kFirstText || id % 8 != 0 || id > ring::kTextsSize - sizeof(ring::Site))
    return std::nullopt;
  const auto* site = reinterpret_cast<const ring::Site*>(memory_ + ring::kTextsOffset + id);
  if (site->ready.load(std::memory_order_acquire) != ring::kSiteReady) return std::nullopt;
  model::Site out;
  out.id = id;
  out.role = site->role < Role::kCount ? site->role : Role::kNone;
  out.address = site->address;
  out.offset = site->offset;
  out.identity = site->identity;
  out.module = text(site->module).value_or("");
  out.symbol = text(site->symbol).value_or("");
  return out;
}

std::optional<Hello> RingReader::hello() const {
  const std::uint32_t at = header().hello_offset;
  if (at < ring::kFirstText || at > ring::kTextsSize - Hello::kFirstSize) return std::nullopt;
  const unsigned char* bytes = memory_ + ring::kTextsOffset + at;
  std::uint16_t size = 0;  // copied once: its writer may change it
  std::memcpy(&size, bytes + offsetof(Hello, size), sizeof size);
  if (size > ring::kTextsSize - at) return std::nullopt;
  return hello_from(bytes, size);
}

std::optional<model::WindowInfo> RingReader::window() const {
  const ring::Header& h = header();
  if (h.window_known.load(std::memory_order_acquire) == 0) return std::nullopt;
  constexpr std::uint64_t kEnd = 1ULL << 56;
  const auto is_range = [](std::uint64_t begin, std::uint64_t end) {
    return begin <= end && end <= kEnd;
  };
  model::WindowInfo window;
  const std::uint64_t base = h.window_base, size = h.window_size;
  const std::uint64_t anchor_begin = h.anchor_begin, anchor_end = h.anchor_end;
  if (base > kEnd || size > kEnd || !is_range(base, base + size)) return std::nullopt;
  window.range = range_of(Address{base}, Bytes{size});
  if (is_range(anchor_begin, anchor_end))
    window.anchor = {Address{anchor_begin}, Address{anchor_end}};
  window.reserved = (h.window_flags.load(std::memory_order_relaxed) & ring::kWindowReserved) != 0;
  return window;
}

model::Counters RingReader::counters() const {
  const ring::Header& h = header();
  const auto* shards = reinterpret_cast<const ring::Shard*>(memory_ + ring::kShardsOffset);
  model::Counters counters = {};
  for (std::size_t i = 0; i < ring::kCounters; ++i) counters[i] = h.counters_before[i];
  for (std::uint32_t shard = 0; shard < ring::kShards; ++shard)
    for (std::size_t i = 0; i < ring::kCounters; ++i)
      counters[i] += __atomic_load_n(&shards[shard].counters[i], __ATOMIC_RELAXED);
  return counters;
}

}  // namespace jitcorral::collect

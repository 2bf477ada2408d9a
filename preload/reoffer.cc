#include "reoffer.h"

#include "asking.h"
#include "greeting.h"
#include "held.h"
#include "recorder.h"
#include "ring_file.h"
#include "seccomp_status.h"
#include "succession.h"

namespace jitcorral::reoffer {

constinit std::atomic<std::uint64_t> look_at{UINT64_MAX};

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kEvery = 5 * kSecond;
constexpr std::uint64_t kLongest = 60 * kSecond;
constexpr std::uint64_t kSeldom = 600 * kSecond;
constexpr std::uint64_t kAtEnd = 2 * kSecond;  // a reader that lives comes once a second
// Offers that nobody took up lie in the recorder's queue, and each holds a descriptor of those that
// the kernel grants a user in flight (RLIMIT_NOFILE): then ever more seldom.
constexpr unsigned kPatience = 2;
constexpr unsigned kMostDoubled = 8;  // 10 min to 43 h
constexpr unsigned kMostStuck = 8;
// A reader whose ring outlives it comes back to that: it has half a minute.
constexpr unsigned kLooksIfSafe = 6;

constinit std::atomic<bool> looking{false};
// Of the thread that looks.
constinit std::uint64_t looked = 0;
constinit std::uint64_t wait = kEvery;
constinit std::uint32_t beats = 0;
constinit unsigned stale_looks = 0;
constinit unsigned unanswered = 0;
constinit unsigned stuck = 0;
constinit void* spare = nullptr;         // mapped, and of no use but for late writers
constinit bool spare_is_unused = false;  // it never was the ring
constinit void* predecessor = nullptr;   // the spare, if the ring is its copy
constinit unsigned late_looks = 0;       // that the predecessor is still worth

AddressRange pages_of(void* memory) {
  return range_of({reinterpret_cast<std::uint64_t>(memory)}, Bytes{ring::kSize});
}

// What others did to the ring that was left while it was.
void catch_up(RingWriter ring) {
  if (predecessor == nullptr || late_looks == 0) return;
  --late_looks;
  const RingWriter left(predecessor);
  succession::copy_late(left, ring);
  ring.header().state.fetch_or(left.header().state.load(std::memory_order_relaxed),
                               std::memory_order_relaxed);
  process.record.copy_before(ring.header());
  recorder::window_opened();
}

// After a move that failed the kernel may have unmapped what lay at its target, and late writers
// may still come there: they find a ring that was left.
void fill_hole(AddressRange at) {
  const KernelResult r = kernel::map({at.begin, at.size(), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0});
  // Something is there: the old ring as it was, or what another thread of the host mapped just now.
  // Never trusted again; it may stay.
  spare = nullptr;
  if (!r.ok()) {
    ++stuck;
    return;
  }
  if (r.address() != at.begin) {  // Linux before 4.17 takes it for a hint
    kernel::unmap(range_of(r.address(), at.size()));
    return;
  }
  RingWriter left(reinterpret_cast<void*>(at.begin.value));
  succession::leave(left);
  spare = left.memory();
  spare_is_unused = true;
}

// To where the spare lies, so that rings don't add up. Null: too many threads are stuck in old
// ones.
void* settle(void* memory) {
  process.record.fold();  // its counters go with it
  predecessor = nullptr;
  if (spare == nullptr) return memory;
  if (spare_is_unused || succession::retire(RingWriter(spare))) {
    const AddressRange from = pages_of(memory);
    const AddressRange to = pages_of(spare);
    const KernelResult r = kernel::remap(
        {from.begin, from.size(), from.size(), MREMAP_MAYMOVE | MREMAP_FIXED, to.begin});
    if (r.ok()) return spare;
    fill_hole(to);
    return nullptr;
  }
  if (stuck == kMostStuck) return nullptr;
  ++stuck;
  spare = nullptr;
  return memory;
}

// A new ring in the place of this one, handed over; false if nobody took it. No handler comes
// between.
bool offer(RingWriter ring) {
  ForkMark* mark = fork_mark.load(std::memory_order_acquire);
  if (mark == nullptr) return false;
  if (!greeting::ring_doorbell().ok() &&
      (!greeting::find_socket() || !greeting::ring_doorbell().ok()))
    return false;
  const RingMemory made = make_memory_ring();
  if (made.memory == nullptr) return false;
  kernel::call(SYS_munlock, kernel::as_long(pages_of(made.memory).begin), ring::kSize);
  RingWriter(made.memory).format(ring.header().page_size, ring.header().pid);
  // From here on writers wait for the next ring, or for this one to open again: some 100 us.
  const std::uint64_t taken = succession::leave(ring);
  succession::copy(ring, RingWriter(made.memory), taken);
  // Only now that it is whole, and left itself: threads may still look for an old ring there.
  void* memory = settle(made.memory);
  if (memory == nullptr) {
    succession::open(ring, taken);
    kernel::unmap(pages_of(made.memory));
    held::close(made.fd);
    return false;
  }
  RingWriter next(memory);
  process.record.copy_to(next.header().counters_before);
  recorder::tell_window(next.header());
  const bool sent = greeting::offer(made.fd).ok();
  held::close(made.fd);
  if (!sent) {
    succession::open(ring, taken);
    if (memory != spare) kernel::unmap(pages_of(memory));
    spare_is_unused = memory == spare;
    return false;
  }
  process.record.leave(ring.memory());
  succession::open(next, taken);
  mark->ring.store(memory, std::memory_order_seq_cst);  // pairs with ring_of_this_process
  spare = predecessor = ring.memory();
  spare_is_unused = false;
  late_looks = 4;
  // Who was in the middle of an event is done in a moment, unless it is us or was put off.
  constexpr int kTries = 20;
  for (int i = 0; i < kTries && !succession::copy_late(ring, next); ++i) kernel::yield();
  catch_up(next);
  return true;
}

std::uint64_t wait_after(bool offered) {
  if (offered && ++unanswered >= kPatience) {
    const unsigned doubled = unanswered - kPatience;
    return kSeldom << (doubled < kMostDoubled ? doubled : kMostDoubled);
  }
  return wait < kLongest / 2 ? wait * 2 : kLongest;
}

void look_now(std::uint64_t now, void* memory) {
  const RingWriter ring(memory);
  looked = now;
  catch_up(ring);
  const std::uint32_t seen = ring.header().reader_beats.load(std::memory_order_relaxed);
  if (seen != beats) {
    beats = seen;
    stale_looks = unanswered = 0;
    wait = kEvery;
    return;
  }
  ++stale_looks;
  const bool is_safe = ring.header().acknowledged.load(std::memory_order_relaxed) == 1;
  if (is_safe && stale_looks < kLooksIfSafe) return;
  // A filter that came by an inline system call was not seen arriving.
  if (seccomp::filters_in_force() > settings.record_filters) return;
  // A vfork child is this process for us, but not for the recorder.
  if (static_cast<std::uint32_t>(kernel::getpid().raw) != greeting::hello.pid) return;
  const bool offered = offer(ring);
  if (offered) beats = stale_looks = 0;
  wait = wait_after(offered);
  look_at.store(now + wait, std::memory_order_relaxed);
}

void look_unless(std::uint64_t now) {
  // A handler might come to an event of its own, close descriptors, or never return.
  kernel::SignalSet mask = 0;
  if (!block_signals_unless_filtered(mask)) return;
  // Over before handlers run again: one may never return.
  if (const Asking ask; ask.may() && !looking.exchange(true, std::memory_order_acquire)) {
    // Not before: another thread may just have gone on to the next ring.
    if (void* memory = ring_of_this_process()) look_now(now, memory);
    looking.store(false, std::memory_order_release);
  }
  kernel::set_signal_mask(mask);
}

}  // namespace

void begin(std::uint64_t now) {
  looked = now;
  look_at.store(now + kEvery, std::memory_order_relaxed);
}

void look(std::uint64_t now) {
  std::uint64_t due = look_at.load(std::memory_order_relaxed);
  // Of all threads one.
  if (now < due || !look_at.compare_exchange_strong(due, now + kEvery, std::memory_order_relaxed))
    return;
  look_unless(now);
}

void end(std::uint64_t now) {
  if (look_at.load(std::memory_order_relaxed) != UINT64_MAX && now >= looked + kAtEnd)
    look_unless(now);
}

void on_fork_child() {
  look_at.store(UINT64_MAX, std::memory_order_relaxed);
  looking.store(false, std::memory_order_relaxed);
  // The parent's rings stay where they are: a handler may have forked in the middle of an event.
  spare = predecessor = nullptr;
  wait = kEvery;
  beats = 0;
  stale_looks = unanswered = stuck = late_looks = 0;
}

}  // namespace jitcorral::reoffer

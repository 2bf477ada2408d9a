#include "recorder.h"

#include <cerrno>

#include "asking.h"
#include "caller.h"
#include "clock.h"
#include "greeting.h"
#include "held.h"
#include "messages.h"
#include "process.h"
#include "record_sites.h"
#include "reoffer.h"
#include "retry.h"
#include "ring_file.h"
#include "seccomp_status.h"

namespace jitcorral::recorder {

constinit std::atomic<State> state{State::kOff};

namespace {

using greeting::hello;

constinit bool said_begin = false;
constinit std::atomic<std::uint64_t> lost{0};  // events that came while the ring was being opened
constinit std::atomic<bool> opening_is_stuck{false};
constinit std::atomic<std::uint32_t> generation{0};  // of rings, over forks
constinit Retry retry;
// Placements of processes that this one was forked from, and that had no record.
constinit std::uint64_t placed_before_fork = 0;

// tid (bits 0-31) and the generation of the ring that it was asked for.
constinit thread_local std::uint64_t own_tid = 0;

std::uint32_t tid() {
  const std::uint32_t now = generation.load(std::memory_order_relaxed);
  if (own_tid >> 32 == now) return static_cast<std::uint32_t>(own_tid);
  const Asking ask;
  if (!ask.may()) return 0;
  const auto asked = static_cast<std::uint32_t>(kernel::gettid().raw);
  own_tid = std::uint64_t{now} << 32 | asked;
  return asked;
}

// The page that tells this process from those forked from it.
ForkMark* make_mark() {
  if (ForkMark* mark = fork_mark.load(std::memory_order_acquire)) return mark;
  const Bytes page = process.window.page_size().bytes();
  const KernelResult r =
      kernel::map({{}, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0});
  if (!r.ok()) return nullptr;
  kernel::advise(range_of(r.address(), page), MADV_WIPEONFORK);
  auto* mark = reinterpret_cast<ForkMark*>(r.address().value);
  fork_mark.store(mark, std::memory_order_release);  // pairs with ring_of_this_process
  return mark;
}

void cannot(const RingMemory& ring) {
  hello.reason = ring.reason;
  hello.error = static_cast<std::uint16_t>(ring.error);
  if (settings.record != RecordTo::kFile) greeting::say(Hello::Subject::kCannot);
  messages::cannot_record(Hello::kCannotTexts[static_cast<std::size_t>(ring.reason)], ring.error);
}

// Whether there is somewhere to record to. Asked first, and by the kinds of calls that let the
// process start: what follows makes others.
State look_for_recorder() {
  if (settings.record != RecordTo::kFile && !greeting::find_socket()) return State::kAbsent;
  return said_begin || seccomp::filters_in_force() <= settings.record_filters ? State::kOpening
                                                                              : State::kOff;
}

// After `error`: looked for again, or given up.
State without_recorder(int error) {
  const bool is_auto = settings.record == RecordTo::kAuto;
  // A recorder that has gone is no news to what outlived it.
  if (greeting::is_nobody(error)) return is_auto ? State::kAbsent : State::kOff;
  if (error == EAGAIN || (is_auto && (greeting::is_busy(error) || greeting::is_gone(error))))
    return State::kAbsent;
  messages::cannot_record("the recorder does not take it", error);
  return State::kOff;
}

// The ring, mapped, filled with what is known and handed over: kOpen, or what is without it.
// `late`: placements that are not in it.
State make_ring(std::uint64_t late) {
  const bool to_file = settings.record == RecordTo::kFile;
  if (hello.identity == 0) greeting::fill_in();
  ForkMark* mark = make_mark();
  const RingMemory made = mark == nullptr ? RingMemory{nullptr, -1, Hello::Cannot::kMemory, ENOMEM}
                          : to_file       ? make_file_ring(settings.record_path, hello.executable)
                                          : make_memory_ring();
  if (made.memory == nullptr) {
    cannot(made);
    return State::kOff;
  }
  const AddressRange whole =
      range_of({reinterpret_cast<std::uint64_t>(made.memory)}, Bytes{ring::kSize});
  // After mlockall(MCL_FUTURE) it would count against the host's own limit.
  kernel::call(SYS_munlock, kernel::as_long(whole.begin), kernel::as_long(whole.size()));
  RingWriter writer(made.memory);
  writer.format(static_cast<std::uint32_t>(process.window.page_size().bytes().count), hello.pid);
  generation.fetch_add(1, std::memory_order_relaxed);
  hello.subject = Hello::Subject::kRing;
  hello.time = clock::now(true);
  writer.header().hello_offset = writer.add_bytes(&hello, sizeof hello);
  writer.header().late = late;
  sites::begin(writer, generation.load(std::memory_order_relaxed), hello.executable);
  const KernelResult sent = to_file ? KernelResult{} : greeting::offer(made.fd);
  held::close(made.fd);
  if (!sent.ok()) {
    kernel::unmap(whole);
    return without_recorder(sent.error());
  }
  greeting::prepare_doorbell();
  mark->ring.store(made.memory, std::memory_order_release);  // pairs with ring_of_this_process
  process.record.move_to(writer.header());
  // Who runs a command, or reads a file, takes one ring of a process.
  if (settings.record == RecordTo::kAuto) reoffer::begin(hello.time);
  return State::kOpen;
}

void count_lost() {
  void* memory = ring_of_this_process();
  const std::uint64_t n = lost.exchange(0, std::memory_order_relaxed);
  if (memory == nullptr || n == 0) return;
  ring::Header& h = RingWriter(memory).header();
  if ((h.taken.fetch_add(n, std::memory_order_relaxed) & ring::kLeft) != 0) {
    lost.fetch_add(n, std::memory_order_relaxed);  // into the next one
    return;
  }
  h.dropped.fetch_add(n, std::memory_order_relaxed);
}

// Another thread makes the ring: a dozen system calls, for which it may have to wait.
bool wait_for_ring() {
  constexpr int kSpins = 1000, kYields = 50000;
  for (int i = 0; i < kSpins + kYields; ++i) {
    if (state.load(std::memory_order_acquire) != State::kOpening)
      return ring_of_this_process() != nullptr;
    if (opening_is_stuck.load(std::memory_order_relaxed)) break;
    if (i >= kSpins && !yield_unless_filtered()) break;
  }
  opening_is_stuck.store(true, std::memory_order_relaxed);
  lost.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// Signals are blocked, and there is a recorder. Whether this thread is the one to make the ring;
// `seen`: what stood in its way.
bool open_now(State& seen, bool is_late, bool places, bool& made) {
  if (!state.compare_exchange_strong(seen, State::kOpening, std::memory_order_acq_rel))
    return false;
  std::uint64_t late = placed_before_fork;
  const std::uint64_t placed = is_late ? process.record.placements() : 0;
  late += places && placed > 0 ? placed - 1 : placed;
  const State now = make_ring(late);
  made = now == State::kOpen;
  if (made) opening_is_stuck.store(false, std::memory_order_relaxed);
  // Nobody heard of it: children are what this process's own parent was.
  if (now == State::kAbsent && !said_begin) hello.identity = 0;
  if (now == State::kAbsent && !is_late) retry.claim(clock::lately(true));
  state.store(now, std::memory_order_release);
  return true;
}

// `places`: the event is a placement, and already counted.
bool open(bool places) {
  State seen = state.load(std::memory_order_acquire);
  if (seen == State::kOpen) {
    if (ring_of_this_process() != nullptr) return true;
    // Forked by an inline system call: no handler of ours ran. One thread takes note of it.
    if (!state.compare_exchange_strong(seen, State::kOpening, std::memory_order_acq_rel))
      return wait_for_ring();
    on_fork_child();
    seen = State::kWaiting;
  }
  if (seen == State::kOpening) return wait_for_ring();
  const bool is_late = seen == State::kAbsent;
  if (is_late ? !retry.claim(clock::lately(may_ask())) : seen != State::kWaiting) return false;
  // Nothing is marked yet: a handler that never returns leaves nothing behind. By the kinds of
  // calls that let the process start.
  State found = State::kOff;
  if (const Asking ask; ask.may()) {
    if (!is_late && !said_begin) clock::prepare();
    found = look_for_recorder();
    if (found != State::kOpening && !is_late) retry.claim(clock::lately(true));
  }
  if (found != State::kOpening) {
    state.compare_exchange_strong(seen, found, std::memory_order_acq_rel);
    return false;
  }
  // No handler of the host's comes between: it might close descriptors, or never return.
  kernel::SignalSet mask = 0;
  if (!block_signals_unless_filtered(mask)) return false;
  bool made = false, ours = false;
  if (const Asking ask; ask.may()) ours = open_now(seen, is_late, places, made);
  kernel::set_signal_mask(mask);
  if (!ours) return seen == State::kOpening ? wait_for_ring() : ring_of_this_process() != nullptr;
  if (!made) return false;
  window_opened();
  count_lost();
  return true;
}

void ring_doorbell(ring::Header& header) {
  // Of all threads one rings.
  if (header.wake_at.exchange(ring::kNobodyWaits, std::memory_order_relaxed) !=
          ring::kNobodyWaits &&
      settings.record != RecordTo::kFile) {
    const Asking ask;
    if (ask.may()) greeting::ring_doorbell();
  }
}

// The ring that the process went on to, once it is there; some 100 us at the most, unless the
// thread that makes it has to wait for a processor. Null: it did not come.
void* ring_behind(void* left) {
  constexpr int kSpins = 1000, kYields = 50000;
  for (int i = 0; i < kSpins + kYields; ++i) {
    void* memory = ring_of_this_process();
    if (memory != left || !RingWriter(left).is_left()) return memory;
    if (opening_is_stuck.load(std::memory_order_relaxed)) break;
    if (i >= kSpins && !yield_unless_filtered()) break;
  }
  opening_is_stuck.store(true, std::memory_order_relaxed);
  lost.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

// The ring was left: into the next one. `memory`: of that; null if it did not come.
[[gnu::noinline, gnu::cold]] std::uint64_t append_behind(void*& memory, Event& e, const Note& n) {
  // From ring to ring, but not for ever: what writes into them may be hostile.
  constexpr int kRings = 16;
  for (int i = 0; i < kRings; ++i) {
    if ((memory = ring_behind(memory)) == nullptr) return RingWriter::kDropped;
    // Its texts may have grown since.
    e.site = n.site == nullptr ? 0 : sites::id_of(RingWriter(memory), n.site, n.role);
    const std::uint64_t ticket = RingWriter(memory).append(e);
    if (ticket != RingWriter::kMovedOn) return ticket;
  }
  lost.fetch_add(1, std::memory_order_relaxed);
  return RingWriter::kDropped;
}

[[gnu::noinline, gnu::cold]] void* look_after_reader(std::uint64_t now) {
  reoffer::look(now);
  if (ring_of_this_process() != nullptr && !RingWriter(ring_of_this_process()).is_left())
    opening_is_stuck.store(false, std::memory_order_relaxed);
  count_lost();
  return ring_of_this_process();
}

void mark_header(std::uint32_t state) {
  // Once more if it was left in between.
  for (int i = 0; i < 2; ++i)
    if (void* memory = ring_of_this_process())
      RingWriter(memory).header().state.fetch_or(state, std::memory_order_seq_cst);
}

}  // namespace

bool looks_again() {
  return may_ask() && retry.is_due(clock::lately(true));
}

void begin() {
  if (settings.record == RecordTo::kOff) return;
  if (settings.record == RecordTo::kUnix) {
    if (seccomp::filters_in_force() > settings.record_filters) return;
    clock::prepare();
    greeting::fill_in();
    greeting::find_socket();
    said_begin = greeting::say(Hello::Subject::kBegin).ok();
  }
  if (settings.record == RecordTo::kFile && seccomp::filters_in_force() != 0) return;
  state.store(State::kWaiting, std::memory_order_release);
}

void end() {
  if (!is_on()) return;
  if (ring_of_this_process() != nullptr) {
    count_lost();
    reoffer::end(clock::now(may_ask()));
    mark_header(ring::kEndedByExit);
  } else if (said_begin && may_ask()) {
    process.record.copy_to(hello.counters);
    greeting::say(Hello::Subject::kEnd);
  }
}

void on_fork_child() {
  held::close_all_in_child();
  reoffer::on_fork_child();
  Asking::forget();
  const State before = state.load(std::memory_order_relaxed);
  if (before == State::kAbsent) placed_before_fork += process.record.placements();
  if (before > State::kWaiting) placed_before_fork = 0;  // the parent's record says it
  process.record.forget();
  if (before == State::kOff) return;
  retry.forget();
  if (ForkMark* mark = fork_mark.load(std::memory_order_acquire))
    mark->ring.store(nullptr, std::memory_order_relaxed);
  said_begin = false;
  hello.forked = 1;
  // A parent that has no record of its own was itself what its parent was when it forked.
  if (hello.identity != 0) {
    hello.parent = hello.identity;
    hello.fork_time = clock::now(may_ask());
    hello.identity = 0;
  }
  lost.store(0, std::memory_order_relaxed);
  opening_is_stuck.store(false, std::memory_order_relaxed);
  state.store(State::kWaiting, std::memory_order_release);
}

void let_finish() {
  constexpr int kSpins = 1000, kYields = 50000;  // some 100 ms at the most: a handler waits in vain
  for (int i = 0; i < kSpins + kYields; ++i) {
    // Acquire: pairs with the release of the thread that has finished.
    if (!Asking::any() && state.load(std::memory_order_acquire) != State::kOpening) break;
    if (i >= kSpins) kernel::yield();
  }
  mark_header(ring::kFiltered);  // in a ring that was made meanwhile too
}

void before_filter() {
  if (state.load(std::memory_order_acquire) == State::kWaiting) open(false);
  // From here on times and thread ids would be new kinds of calls; the ring is only memory.
  mark_header(ring::kFiltered);
}

std::uint64_t note(const Note& n) {
  if (state.load(std::memory_order_relaxed) == State::kOff) return RingWriter::kDropped;
  void* memory = ring_of_this_process();
  if (memory == nullptr) {
    const bool places = n.outcome == Outcome::kSteered || n.outcome == Outcome::kFellBack ||
                        n.outcome == Outcome::kWouldSteer;
    if (!open(places) || (memory = ring_of_this_process()) == nullptr) return RingWriter::kDropped;
  }
  Event e = {};
  e.time = clock::now(may_ask());
  if (e.time >= reoffer::look_at.load(std::memory_order_relaxed)) [[unlikely]] {
    if ((memory = look_after_reader(e.time)) == nullptr) return RingWriter::kDropped;
  }
  e.address = n.at.begin.value;
  e.length = n.at.size().count;
  e.other = n.other;
  e.fingerprint = n.fingerprint;
  e.flags = static_cast<std::uint32_t>(n.flags);
  e.thread = (tid() & 0xffffffU) | static_cast<std::uint32_t>(n.error & 0xff) << 24;
  e.call = n.call;
  e.outcome = n.outcome;
  e.reason = n.reason;
  e.prot_kind = static_cast<std::uint8_t>((n.prot & 0xf) | static_cast<unsigned>(n.kind) << 4);
  if (n.call == Call::kMap || n.call == Call::kAllocate || n.call == Call::kMoveTo ||
      (n.call == Call::kProtect && (n.prot & PROT_EXEC) != 0))
    widen_outside(n.at);
  e.site = n.site == nullptr ? 0 : sites::id_of(RingWriter(memory), n.site, n.role);
  std::uint64_t ticket = RingWriter(memory).append(e);
  if (ticket == RingWriter::kMovedOn) [[unlikely]] {
    ticket = append_behind(memory, e, n);
    if (memory == nullptr) return RingWriter::kDropped;
  }
  ring::Header& header = RingWriter(memory).header();
  // A dropped event's ticket is the greatest there is.
  const std::uint64_t wake_at = header.wake_at.load(std::memory_order_seq_cst);  // see append
  if (ticket >= wake_at && wake_at != ring::kNobodyWaits) [[unlikely]]
    ring_doorbell(header);
  return ticket;
}

void cancel(std::uint64_t ticket) {
  if (ticket == RingWriter::kDropped) return;
  Note n;
  n.call = Call::kCancel;
  n.other = ticket;
  note(n);
}

void window_opened() {
  if (void* memory = ring_of_this_process()) tell_window(RingWriter(memory).header());
}

void tell_window(ring::Header& h) {
  if (!process.window.is_open()) return;
  const AddressRange window = process.window.range(), anchor = process.window.anchor();
  h.window_base = window.begin.value;
  h.window_size = window.size().count;
  h.anchor_begin = anchor.begin.value;
  h.anchor_end = anchor.end.value;
  h.window_flags.store((process.window.any_shielded(window) ? ring::kWindowReserved : 0) |
                           (process.window.code_at_high_end() ? ring::kWindowCodeAtHighEnd : 0),
                       std::memory_order_relaxed);
  h.window_known.store(1, std::memory_order_release);  // pairs with the reader's acquire
}

}  // namespace jitcorral::recorder

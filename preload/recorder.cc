#include "recorder.h"

#include <cerrno>
#include <cstring>

#include "caller.h"
#include "clock.h"
#include "held.h"
#include "layout.h"
#include "messages.h"
#include "post.h"
#include "process.h"
#include "record_sites.h"
#include "ring_file.h"
#include "seccomp_status.h"

namespace jitcorral {

namespace recorder {

constinit std::atomic<State> state{State::kOff};
constinit std::atomic<std::uint64_t> outside_low{0};
constinit std::atomic<std::uint64_t> outside_high{0};

namespace {

// What this process says of itself. Written by the constructor, by the thread that opens the ring
// and in forked children: by one at a time.
constinit Hello hello;
constinit Hello doorbell;  // the same, ready to be sent
constinit bool said_begin = false;
constinit const char* recorder_socket = nullptr;
constinit std::atomic<std::uint64_t> lost{0};  // events that came while the ring was being opened
constinit std::atomic<bool> opening_is_stuck{false};
constinit std::atomic<std::uint32_t> generation{0};  // of rings, over forks

// tid (bits 0-31) and the generation of the ring that it was asked for.
constinit thread_local std::uint64_t own_tid = 0;

bool may_ask() {
  return !process.filtered.load(std::memory_order_relaxed);
}

// Threads that are between their look at `filtered` and the end of a system call that a filter may
// forbid. Who brings a filter for all threads waits for them.
constinit std::atomic<std::uint32_t> asking{0};
class Asking {
 public:
  // Sequentially consistent, with let_finish(): either we see the filter's mark, or it sees us.
  Asking() {
    asking.fetch_add(1, std::memory_order_seq_cst);
    may_ = !process.filtered.load(std::memory_order_seq_cst);
  }
  ~Asking() { asking.fetch_sub(1, std::memory_order_release); }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  bool may() const { return may_; }

 private:
  bool may_;
};

std::uint32_t tid() {
  const std::uint32_t now = generation.load(std::memory_order_relaxed);
  if (own_tid >> 32 == now) return static_cast<std::uint32_t>(own_tid);
  const Asking ask;
  if (!ask.may()) return 0;
  const auto asked = static_cast<std::uint32_t>(kernel::gettid().raw);
  own_tid = std::uint64_t{now} << 32 | asked;
  return asked;
}

void fill_in_hello() {
  hello.size = sizeof hello;
  hello.mode = settings.mode;
  hello.near = settings.near;
  hello.pid = static_cast<std::uint32_t>(kernel::getpid().raw);
  hello.seed = settings.seeded ? settings.seed : 0;
  hello.window = settings.window.count;
  hello.max = process.max.count;
  const std::string_view version(JITCORRAL_VERSION);
  static_assert(sizeof JITCORRAL_VERSION <= sizeof hello.version);
  std::memcpy(hello.version, version.data(), version.size());
  std::memcpy(hello.label, settings.label, sizeof hello.label);
  std::memcpy(hello.slurm_job, process.slurm_job, sizeof hello.slurm_job);
  std::memset(hello.executable, 0, sizeof hello.executable);
  kernel::readlink("/proc/self/exe", hello.executable, sizeof hello.executable - 1);
  // Random enough for two records of one session to differ: where the stack, the library and the
  // clock are.
  hello.identity = mix(process.random ^ mix(clock::now(true)) ^
                       (std::uint64_t{hello.pid} << 32 | reinterpret_cast<std::uintptr_t>(&hello)));
}

KernelResult say_hello(Hello::Subject subject, int fd = -1) {
  hello.subject = subject;
  hello.time = clock::now(true);
  return post::send(recorder_socket, hello, fd);
}

// Where the recorder listens; null if there is none.
const char* find_socket() {
  if (settings.record == RecordTo::kUnix) return settings.record_path;
  if (process.runtime_socket[0] != '\0' && kernel::exists(process.runtime_socket).ok())
    return process.runtime_socket;
  constexpr const char* kSystem = "/run/jitcorral/socket";
  return kernel::exists(kSystem).ok() ? kSystem : nullptr;
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
  if (recorder_socket != nullptr) say_hello(Hello::Subject::kCannot);
  messages::cannot_record(Hello::kCannotTexts[static_cast<std::size_t>(ring.reason)], ring.error);
}

// Whether there is somewhere to record to. Asked first, and by the kinds of calls that let the
// process start: what follows makes others.
bool may_record() {
  if (settings.record != RecordTo::kFile) {
    recorder_socket = find_socket();
    if (recorder_socket == nullptr) return false;
  }
  return said_begin || seccomp::filters_in_force() <= settings.record_filters;
}

// The ring, mapped, filled with what is known and handed over; false if there will be none.
bool make_ring() {
  const bool to_file = settings.record == RecordTo::kFile;
  if (generation.load(std::memory_order_relaxed) == 0 && !said_begin) clock::prepare();
  if (hello.identity == 0) fill_in_hello();
  ForkMark* mark = make_mark();
  const RingMemory made = mark == nullptr ? RingMemory{nullptr, -1, Hello::Cannot::kMemory, ENOMEM}
                          : to_file       ? make_file_ring(settings.record_path, hello.executable)
                                          : make_memory_ring();
  if (made.memory == nullptr) {
    cannot(made);
    return false;
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
  sites::begin(writer, generation.load(std::memory_order_relaxed), hello.executable);
  if (to_file) {
    held::close(made.fd);
  } else {
    const KernelResult sent = say_hello(Hello::Subject::kRing, made.fd);
    held::close(made.fd);
    if (!sent.ok()) {
      kernel::unmap(whole);
      // A recorder that has gone is no news to what outlived it.
      if (sent.error() != ECONNREFUSED && sent.error() != ENOENT)
        messages::cannot_record("the recorder does not take it", sent.error());
      return false;
    }
  }
  doorbell = hello;
  doorbell.subject = Hello::Subject::kDoorbell;
  mark->ring.store(made.memory, std::memory_order_release);  // pairs with ring_of_this_process
  process.record.move_to(writer.header());
  return true;
}

void count_lost() {
  void* memory = ring_of_this_process();
  const std::uint64_t n = lost.exchange(0, std::memory_order_relaxed);
  if (memory == nullptr || n == 0) return;
  RingWriter(memory).header().taken.fetch_add(n, std::memory_order_relaxed);
  RingWriter(memory).header().dropped.fetch_add(n, std::memory_order_relaxed);
}

// Another thread makes the ring: a dozen system calls, for which it may have to wait.
bool wait_for_ring() {
  constexpr int kSpins = 1000, kYields = 50000;
  for (int i = 0; i < kSpins + kYields; ++i) {
    if (state.load(std::memory_order_acquire) != State::kOpening)
      return ring_of_this_process() != nullptr;
    if (opening_is_stuck.load(std::memory_order_relaxed)) break;
    if (i >= kSpins && !may_ask()) break;
    if (i >= kSpins) kernel::yield();
  }
  opening_is_stuck.store(true, std::memory_order_relaxed);
  lost.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool open() {
  State seen = state.load(std::memory_order_acquire);
  if (seen == State::kOpen) {
    if (ring_of_this_process() != nullptr) return true;
    // Forked by an inline system call: no handler of ours ran. One thread takes note of it.
    if (!state.compare_exchange_strong(seen, State::kOpening, std::memory_order_acq_rel))
      return wait_for_ring();
    process.record.forget();
    on_fork_child();
    seen = State::kWaiting;
  }
  if (seen == State::kOpening) return wait_for_ring();
  if (seen != State::kWaiting) return false;
  const Asking ask;
  // Nothing is marked yet: a handler that never returns leaves nothing behind.
  if (!ask.may() || !may_record()) {
    state.compare_exchange_strong(seen, State::kOff, std::memory_order_acq_rel);
    return false;
  }
  // No handler of the host's comes between: it might close descriptors, or never return.
  const kernel::SignalSet mask = kernel::block_signals(~kernel::SignalSet{0});
  const bool ours = state.compare_exchange_strong(seen, State::kOpening, std::memory_order_acq_rel);
  bool made = false;
  if (ours) {
    made = make_ring();
    state.store(made ? State::kOpen : State::kOff, std::memory_order_release);
  }
  kernel::set_signal_mask(mask);
  if (!ours) return seen == State::kOpening ? wait_for_ring() : ring_of_this_process() != nullptr;
  if (!made) return false;
  window_opened();
  count_lost();
  return true;
}

void widen_outside(AddressRange at) {
  if (process.window.range().contains(at)) return;
  std::uint64_t low = outside_low.load(std::memory_order_relaxed);
  while ((low == 0 || at.begin.value < low) &&
         !outside_low.compare_exchange_weak(low, at.begin.value, std::memory_order_relaxed)) {
  }
  std::uint64_t high = outside_high.load(std::memory_order_relaxed);
  while (at.end.value > high &&
         !outside_high.compare_exchange_weak(high, at.end.value, std::memory_order_relaxed)) {
  }
}

void ring_doorbell(ring::Header& header) {
  // Of all threads one rings.
  if (header.wake_at.exchange(ring::kNobodyWaits, std::memory_order_relaxed) !=
          ring::kNobodyWaits &&
      recorder_socket != nullptr) {
    const Asking ask;
    if (ask.may()) post::send(recorder_socket, doorbell);
  }
}

}  // namespace

void begin() {
  if (settings.record == RecordTo::kOff) return;
  if (settings.record == RecordTo::kUnix) {
    if (seccomp::filters_in_force() > settings.record_filters) return;
    clock::prepare();
    fill_in_hello();
    recorder_socket = settings.record_path;
    said_begin = say_hello(Hello::Subject::kBegin).ok();
  }
  if (settings.record == RecordTo::kFile && seccomp::filters_in_force() != 0) return;
  state.store(State::kWaiting, std::memory_order_release);
}

void end() {
  if (!is_on()) return;
  if (void* memory = ring_of_this_process()) {
    count_lost();
    RingWriter(memory).header().state.fetch_or(ring::kEndedByExit, std::memory_order_relaxed);
  } else if (said_begin && may_ask()) {
    process.record.copy_to(hello.counters);
    say_hello(Hello::Subject::kEnd);
  }
}

void on_fork_child() {
  held::close_all_in_child();
  if (!is_on()) return;
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
  asking.store(0, std::memory_order_relaxed);
  opening_is_stuck.store(false, std::memory_order_relaxed);
  state.store(State::kWaiting, std::memory_order_release);
}

void let_finish() {
  constexpr int kSpins = 1000, kYields = 50000;  // some 100 ms at the most: a handler waits in vain
  for (int i = 0; i < kSpins + kYields; ++i) {
    // Acquire: pairs with the release of the thread that has finished.
    if (asking.load(std::memory_order_seq_cst) == 0 &&
        state.load(std::memory_order_acquire) != State::kOpening)
      return;
    if (i >= kSpins) kernel::yield();
  }
}

void before_filter() {
  if (state.load(std::memory_order_acquire) == State::kWaiting) open();
  // From here on times and thread ids would be new kinds of calls; the ring is only memory.
  if (void* memory = ring_of_this_process())
    RingWriter(memory).header().state.fetch_or(ring::kFiltered, std::memory_order_relaxed);
}

std::uint64_t note(const Note& n) {
  if (!is_on()) return RingWriter::kDropped;
  void* memory = ring_of_this_process();
  if (memory == nullptr && (!open() || (memory = ring_of_this_process()) == nullptr))
    return RingWriter::kDropped;
  RingWriter writer(memory);
  Event e = {};
  e.time = clock::now(may_ask());
  e.address = n.at.begin.value;
  e.length = n.at.size().count;
  e.other = n.other;
  e.fingerprint = n.fingerprint;
  e.flags = static_cast<std::uint32_t>(n.flags);
  e.thread = (tid() & 0xffffffU) | static_cast<std::uint32_t>(n.error & 0xff) << 24;
  e.site = n.site == nullptr ? 0 : sites::id_of(writer, n.site, n.role);
  e.call = n.call;
  e.outcome = n.outcome;
  e.reason = n.reason;
  e.prot_kind = static_cast<std::uint8_t>((n.prot & 0xf) | static_cast<unsigned>(n.kind) << 4);
  if (n.call == Call::kMap || n.call == Call::kAllocate || n.call == Call::kMoveTo ||
      (n.call == Call::kProtect && (n.prot & PROT_EXEC) != 0))
    widen_outside(n.at);
  const std::uint64_t ticket = writer.append(e);
  ring::Header& header = writer.header();
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
  void* memory = ring_of_this_process();
  if (memory == nullptr || !process.window.is_open()) return;
  ring::Header& h = RingWriter(memory).header();
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

}  // namespace recorder
}  // namespace jitcorral

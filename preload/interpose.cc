// Every symbol that the shim exports, and nothing else: each door turns libc's arguments into a
// request and the kernel's answer into libc's. The version script holds the same list.
#include <sys/types.h>

#include <cstdarg>
#include <cstring>

#include "allocator.h"
#include "calls.h"
#include "guard.h"
#include "jitcorral/jitcorral.h"
#include "modules.h"
#include "process.h"

#if defined(__x86_64__)
#include "arch/x86_64/syscall_entry.h"
#else
#include "arch/aarch64/syscall_entry.h"
#endif

#define JITCORRAL_DOOR extern "C" __attribute__((visibility("default")))
#define JITCORRAL_SITE \
  jitcorral::arch::strip_return_address(__builtin_extract_return_addr(__builtin_return_address(0)))

namespace {

using jitcorral::Address;
using jitcorral::Bytes;
using jitcorral::to_libc;
namespace allocator = jitcorral::allocator;
namespace calls = jitcorral::calls;

Address address(const void* p) {
  return {reinterpret_cast<std::uint64_t>(p)};
}
void* pointer(long value) {
  return reinterpret_cast<void*>(value);
}
int status(jitcorral::KernelResult r) {
  return static_cast<int>(to_libc(r));
}

// libc's msync, a cancellation point; null before the constructor.
using Msync = int(void*, size_t, int);
constinit Msync* next_msync = nullptr;

int set_limit(pid_t pid, int resource, const void* limit, void* old) {
  return status(calls::limit_set(
      jitcorral::kernel::call(SYS_prlimit64, pid, resource, jitcorral::kernel::as_long(limit),
                              jitcorral::kernel::as_long(old)),
      resource));
}

void* map(void* hint, size_t length, int prot, int flags, int fd, off_t offset, const void* site) {
  return pointer(
      to_libc(calls::map({address(hint), Bytes{length}, prot, flags, fd, offset}, site)));
}

}  // namespace

// The mmap family.

JITCORRAL_DOOR void* mmap(void* hint, size_t length, int prot, int flags, int fd, off_t offset) {
  return map(hint, length, prot, flags, fd, offset, JITCORRAL_SITE);
}
JITCORRAL_DOOR void* mmap64(void* hint, size_t length, int prot, int flags, int fd, off_t offset) {
  return map(hint, length, prot, flags, fd, offset, JITCORRAL_SITE);
}
JITCORRAL_DOOR int munmap(void* begin, size_t length) {
  return status(calls::unmap(address(begin), Bytes{length}));
}
JITCORRAL_DOOR void* mremap(void* old, size_t old_length, size_t new_length, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* target =
      (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  return pointer(to_libc(
      calls::remap({address(old), Bytes{old_length}, Bytes{new_length}, flags, address(target)},
                   JITCORRAL_SITE)));
}
JITCORRAL_DOOR int mprotect(void* begin, size_t length, int prot) {
  return status(
      calls::protect(address(begin), Bytes{length}, prot, calls::kNoPkey, JITCORRAL_SITE));
}
JITCORRAL_DOOR int pkey_mprotect(void* begin, size_t length, int prot, int pkey) {
  // glibc makes key -1 a plain mprotect, which works where there are no keys.
  return status(calls::protect(address(begin), Bytes{length}, prot,
                               pkey == -1 ? calls::kNoPkey : pkey, JITCORRAL_SITE));
}
JITCORRAL_DOOR int madvise(void* begin, size_t length, int advice) {
  return status(calls::advise(address(begin), Bytes{length}, advice));
}
JITCORRAL_DOOR int mincore(void* begin, size_t length, unsigned char* out) {
  return status(calls::mincore(address(begin), Bytes{length}, out));
}
JITCORRAL_DOOR int msync(void* begin, size_t length, int flags) {
  if (next_msync != nullptr && !calls::sync_meets_shield(address(begin), Bytes{length}))
    return next_msync(begin, length, flags);
  return status(calls::sync(address(begin), Bytes{length}, flags));
}
JITCORRAL_DOOR int posix_madvise(void* begin, size_t length, int advice) {
  // As glibc: POSIX_MADV_DONTNEED must not lose data, so it does nothing. errno is not touched.
  if (advice == POSIX_MADV_DONTNEED) return 0;
  return calls::advise(address(begin), Bytes{length}, advice).error();
}
JITCORRAL_DOOR int mlock(const void* begin, size_t length) {
  return status(calls::lock(address(begin), Bytes{length}));
}
JITCORRAL_DOOR int munlock(const void* begin, size_t length) {
  return status(calls::unlock(address(begin), Bytes{length}));
}

JITCORRAL_DOOR int mlock2(const void* begin, size_t length, unsigned flags) {
  return status(calls::lock2(address(begin), Bytes{length}, flags));
}

// What the window has to know of.

JITCORRAL_DOOR int mlockall(int flags) {
  return status(calls::lock_all(flags));
}
// struct rlimit64 is struct rlimit where off_t has 64 bits.
static_assert(sizeof(struct rlimit64) == sizeof(struct rlimit));
JITCORRAL_DOOR int setrlimit(int resource, const struct rlimit* limit) {
  return set_limit(0, resource, limit, nullptr);
}
JITCORRAL_DOOR int setrlimit64(int resource, const struct rlimit64* limit) {
  return set_limit(0, resource, limit, nullptr);
}
JITCORRAL_DOOR int prlimit(pid_t pid, __rlimit_resource resource, const struct rlimit* limit,
                           struct rlimit* old) {
  return set_limit(pid, resource, limit, old);
}
JITCORRAL_DOOR int prlimit64(pid_t pid, __rlimit_resource resource, const struct rlimit64* limit,
                             struct rlimit64* old) {
  return set_limit(pid, resource, limit, old);
}
JITCORRAL_DOOR int prctl(int operation, ...) {
  va_list arguments;
  va_start(arguments, operation);
  const long a = va_arg(arguments, long), b = va_arg(arguments, long);
  const long c = va_arg(arguments, long), d = va_arg(arguments, long);
  va_end(arguments);
  return status(calls::control(operation, a, b, c, d));
}

JITCORRAL_DOOR int dlclose(void* handle) {
  using Close = int(void*);
  // Looked for each time: an old C library has it in a library of its own, which may come late.
  auto* next = reinterpret_cast<Close*>(jitcorral::modules::next_definition("dlclose"));
  return next == nullptr ? -1 : calls::closed_library(next(handle));
}

// The allocator.

JITCORRAL_DOOR void free(void* p) {
  if (!allocator::may_be_ours(p)) [[likely]]
    return allocator::next.free(p);
  if (allocator::extent_size(p) != 0) return allocator::give_back(p);
  allocator::note_freed(p);
  allocator::next.free(p);
}
namespace {

// What is not given back to us goes to `next`.
template <typename Next>
void release(void* p, Next next) {
  if (allocator::may_be_ours(p)) [[unlikely]] {
    if (allocator::extent_size(p) != 0) return allocator::give_back(p);
    allocator::note_freed(p);
  }
  next();
}

}  // namespace

JITCORRAL_DOOR void free_sized(void* p, size_t size) {
  release(p, [&] { allocator::next.free_sized(p, size); });
}
JITCORRAL_DOOR void free_aligned_sized(void* p, size_t alignment, size_t size) {
  release(p, [&] { allocator::next.free_aligned_sized(p, alignment, size); });
}
JITCORRAL_DOOR void* realloc(void* p, size_t size) {
  if (!allocator::may_be_ours(p)) [[likely]]
    return allocator::next.realloc(p, size);
  if (allocator::extent_size(p) != 0) return allocator::resize(p, size);
  allocator::note_freed(p);
  return allocator::next.realloc(p, size);
}
JITCORRAL_DOOR void* reallocarray(void* p, size_t count, size_t size) {
  size_t bytes = 0;
  if (allocator::size_of_ours(p) == 0 || __builtin_mul_overflow(count, size, &bytes)) [[likely]]
    return allocator::next.reallocarray(p, count, size);
  return allocator::resize(p, bytes);
}
JITCORRAL_DOOR size_t malloc_usable_size(void* p) {
  const size_t ours = allocator::size_of_ours(p);
  return ours != 0 ? ours : allocator::next.malloc_usable_size(p);
}

namespace {

// One page-aligned request: served by us, or by `next`, whose answer is recorded if it matters.
template <typename Next>
void* allocate(size_t alignment, size_t size, const void* site, Next next) {
  allocator::Unserved unserved;
  if (void* p = allocator::serve(alignment, size, site, unserved)) return p;
  void* p = next();
  if (unserved.outcome != jitcorral::Outcome::kDone) [[unlikely]]
    allocator::note_unserved(unserved, p, size, site);
  return p;
}

size_t page() {
  return jitcorral::process.window.page_size().bytes().count;
}

}  // namespace

JITCORRAL_DOOR int posix_memalign(void** out, size_t alignment, size_t size) {
  int error = 0;
  void* p = allocate(alignment, size, JITCORRAL_SITE, [&]() -> void* {
    void* theirs = nullptr;
    error = allocator::next.posix_memalign(&theirs, alignment, size);
    return error == 0 ? theirs : nullptr;
  });
  if (error == 0) *out = p;
  return error;
}
JITCORRAL_DOOR void* aligned_alloc(size_t alignment, size_t size) {
  return allocate(alignment, size, JITCORRAL_SITE,
                  [&] { return allocator::next.aligned_alloc(alignment, size); });
}
JITCORRAL_DOOR void* memalign(size_t alignment, size_t size) {
  return allocate(alignment, size, JITCORRAL_SITE,
                  [&] { return allocator::next.memalign(alignment, size); });
}
JITCORRAL_DOOR void* valloc(size_t size) {
  return allocate(page(), size, JITCORRAL_SITE, [&] { return allocator::next.valloc(size); });
}
JITCORRAL_DOOR void* pvalloc(size_t size) {
  return allocate(page(), size, JITCORRAL_SITE, [&] { return allocator::next.pvalloc(size); });
}

// syscall(2): the entry in assembly comes here with the numbers that are taken over.

namespace {

constexpr long kTakenOver[] = {
    SYS_mmap,  SYS_munmap,  SYS_mremap,    SYS_mprotect,  SYS_madvise,  SYS_mincore,
    SYS_msync, SYS_mlock,   SYS_munlock,   SYS_mlock2,    SYS_mlockall, SYS_pkey_mprotect,
    SYS_prctl, SYS_seccomp, SYS_prlimit64, SYS_setrlimit, SYS_mbind,    calls::kMseal};

struct Taken {
  std::uint64_t words[8] = {};
  constexpr Taken() {
    for (const long n : kTakenOver) words[n / 64] |= 1ULL << (n % 64);
  }
};

long raw_syscall(long number, long a, long b, long c, long d, long e, long f) {
  return to_libc(jitcorral::kernel::call(number, a, b, c, d, e, f));
}

}  // namespace

extern "C" {
extern const Taken jitcorral_taken_over __attribute__((visibility("hidden")));
constinit const Taken jitcorral_taken_over = {};

using Syscall = long(long, long, long, long, long, long, long);
extern Syscall* jitcorral_next_syscall __attribute__((visibility("hidden")));
constinit Syscall* jitcorral_next_syscall = raw_syscall;

__attribute__((visibility("hidden"), used)) long jitcorral_on_syscall(long number, long a, long b,
                                                                      long c, long d, long e,
                                                                      long f) {
  const Address begin{static_cast<std::uint64_t>(a)};
  const Bytes length{static_cast<std::uint64_t>(b)};
  const auto word = [](long v) { return static_cast<int>(v); };
  // The kernel takes protections and flags as longs: one that is wider than the int it should be is
  // the kernel's to refuse.
  const auto fits = [](long v) {
    return v == static_cast<int>(v) || v == static_cast<long>(static_cast<unsigned>(v));
  };
  const bool all_fit = number == SYS_mmap || number == SYS_mremap ? fits(c) && fits(d)
                       : number == SYS_mprotect || number == SYS_pkey_mprotect ||
                               number == SYS_madvise || number == SYS_msync
                           ? fits(c)
                           : true;
  if (!all_fit) return raw_syscall(number, a, b, c, d, e, f);
  switch (number) {
    case SYS_mmap:
      return to_libc(calls::map({begin, length, word(c), word(d), word(e), f}, JITCORRAL_SITE));
    case SYS_munmap:
      return to_libc(calls::unmap(begin, length));
    case SYS_mremap:
      return to_libc(calls::remap({begin, length, Bytes{static_cast<std::uint64_t>(c)}, word(d),
                                   Address{static_cast<std::uint64_t>(e)}},
                                  JITCORRAL_SITE));
    case SYS_mprotect:
      return to_libc(calls::protect(begin, length, word(c), calls::kNoPkey, JITCORRAL_SITE));
    case SYS_pkey_mprotect:
      return to_libc(calls::protect(begin, length, word(c), word(d), JITCORRAL_SITE));
    case SYS_madvise:
      return to_libc(calls::advise(begin, length, word(c)));
    case SYS_mincore:
      return to_libc(calls::mincore(begin, length, reinterpret_cast<unsigned char*>(c)));
    case SYS_msync:
      return to_libc(calls::sync(begin, length, word(c)));
    case SYS_mlock:
      return to_libc(calls::lock(begin, length));
    case SYS_munlock:
      return to_libc(calls::unlock(begin, length));
    case SYS_mlock2:
      return to_libc(calls::lock2(begin, length, static_cast<unsigned>(c)));
    case SYS_mlockall:
      return to_libc(calls::lock_all(word(a)));
    case SYS_prctl:
      return to_libc(calls::control(word(a), b, c, d, e));
    case SYS_seccomp:
      return to_libc(calls::seccomp(static_cast<unsigned>(a), static_cast<unsigned>(b),
                                    reinterpret_cast<void*>(c)));
    case SYS_setrlimit:
      return to_libc(calls::limit_set(jitcorral::kernel::call(number, a, b), word(a)));
    case SYS_prlimit64:
      return to_libc(calls::limit_set(jitcorral::kernel::call(number, a, b, c, d), word(b)));
    case SYS_mbind:
      return to_libc(calls::bind(a, b, c, d, e, f));
    case calls::kMseal:
      return to_libc(calls::seal(begin, length, static_cast<unsigned long>(c)));
    default:
      return raw_syscall(number, a, b, c, d, e, f);
  }
}
}

__attribute__((constructor)) static void find_next_definitions() {
  if (void* next = jitcorral::modules::next_definition("syscall"))
    jitcorral_next_syscall = reinterpret_cast<Syscall*>(next);
  next_msync = reinterpret_cast<Msync*>(jitcorral::modules::next_definition("msync"));
}

// The public C interface.

JITCORRAL_DOOR const char* jitcorral_version(void) {
  return JITCORRAL_VERSION;
}

JITCORRAL_DOOR size_t jitcorral_get_counters(jitcorral_counters* out, size_t size) {
  const jitcorral_counters counters = jitcorral::process.record.totals();
  std::memcpy(out, &counters, size < sizeof counters ? size : sizeof counters);
  return sizeof counters;
}

JITCORRAL_DOOR void jitcorral_reset_counters(void) {
  jitcorral::process.record.reset();
}

JITCORRAL_DOOR size_t jitcorral_get_window(jitcorral_window* out, size_t size) {
  const jitcorral::AddressRange range = jitcorral::process.window.range();
  const jitcorral_window window = {range.begin.value, range.size().count,
                                   jitcorral::process.window.any_shielded(range) ? 1 : 0};
  std::memcpy(out, &window, size < sizeof window ? size : sizeof window);
  return sizeof window;
}

JITCORRAL_DOOR int jitcorral_inside(const void* p) {
  return jitcorral::process.window.contains(address(p)) ? 1 : 0;
}

// Every system call of the shim, typed. Nothing else in preload/ may enter the kernel.
//
// No call here touches errno; a result carries the kernel's own answer.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "arch/arch.h"
#include "jitcorral/range.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000  // Linux 4.17
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4  // Linux 5.7
#endif

namespace jitcorral {

// What the kernel answered: a value, or a negated errno in [-4095, -1].
struct KernelResult {
  long raw = 0;
  bool ok() const { return static_cast<unsigned long>(raw) < static_cast<unsigned long>(-4095L); }
  int error() const { return ok() ? 0 : static_cast<int>(-raw); }
  Address address() const { return {static_cast<std::uint64_t>(raw)}; }
};

// One mapping call, as mmap(2) takes it.
struct MapCall {
  Address hint;
  Bytes length;
  int prot = 0;
  int flags = 0;
  int fd = -1;
  std::int64_t offset = 0;
};

// One mremap(2) call; `target` counts only with MREMAP_FIXED or MREMAP_DONTUNMAP.
struct RemapCall {
  Address old_address;
  Bytes old_length;
  Bytes new_length;
  int flags = 0;
  Address target;
};

}  // namespace jitcorral

namespace jitcorral::kernel {

inline KernelResult call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                         long f = 0) {
  return {arch::syscall6(number, a, b, c, d, e, f)};
}

inline long as_long(Address a) {
  return static_cast<long>(a.value);
}
inline long as_long(Bytes n) {
  return static_cast<long>(n.count);
}
inline long as_long(const void* p) {
  return reinterpret_cast<long>(p);
}

inline KernelResult map(const MapCall& m) {
  return call(SYS_mmap, as_long(m.hint), as_long(m.length), m.prot, m.flags, m.fd, m.offset);
}
inline KernelResult unmap(AddressRange r) {
  return call(SYS_munmap, as_long(r.begin), as_long(r.size()));
}
inline KernelResult remap(const RemapCall& m) {
  return call(SYS_mremap, as_long(m.old_address), as_long(m.old_length), as_long(m.new_length),
              m.flags, as_long(m.target));
}

// A PROT_NONE mapping that holds addresses and nothing else: no memory, no commit charge.
// `flags`: 0 to take `at` as a hint, MAP_FIXED_NOREPLACE, or MAP_FIXED.
inline KernelResult reserve(Address at, Bytes length, int flags) {
  return map({at, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0});
}

inline KernelResult mincore(AddressRange r, unsigned char* out) {
  return call(SYS_mincore, as_long(r.begin), as_long(r.size()), as_long(out));
}

inline KernelResult get_rlimit(int resource, struct rlimit* out) {
  return call(SYS_prlimit64, 0, resource, 0, as_long(out));
}
// As the dynamic linker asks about the libraries that it opens.
inline KernelResult fstat(int fd, struct stat* out) {
  return call(SYS_newfstatat, fd, as_long(""), as_long(out), AT_EMPTY_PATH);
}
inline KernelResult write(int fd, const char* data, std::size_t size) {
  return call(SYS_write, fd, as_long(data), static_cast<long>(size));
}
inline KernelResult protect(AddressRange r, int prot) {
  return call(SYS_mprotect, as_long(r.begin), as_long(r.size()), prot);
}
inline void yield() {
  call(SYS_sched_yield);
}
inline KernelResult getpid() {
  return call(SYS_getpid);
}
// As the dynamic linker asks for /etc/ld.so.preload: what let the process start lets this pass.
inline KernelResult exists(const char* path) {
#ifdef SYS_access
  return call(SYS_access, as_long(path), F_OK);
#else
  return call(SYS_faccessat, AT_FDCWD, as_long(path), F_OK);
#endif
}
inline KernelResult open_readonly(const char* path) {
  return call(SYS_openat, AT_FDCWD, as_long(path), O_RDONLY | O_CLOEXEC);
}
inline KernelResult read(int fd, char* out, std::size_t size) {
  return call(SYS_read, fd, as_long(out), static_cast<long>(size));
}
// As the dynamic linker reads the headers of the libraries that it opens.
inline KernelResult pread(int fd, void* out, std::size_t size, std::uint64_t offset) {
  return call(SYS_pread64, fd, as_long(out), static_cast<long>(size), static_cast<long>(offset));
}
inline KernelResult close(int fd) {
  return call(SYS_close, fd);
}
inline KernelResult readlink(const char* path, char* out, std::size_t size) {
  return call(SYS_readlinkat, AT_FDCWD, as_long(path), as_long(out), static_cast<long>(size));
}

inline KernelResult gettid() {
  return call(SYS_gettid);
}
inline KernelResult advise(AddressRange r, int advice) {
  return call(SYS_madvise, as_long(r.begin), as_long(r.size()), advice);
}
inline KernelResult memfd_create(const char* name, unsigned flags) {
  return call(SYS_memfd_create, as_long(name), static_cast<long>(flags));
}
inline KernelResult fcntl(int fd, int operation, long argument = 0) {
  return call(SYS_fcntl, fd, operation, argument);
}
// Gives a file this size, with every block of it reserved: no later store finds the disk full.
inline KernelResult fallocate(int fd, Bytes size) {
  return call(SYS_fallocate, fd, 0, 0, as_long(size));
}
// A new file, or EEXIST; a link at its end is not followed.
inline KernelResult create_file(const char* path) {
  return call(SYS_openat, AT_FDCWD, as_long(path),
              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}
inline KernelResult fstatfs(int fd, struct statfs* out) {
  return call(SYS_fstatfs, fd, as_long(out));
}
inline KernelResult unlink(const char* path) {
  return call(SYS_unlinkat, AT_FDCWD, as_long(path), 0);
}
inline KernelResult uname(struct utsname* out) {
  return call(SYS_uname, as_long(out));
}
inline KernelResult socket(int domain, int type) {
  return call(SYS_socket, domain, type, 0);
}
inline KernelResult connect(int fd, const struct sockaddr_un& address) {
  return call(SYS_connect, fd, as_long(&address), sizeof address);
}
inline KernelResult sendmsg(int fd, const struct msghdr& message, int flags) {
  return call(SYS_sendmsg, fd, as_long(&message), flags);
}

// Whether `fd` takes a write without blocking, asked without waiting.
inline bool writable(int fd) {
  struct pollfd entry = {fd, POLLOUT, 0};
  struct timespec none = {0, 0};
  const KernelResult r = call(SYS_ppoll, as_long(&entry), 1, as_long(&none), 0, 8);
  return r.raw == 1 && (entry.revents & POLLOUT) != 0 && (entry.revents & (POLLERR | POLLHUP)) == 0;
}

// The kernel's signal set: 64 bits on both ISAs.
using SignalSet = std::uint64_t;
constexpr SignalSet signal_bit(int signal) {
  return SignalSet{1} << (signal - 1);
}

// What a filter's SECCOMP_RET_TRAP raises: blocked, it would kill a host that has a handler for it.
inline constexpr SignalSet kAllButSigsys = ~signal_bit(SIGSYS);
inline SignalSet block_signals(SignalSet add) {
  SignalSet old = 0;
  call(SYS_rt_sigprocmask, SIG_BLOCK, as_long(&add), as_long(&old), sizeof old);
  return old;
}
// Whether the 8 bytes there can be read: as a signal set for an operation that there is not.
inline bool is_readable(Address a) {
  constexpr int kNone = 99;
  const KernelResult r =
      call(SYS_rt_sigprocmask, kNone, as_long(a), 0, static_cast<long>(sizeof(SignalSet)));
  return !r.ok() && r.error() == EINVAL;
}
inline void set_signal_mask(SignalSet set) {
  call(SYS_rt_sigprocmask, SIG_SETMASK, as_long(&set), 0, sizeof set);
}
inline SignalSet pending_signals() {
  SignalSet set = 0;
  call(SYS_rt_sigpending, as_long(&set), sizeof set);
  return set;
}
// Takes one pending signal of the set off the queue without running its handler.
inline void eat_signal(SignalSet set) {
  struct timespec none = {0, 0};
  call(SYS_rt_sigtimedwait, as_long(&set), 0, as_long(&none), sizeof set);
}

}  // namespace jitcorral::kernel

// What another thread may do inside one of the window's system calls, done there for certain: a
// filter traps the call, and the handler plays the kernel and the other thread.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <cerrno>
#include <cstddef>
#include <functional>

#include "window_fixture.h"

namespace jitcorral {

// What happens instead of a trapped call; its result is what the call returns.
inline std::function<long(long first, long second)> instead;

inline void on_trap(int, siginfo_t*, void* context) {
  auto* where = static_cast<ucontext_t*>(context);
#if defined(__x86_64__)
  auto* registers = where->uc_mcontext.gregs;
  registers[REG_RAX] =
      instead(static_cast<long>(registers[REG_RDI]), static_cast<long>(registers[REG_RSI]));
#else
  auto* registers = where->uc_mcontext.regs;
  registers[0] = static_cast<unsigned long>(
      instead(static_cast<long>(registers[0]), static_cast<long>(registers[1])));
#endif
}

// From now on, in this process (a child), `number` is trapped where its fourth argument has one of
// these flags (mmap's and mremap's flags lie there); 0: always. False where there are no filters.
inline bool trap(unsigned number, unsigned flags = 0) {
#if defined(__SANITIZE_THREAD__)
  // Its runtime maps and unmaps in the handler, and is trapped itself.
  if (number == SYS_mmap || number == SYS_munmap) return false;
#endif
  struct sigaction action = {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGSYS, &action, nullptr) != 0) return false;
  constexpr unsigned kNumber = offsetof(struct seccomp_data, nr);
  constexpr unsigned kFourth = offsetof(struct seccomp_data, args) + 3 * 8;
  const unsigned char unflagged = flags == 0 ? 0 : 1;
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFourth),
                        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, unflagged),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {sizeof code / sizeof *code, code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Maps a page-aligned range as somebody whom the window does not know.
inline bool stranger_takes(AddressRange r) {
  MapCall call = call_of(r.size());
  call.hint = r.begin;
  call.flags |= MAP_FIXED_NOREPLACE;
  if (kernel::map(call).address() != r.begin) return false;
  memset(memory(r.begin), 0x5a, r.size().count);
  return true;
}

}  // namespace jitcorral

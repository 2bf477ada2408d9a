// What each interposed call does, between its door and the kernel. The results are the kernel's;
// the doors turn them into libc's. `site` is the return address into the host.
#pragma once

#include <climits>

#include "kernel.h"

namespace jitcorral::calls {

KernelResult map(const MapCall& call, const void* site);
KernelResult unmap(Address begin, Bytes length);
KernelResult remap(const RemapCall& call, const void* site);
// `pkey` == kNoPkey: mprotect; else pkey_mprotect with that key.
inline constexpr int kNoPkey = INT_MIN;
KernelResult protect(Address begin, Bytes length, int prot, int pkey, const void* site);

// Calls over a range that must answer as if our free pages were unmapped.
KernelResult advise(Address begin, Bytes length, int advice);
KernelResult mincore(Address begin, Bytes length, unsigned char* out);
KernelResult sync(Address begin, Bytes length, int flags);
// Whether an msync must be made by sync(); else libc's own, a cancellation point, will do.
bool sync_meets_shield(Address begin, Bytes length);
KernelResult lock(Address begin, Bytes length);
KernelResult lock2(Address begin, Bytes length, unsigned flags);
KernelResult unlock(Address begin, Bytes length);
inline constexpr long kMseal = 462;  // Linux 6.10
KernelResult bind(long begin, long length, long mode, long nodes, long most, long flags);
KernelResult seal(Address begin, Bytes length, unsigned long flags);

// Limits that would count the free pages of the window: they are given back first.
KernelResult lock_all(int flags);
// After a limit was set, of this process or another: looks whether it is this one's. `r`: the
// answer to that call.
KernelResult limit_set(KernelResult r, int resource);

// A library may have been unloaded by a dlclose that gave `result`; passed on.
int closed_library(int result);

// A seccomp filter arrives: nothing new is asked of the kernel from here on.
KernelResult control(int operation, long a, long b, long c, long d);
KernelResult seccomp(unsigned operation, unsigned flags, void* args);

}  // namespace jitcorral::calls

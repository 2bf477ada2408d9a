#include "clock.h"

#include <time.h>

#include "kernel.h"
#include "modules.h"

namespace jitcorral::clock {
namespace {

using GetTime = int(clockid_t, timespec*);
constinit GetTime* from_vdso = nullptr;

std::uint64_t read(clockid_t clock, bool may_ask) {
  timespec t = {};
  // The vdso itself asks the kernel where the clock source is none that user code can read, so
  // under a filter it is not called either.
  if (!may_ask) return 0;
  if (from_vdso == nullptr || from_vdso(clock, &t) != 0)
    kernel::call(SYS_clock_gettime, clock, kernel::as_long(&t));
  return static_cast<std::uint64_t>(t.tv_sec) * 1000000000U + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace

void prepare() {
  if (from_vdso != nullptr) return;
#if defined(__x86_64__)
  constexpr const char* kName = "__vdso_clock_gettime";
#else
  constexpr const char* kName = "__kernel_clock_gettime";
#endif
  from_vdso = reinterpret_cast<GetTime*>(modules::vdso_function(kName));
}

std::uint64_t now(bool may_ask) {
  return read(CLOCK_MONOTONIC, may_ask);
}

std::uint64_t lately(bool may_ask) {
  return read(CLOCK_MONOTONIC_COARSE, may_ask);
}

}  // namespace jitcorral::clock

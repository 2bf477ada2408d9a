// The shim's beginning, its fork and its end.
#include <sys/auxv.h>
#include <unistd.h>

#include <cstring>

#include "allocator.h"
#include "guard.h"
#include "messages.h"
#include "modules.h"
#include "process.h"
#include "recorder.h"
#include "say.h"

extern "C" {
// What pthread_atfork is made of; the name that every glibc since 2.3.2 exports. Weak: musl has
// none.
__attribute__((weak)) int __register_atfork(void (*)(), void (*)(), void (*)(), void*);
__attribute__((weak)) const char* gnu_get_libc_version(void);
extern void* __dso_handle __attribute__((visibility("hidden")));
}

namespace jitcorral {

constinit Policy settings;
constinit Process process;  // all zero: it costs no memory until it is used
constinit thread_local std::uintptr_t Guard::inside_ = 0;

// So that `jitcorral --version` can tell what a library is without running it.
__attribute__((used)) constexpr char version_mark[] = "jitcorral-shim-version=" JITCORRAL_VERSION;

namespace {

// The executable's path, where a variable has a glob that it may match.
void remember_executable() {
  if (settings.only.empty() && settings.include.empty() && settings.exclude.empty()) return;
  const KernelResult r =
      kernel::readlink("/proc/self/exe", process.executable, sizeof process.executable - 1);
  if (r.ok()) process.executable[r.raw] = '\0';
}

// Whose runtime keeps a shadow of every mapping at fixed distances.
bool has_shadow_memory() {
  return modules::first_definition("__tsan_init") != nullptr ||
         modules::first_definition("__msan_init") != nullptr;
}

void on_fork_child() {
  recorder::on_fork_child();
  process.window.forget_others();
  process.opening_is_stuck.store(false, std::memory_order_relaxed);
  process.said_fallback.store(false, std::memory_order_relaxed);
}

std::uint64_t startup_random() {
  std::uint64_t bits = 0;
  const auto* random = reinterpret_cast<const char*>(getauxval(AT_RANDOM));
  if (random != nullptr) std::memcpy(&bits, random, sizeof bits);
  return mix(bits);  // the bytes are the stack canary's: never shown unmixed
}

// With -z initfirst this runs before libc's own constructor has set `environ`. glibc hands the
// environment to every constructor; musl does not, but there `environ` is set.
__attribute__((constructor)) void begin(int, char**, char** environment) {
  modules::prepare();
  allocator::resolve();
  if (getauxval(AT_SECURE) != 0) return;  // inert, and no variable is read
  read_policy(gnu_get_libc_version != nullptr ? environment : environ);
  if (settings.mode == Mode::kOff) return;
  if (kernel::exists("/etc/jitcorral/disable").ok()) return;
  remember_executable();
  if (!settings.only.empty() && settings.only.find(process.executable) == GlobList::kNoMatch)
    return;
  say::remember_stderr();
  if (has_shadow_memory()) {
    Line line("config");
    line << " ThreadSanitizer or MemorySanitizer: stepping aside, nothing is steered";
    say::write_line(line);
    return;
  }
  process.window.set_page_size(PageSize::of(Bytes{getauxval(AT_PAGESZ)}));
  process.libc = modules::first_definition("getauxval");
  process.random = settings.seeded ? settings.seed : startup_random();
  process.max = settings.max.count != 0 ? settings.max : settings.window / 2;
  allocator::find_out_whether_ours();
  if (__register_atfork != nullptr)
    __register_atfork(nullptr, nullptr, on_fork_child, &__dso_handle);
  recorder::begin();
  // Release: pairs with the acquire at every door.
  process.active.store(true, std::memory_order_release);
}

__attribute__((destructor)) void end() {
  if (!process.active.load(std::memory_order_acquire)) return;
  messages::counts();
  recorder::end();
}

}  // namespace
}  // namespace jitcorral

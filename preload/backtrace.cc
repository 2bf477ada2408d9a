#include "backtrace.h"

#include <unwind.h>

#include "arch/arch.h"

namespace jitcorral {
namespace modules {
int find_object_or_iterate(void* pc, void* result);
}

namespace {

struct Walk {
  const void* from;
  const void** out;
  std::size_t capacity;
  std::size_t count;
  unsigned frames_left;  // our own frames until `from`, then a bound
};

_Unwind_Reason_Code on_frame(_Unwind_Context* context, void* data) {
  auto* walk = static_cast<Walk*>(data);
  if (walk->frames_left-- == 0) return _URC_END_OF_STACK;
  const void* ip = arch::strip_return_address(reinterpret_cast<void*>(_Unwind_GetIP(context)));
  if (ip == nullptr) return _URC_END_OF_STACK;  // libgcc calls once more at a thread's bottom
  if (walk->count == 0 && ip != walk->from) return _URC_NO_REASON;
  walk->out[walk->count++] = ip;
  return walk->count == walk->capacity ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

std::size_t unwind_from(const void* from, const void** out, std::size_t capacity) {
  if (capacity == 0) return 0;
  Walk walk{from, out, capacity, 0, static_cast<unsigned>(capacity) + 12};
  _Unwind_Backtrace(on_frame, &walk);
  return walk.count;
}

}  // namespace jitcorral

// What libgcc_eh asks of the C library, answered here so that the shim needs no symbol younger than
// glibc 2.17: these hidden definitions win at link time.
extern "C" {

// glibc 2.35; looked up at run time, emulated where it is missing.
__attribute__((visibility("hidden"))) int _dl_find_object(void* pc, void* result) {
  return jitcorral::modules::find_object_or_iterate(pc, result);
}

// The routine that libgcc runs once fills a table with constants: running it twice does no harm,
// reading it half-filled would, so the flag is set behind it.
__attribute__((visibility("hidden"))) int pthread_once(int* control, void (*routine)()) {
  if (__atomic_load_n(control, __ATOMIC_ACQUIRE) != 2) {
    routine();
    __atomic_store_n(control, 2, __ATOMIC_RELEASE);
  }
  return 0;
}

// For __register_frame and emulated TLS, of which the shim uses neither.
__attribute__((visibility("hidden"))) int pthread_mutex_lock(void*) {
  return 0;
}
__attribute__((visibility("hidden"))) int pthread_mutex_unlock(void*) {
  return 0;
}
__attribute__((visibility("hidden"))) int __pthread_key_create(unsigned*, void (*)(void*)) {
  return 0;
}
__attribute__((visibility("hidden"))) int pthread_key_create(unsigned*, void (*)(void*)) {
  return 0;
}
__attribute__((visibility("hidden"))) void* pthread_getspecific(unsigned) {
  return nullptr;
}
__attribute__((visibility("hidden"))) int pthread_setspecific(unsigned, const void*) {
  return 0;
}
}

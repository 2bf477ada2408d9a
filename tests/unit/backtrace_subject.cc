// A library with the shim's unwinder inside, whose frames libunwind walks as well.
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <cstddef>

#include "backtrace.h"

#define SUBJECT_API extern "C" __attribute__((visibility("default")))

// What both unwinders saw at the leaf.
struct SubjectAnswer {
  const void* ours[8];
  std::size_t our_count;
  const void* theirs[8];
  std::size_t their_count;
};

namespace {

// The return address of this call and those above it, as libunwind sees them.
__attribute__((noinline)) std::size_t by_libunwind(const void* from, const void** out,
                                                   std::size_t capacity) {
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  unw_init_local(&cursor, &context);
  std::size_t count = 0;
  while (count < capacity && unw_step(&cursor) > 0) {
    unw_word_t ip = 0;
    unw_get_reg(&cursor, UNW_REG_IP, &ip);
    const auto* address = reinterpret_cast<const void*>(ip);
    if (ip != 0 && (count > 0 || address == from)) out[count++] = address;
  }
  return count;
}

// A frame that is there at every optimisation level: something happens behind each call.
void keep() {
  asm volatile("" ::: "memory");
}

__attribute__((noinline)) void leaf(SubjectAnswer* answer) {
  const void* from = __builtin_return_address(0);
  answer->our_count = jitcorral::unwind_from(from, answer->ours, 8);
  answer->their_count = by_libunwind(from, answer->theirs, 8);
  keep();
}

__attribute__((noinline)) void descend(int depth, SubjectAnswer* answer) {
  if (depth <= 1)
    leaf(answer);
  else
    descend(depth - 1, answer);
  keep();
}

}  // namespace

SUBJECT_API void subject_both(int depth, SubjectAnswer* answer) {
  descend(depth, answer);
  keep();
}

// Straight through, for any `from` and capacity; a null `from` is this call's own return address.
SUBJECT_API std::size_t subject_unwind(const void* from, const void** out, std::size_t capacity) {
  const std::size_t count =
      jitcorral::unwind_from(from == nullptr ? __builtin_return_address(0) : from, out, capacity);
  keep();
  return count;
}

// The allocator's doors: page-aligned memory for JIT engines that take code from posix_memalign
// (cranelift-jit up to 0.131), and the way back through free and realloc.
//
// Everything else goes to the next definition, whichever allocator that is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "jitcorral/event.h"

namespace jitcorral::allocator {

// The definitions that come after ours. Each begins as a stub that resolves all of them, because
// calls arrive before the constructor.
struct Next {
  void (*free)(void*);
  void* (*realloc)(void*, std::size_t);
  void* (*reallocarray)(void*, std::size_t, std::size_t);
  std::size_t (*malloc_usable_size)(void*);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  void (*free_sized)(void*, std::size_t);  // C23
  void (*free_aligned_sized)(void*, std::size_t, std::size_t);
};
extern Next next;

// Resolves `next`; from the constructor, or from the first call before it.
void resolve();
// Allocator calls are served only if every way back for the memory is ours too. From the
// constructor.
void find_out_whether_ours();

// Where extents were ever served, from the lowest first byte to the highest; only grows. A pointer
// outside is not ours, and most of a process's pointers lie outside.
extern std::atomic<std::uint64_t> lowest_served;
extern std::atomic<std::uint64_t> highest_served;  // 0: none yet
inline bool may_be_ours(const void* pointer) {
  const auto at = reinterpret_cast<std::uint64_t>(pointer);
  // Acquire: pairs with the release in serve(), which writes the lowest first.
  return at <= highest_served.load(std::memory_order_acquire) &&
         at >= lowest_served.load(std::memory_order_relaxed) && at != 0;
}

// What is to be recorded of a request that the next allocator served.
struct Unserved {
  Outcome outcome = Outcome::kDone;  // kDone: nothing
  PlaceFailure failure = PlaceFailure::kNone;
  int error = 0;
  Role role = Role::kNone;
  std::uint64_t fingerprint = 0;
};
// Memory inside the window for this request, or null if the next allocator serves it. errno is
// kept.
void* serve(std::size_t alignment, std::size_t size, const void* site, Unserved& unserved);
// The next allocator gave `pointer`.
void note_unserved(const Unserved& unserved, void* pointer, std::size_t size, const void* site);

// Whether the pointer is one that serve() gave, and how many bytes it holds; 0 if not.
std::size_t extent_size(const void* pointer);
inline std::size_t size_of_ours(const void* pointer) {
  return may_be_ours(pointer) ? extent_size(pointer) : 0;
}
// A pointer that is not ours is about to go to the next free(); recorded if it was.
void note_freed(void* pointer);
// Gives it back. The pointer must be ours. errno is kept.
void give_back(void* pointer);
// realloc of a pointer that is ours.
void* resize(void* pointer, std::size_t size);

}  // namespace jitcorral::allocator

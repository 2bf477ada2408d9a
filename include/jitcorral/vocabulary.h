// The words that the shim and its readers share: enumerations whose values travel in events and
// stand in databases, with the names by which lines, reports and JSON call them. Values are never
// reused; new ones are appended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace jitcorral {

// The JIT engine that a caller belongs to.
enum class Role : std::uint8_t {
  kNone,       // not known to be a JIT
  kLlvm,       // sys::Memory::allocateMappedMemory, under every LLVM memory manager
  kJulia,      // cgmemmgr, JITLink slabs, newest manager
  kCranelift,  // cranelift-jit: allocator calls up to 0.131, memmap2 or region since
  kArena,      // tvm-ffi: one PROT_NONE arena, committed piece by piece
  kLearned,    // a caller whose earlier mappings became executable
  kCount,
};
inline constexpr std::string_view kRoleNames[] = {"none",      "LLVM",  "Julia",
                                                  "Cranelift", "arena", "learned"};
static_assert(std::size(kRoleNames) == static_cast<std::size_t>(Role::kCount));

// What a mapping is for, as far as it is known when it is mapped.
enum class Kind : std::uint8_t { kUnknown, kCode, kRodata, kRwdata, kMixed, kCount };
inline constexpr std::string_view kKindNames[] = {"unknown", "code", "rodata", "rwdata", "mixed"};
static_assert(std::size(kKindNames) == static_cast<std::size_t>(Kind::kCount));

// Why a call was left as the host made it.
enum class PassReason : std::uint8_t {
  kFixed,      // MAP_FIXED, MAP_FIXED_NOREPLACE
  kFlags,      // MAP_32BIT, MAP_GROWSDOWN, MAP_STACK, MAP_HUGETLB
  kFile,       // a file, or shared memory of no JIT
  kHint,       // a hint that points outside the window
  kSize,       // zero, or above JITCORRAL_MAX
  kCaller,     // the caller is no JIT that is known
  kSignature,  // the caller is, but this call is not one of its code or data (a GC heap, ...)
  kExcluded,   // JITCORRAL_EXCLUDE
  kPolicy,     // JITCORRAL_POLICY leaves such calls alone
  kRefused,    // steering failed, and so did the call as the host made it
  kCount,
};
inline constexpr const char* kPassReasonNames[] = {"fixed",  "flags",  "file",      "hint",
                                                   "size",   "caller", "signature", "excluded",
                                                   "policy", "refused"};
static_assert(std::size(kPassReasonNames) == static_cast<std::size_t>(PassReason::kCount));

// Why a call could not be placed; none when it was.
enum class PlaceFailure : std::uint8_t {
  kNone,
  kCannotOpen,   // no room for a window
  kOpening,      // another thread is opening the window and did not finish in bounded time
  kFull,         // no free run of that size
  kForeign,      // every place that was tried turned out to be taken
  kRefused,      // the kernel refused the mapping there
  kUnsupported,  // the kernel did not honour MAP_FIXED_NOREPLACE (before 4.17)
  kCount,
};
inline constexpr std::string_view kPlaceFailureTexts[] = {
    "none",
    "no room for a window",
    "another thread was still opening the window",
    "the window is full",
    "every place tried is taken by other mappings",
    "the kernel refused the mapping there",
    "this kernel ignores MAP_FIXED_NOREPLACE"};
static_assert(std::size(kPlaceFailureTexts) == static_cast<std::size_t>(PlaceFailure::kCount));

// The name of a value that came from outside: "?" for one that this version does not know.
template <typename Enum, std::size_t kSize>
constexpr std::string_view name_in(const std::string_view (&names)[kSize], Enum value) {
  const auto i = static_cast<std::size_t>(value);
  return i < kSize ? names[i] : std::string_view("?");
}

// The instruction set that a process ran.
enum class Isa : std::uint8_t { kUnknown, kX86_64, kAarch64, kCount };
inline constexpr std::string_view kIsaNames[] = {"unknown", "x86-64", "aarch64"};
static_assert(std::size(kIsaNames) == static_cast<std::size_t>(Isa::kCount));
inline constexpr Isa kOwnIsa =
#if defined(__x86_64__)
    Isa::kX86_64;
#elif defined(__aarch64__)
    Isa::kAarch64;
#else
    Isa::kUnknown;
#endif

}  // namespace jitcorral

// Which virtual function a call site calls, read from its instructions: a function that only jumps
// on to another leaves no return address of its own, but its caller says which slot of a vtable it
// took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace jitcorral {

inline constexpr int kNoSlotKnown = -1;

// `end`: where the call returns to; the bytes before it are code. x86-64: `call *disp8(%reg)`.
inline int virtual_slot_x86_64(const unsigned char* end) {
  if (end[-3] != 0xff || (end[-2] & 0xf8) != 0x50 || end[-2] == 0x54) return kNoSlotKnown;
  const unsigned displacement = end[-1];
  return displacement < 0x80 && displacement % 8 == 0 ? static_cast<int>(displacement / 8)
                                                      : kNoSlotKnown;
}

// aarch64: `ldr xN, [xM, #imm]`, other instructions that set up arguments, `blr xN`.
inline int virtual_slot_aarch64(const unsigned char* end) {
  constexpr std::size_t kArguments = 8;
  const auto instruction = [end](std::size_t before) {
    std::uint32_t word = 0;
    std::memcpy(&word, end - 4 * before, sizeof word);
    return word;
  };
  const std::uint32_t call = instruction(1);
  if ((call & 0xfffffc1f) != 0xd63f0000) return kNoSlotKnown;
  const std::uint32_t target = call >> 5 & 31;
  for (std::size_t before = 2; before <= kArguments + 1; ++before) {
    const std::uint32_t word = instruction(before);
    // ldr (immediate, unsigned offset), 64 bits: the offset is counted in words.
    if ((word & 0xffc00000) == 0xf9400000 && (word & 31) == target)
      return static_cast<int>(word >> 10 & 0xfff);
  }
  return kNoSlotKnown;
}

inline int virtual_slot(const void* return_address) {
  const auto* end = static_cast<const unsigned char*>(return_address);
#if defined(__aarch64__)
  return virtual_slot_aarch64(end);
#else
  return virtual_slot_x86_64(end);
#endif
}

}  // namespace jitcorral

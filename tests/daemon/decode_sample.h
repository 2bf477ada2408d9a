// Bytes of code, as an assembler makes them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "decode/decode.h"

namespace jitcorral::decode {

struct Bits {
  std::vector<std::byte> bytes;

  Bits() = default;
  // x86-64: byte for byte.
  Bits(std::initializer_list<int> values) {
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  }
  Bits& operator+=(const Bits& more) {
    bytes.insert(bytes.end(), more.bytes.begin(), more.bytes.end());
    return *this;
  }
  Bits& fill(std::size_t size, int value) {
    while (bytes.size() < size) bytes.push_back(static_cast<std::byte>(value));
    return *this;
  }
};
inline Bits operator+(Bits a, const Bits& b) {
  a += b;
  return a;
}
// 32 bits, little endian: a displacement, or an aarch64 instruction.
inline Bits word(std::uint64_t value) {
  Bits out;
  for (unsigned i = 0; i < 4; ++i) out.bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  return out;
}
inline Bits words(std::initializer_list<std::uint32_t> values) {
  Bits out;
  for (const std::uint32_t value : values) out += word(value);
  return out;
}

// aarch64, as its linkers fill the fields in: what does not fit is cut off.
inline std::uint32_t adrp(unsigned reg, Address from, Address to) {
  const std::uint64_t pages = (to.value >> 12) - (from.value >> 12);
  return static_cast<std::uint32_t>(0x90000000U | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 |
                                    reg);
}
inline std::uint32_t bl(Address from, Address to) {
  return static_cast<std::uint32_t>(0x94000000U | ((to.value - from.value) >> 2 & 0x3FFFFFF));
}
inline constexpr std::uint32_t kRet = 0xD65F03C0, kNop = 0xD503201F;

inline Code code_of(Isa isa, Address base, const Bits& bits) {
  return {isa, base, bits.bytes, {}};
}

inline constexpr Address kBase{0x7f0000001000};

inline Decoded decoded(Isa isa, const Bits& bits, Address base = kBase) {
  return decode(code_of(isa, base, bits));
}

// What the first instruction refers to.
inline Reference made(std::uint64_t to, Field field, Access access, std::uint8_t size = 0) {
  Reference out;
  out.from = kBase;
  out.to = {to};
  out.field = field;
  out.access = access;
  out.size = size;
  out.strength = Strength::kFlow;
  return out;
}

}  // namespace jitcorral::decode

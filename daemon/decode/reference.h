// What an instruction refers to by a displacement that it holds itself: where from, where to, by
// which field, and how it means to use what lies there.
#pragma once

#include <compare>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "jitcorral/units.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral::decode {

// The field that holds the displacement.
enum class Field : std::uint8_t {
  kBranch26,  // aarch64 B, BL
  kBranch19,  // aarch64 B.cond, CBZ, CBNZ
  kBranch14,  // aarch64 TBZ, TBNZ
  kAdr,       // aarch64 ADR
  kLiteral,   // aarch64 LDR (literal)
  kAdrp,      // aarch64 ADRP, with the instruction that adds the low 12 bits where that was found
  kRel8,      // x86-64 short jumps
  kRel32,     // x86-64 CALL, JMP, Jcc
  kRip32,     // x86-64 [rip + disp32]
  kAbs32,     // x86-64 [disp32], sign-extended: code for the low 2 GiB
  kCount,
};

struct FieldInfo {
  Field field;
  std::string_view name;  // as reports and JSON call it
  // Displacements are signed numbers of so many bits, their scale included: what does not fit and
  // is written all the same is taken modulo 2^bits.
  unsigned bits;
};
inline constexpr FieldInfo kFields[] = {
    {Field::kBranch26, "branch26", 28},  // RuntimeDyldELF.cpp R_AARCH64_CALL26; Cranelift Arm64Call
    {Field::kBranch19, "branch19", 21},
    {Field::kBranch14, "branch14", 16},
    {Field::kAdr, "adr", 21},
    {Field::kLiteral, "literal", 21},
    {Field::kAdrp, "adrp", 33},  // RuntimeDyldELF.cpp R_AARCH64_ADR_PREL_PG_HI21: isInt<33>
    {Field::kRel8, "rel8", 8},
    {Field::kRel32, "rel32", 32},  // RuntimeDyldELF.cpp R_X86_64_PC32: isInt<32>
    {Field::kRip32, "rip32", 32},
    {Field::kAbs32, "abs32", 32},
};
static_assert(std::size(kFields) == static_cast<std::size_t>(Field::kCount));

constexpr const FieldInfo& info_of(Field field) {
  return kFields[static_cast<std::size_t>(field)];
}
// The greatest displacement backwards; forwards it is one unit less.
constexpr Bytes reach_of(Field field) {
  return {1ULL << (info_of(field).bits - 1)};
}

// What the instruction does with what lies there.
enum class Access : std::uint8_t {
  kCall,
  kJump,
  kRead,
  kWrite,
  kReadWrite,
  kAddress,  // nothing yet: it only makes the address (LEA, ADR, ADRP with ADD)
  kCount,
};
inline constexpr std::string_view kAccessNames[] = {"call",  "jump",       "read",
                                                    "write", "read-write", "address"};
static_assert(std::size(kAccessNames) == static_cast<std::size_t>(Access::kCount));

// How sure it is that this is an instruction, and not data that looks like one.
enum class Strength : std::uint8_t {
  kSwept,  // the bytes decode so, one instruction after the other
  kFlow,   // control flows there from what begins like a function, and never into anything invalid
  kKnown,  // the same from an address that is known to be a function
  kCount,
};
inline constexpr std::string_view kStrengthNames[] = {"swept", "flow", "known"};
static_assert(std::size(kStrengthNames) == static_cast<std::size_t>(Strength::kCount));

struct Reference {
  Address from;  // the instruction that holds the displacement
  Address to;
  // Of kAdrp: the instruction that adds the low 12 bits; none: not found in the same stretch of
  // code, and `to` is the begin of the page.
  std::optional<Address> with;
  Field field = Field::kRel32;
  Access access = Access::kAddress;
  std::uint8_t size = 0;  // bytes read or written; 0: not known, or none
  Strength strength = Strength::kSwept;

  // The begin of a page of which somewhere something is meant.
  bool names_page() const { return field == Field::kAdrp && !with; }
  friend bool operator==(const Reference&, const Reference&) = default;
};

}  // namespace jitcorral::decode

// The references of a process's code, each with what lies there, and what that says of the whole.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "decode/decode.h"
#include "decode/landing.h"

namespace jitcorral::decode {

// As analyze::Verdict has them, but by references instead of distances.
enum class Finding : std::uint8_t {
  kWithinReach,  // all references land where they should
  kOutOfReach,   // one that is surely code was cut off to its field and misses
  kNoCode,       // no code of a JIT
  kUnknown,      // one misses and nothing explains it; or the code could not be read or decoded
  kCount,
};
inline constexpr std::string_view kFindingNames[] = {"within-reach", "out-of-reach", "no-jit",
                                                     "unknown"};
static_assert(std::size(kFindingNames) == static_cast<std::size_t>(Finding::kCount));

struct FieldCount {
  std::uint64_t seen = 0;    // in believed code
  std::uint64_t landed = 0;  // of these, where they should
};

// One that does not land where it should.
struct Miss {
  Landed landed;
  std::string text;       // the instruction
  std::string with_text;  // the one that adds ADRP's low bits; empty: none
  bool proof = false;     // for kOutOfReach
};

struct Audit {
  Isa isa = Isa::kUnknown;
  std::uint64_t mappings = 0;  // of code
  FlowMap::Counts bytes;
  std::array<FieldCount, static_cast<std::size_t>(Field::kCount)> fields{};
  std::uint64_t doubtful = 0;         // references in bytes that may be no code; not counted above
  std::uint64_t doubtful_misses = 0;  // of these, that miss
  std::vector<Miss> misses;           // proofs first, then by address
  std::vector<std::string> blind;     // what was not seen, one clause each
  Finding finding = Finding::kUnknown;

  Bytes size() const {
    return bytes.flowed + bytes.data + bytes.padding + bytes.swept + bytes.undecoded;
  }
  std::uint64_t seen() const;    // in believed code
  std::uint64_t landed() const;  // of these
  std::uint64_t proofs() const;
  // Forgets the misses that `keep` denies, and judges anew.
  void keep_misses(const std::function<bool(const Miss&)>& keep);
  // Of what is no padding, more may be data than is known to be code.
  bool mostly_doubtful() const;
  // From the misses to the finding.
  void judge();
};

class Auditor {
 public:
  Auditor(Isa isa, const Places& places) : places_(places) { audit_.isa = isa; }

  // The bytes of one mapping of code.
  void add(const Place& place, std::span<const std::byte> bytes,
           std::span<const Address> functions = {});
  void add_blind(std::string what) { audit_.blind.push_back(std::move(what)); }
  // Judges. Call it once.
  Audit finish();

 private:
  void weigh_calls();

  const Places& places_;
  Audit audit_;
  bool is_full_ = false;
  std::vector<Address> functions_;  // of all code
};

}  // namespace jitcorral::decode

// Which bytes of a stretch of code are instructions, and how sure that is. Data lies between code
// (jump tables, literal pools, what was never written), and on x86-64 whatever follows it decodes
// wrongly for a while; so control is followed from what begins like a function, and only functions
// that never run into anything invalid are believed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decode/disassembler.h"

namespace jitcorral::decode {

struct Code {
  Isa isa = Isa::kUnknown;  // kX86_64 or kAarch64
  Address base;
  std::span<const std::byte> bytes;
  std::span<const Address> functions;  // addresses that are known to be functions; others are found
};

class FlowMap {
 public:
  FlowMap(const Code& code, Disassembler& disassembler);

  // Of each byte offset.
  bool begins(std::size_t offset) const { return (marks_[offset] & kBegins) != 0; }
  bool is_target(std::size_t offset) const { return (marks_[offset] & kTarget) != 0; }
  bool has_reference(std::size_t offset) const { return (marks_[offset] & kRefers) != 0; }
  Strength strength(std::size_t offset) const {
    return static_cast<Strength>(marks_[offset] >> kStrengthShift & 3U);
  }

  // What the bytes are. Together they are all.
  struct Counts {
    Bytes flowed{};     // functions that are believed
    Bytes data{};       // read by these
    Bytes padding{};    // between them
    Bytes swept{};      // decodes, but is not known to be reached
    Bytes undecoded{};  // does not decode
  };
  const Counts& counts() const { return counts_; }
  // Where believed functions begin, or parts of them that are jumped to from afar. In no order.
  const std::vector<Address>& functions() const { return functions_; }

 private:
  enum : std::uint8_t {
    kBegins = 1,    // an instruction
    kInside = 2,    // bytes of it behind its first
    kTrial = 4,     // of the function that is being tried
    kRejected = 8,  // control that comes here runs into what is invalid
    kRefers = 16,
    kTarget = 32,  // of a direct branch
    kStrengthShift = 6,
    kData = 3U << kStrengthShift,  // in place of a strength; begins nothing
  };
  struct Root {
    std::size_t offset;
    Strength strength;
  };
  // What went before in the order of addresses.
  enum class Before : std::uint8_t { kBegin, kEnd, kIndirectJump, kPointers, kSwept, kSweptEnd };

  std::optional<Instruction> decode(std::size_t offset);
  std::optional<std::size_t> inside(std::optional<Address> target) const;
  bool believed(std::size_t offset) const {
    return begins(offset) && strength(offset) > Strength{};
  }
  bool is_data(std::size_t offset) const { return !begins(offset) && marks_[offset] >= kData; }
  bool try_function(Root root);
  bool follow(std::size_t at, std::vector<std::size_t>& blocks);
  bool reject(std::size_t first_of_run);
  void take(Strength strength);
  void take_data(const Reference& read);
  void drain();
  std::size_t skip_padding(std::size_t at);
  std::size_t skip_pointers(std::size_t at);
  bool may_begin(std::size_t at, Before before, bool padded) const;
  std::size_t pass(std::size_t at, Before& before);
  std::size_t sweep(std::size_t at, Before& before);
  void scan();

  const Code& code_;
  Disassembler& disassembler_;
  std::vector<std::uint8_t> marks_;
  struct Tried {
    std::size_t offset;
    std::uint8_t size;
    Flow flow;
    std::optional<Address> target;
    std::optional<Reference> reference;
  };
  std::vector<Tried> tried_;  // of the function that is being tried
  std::vector<Root> roots_;   // where believed functions call or jump
  std::uint64_t budget_ = 0;  // instructions that may still be decoded
  std::vector<Address> functions_;
  unsigned in_a_row_ = 0;  // instructions that were swept without a byte between that is none
  Counts counts_;
};

}  // namespace jitcorral::decode

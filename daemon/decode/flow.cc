#include "decode/flow.h"

#include <algorithm>
#include <cstring>

namespace jitcorral::decode {
namespace {

// Functions of x86-64 begin at multiples of this, as LLVM, Cranelift and gcc align them.
constexpr std::size_t kAligned = 16;
// How often a byte is decoded at most, on the average: hostile bytes make every trial fail late.
constexpr std::uint64_t kDecodings = 8;

// So many instructions of x86-64 one behind the other are hardly decoded out of step.
constexpr unsigned kSynchronised = 32;

}  // namespace

FlowMap::FlowMap(const Code& code, Disassembler& disassembler)
    : code_(code),
      disassembler_(disassembler),
      marks_(code.bytes.size(), 0),
      budget_(kDecodings * code.bytes.size() + 64) {
  for (const Address function : code.functions)
    if (const auto offset = inside(function)) roots_.push_back({*offset, Strength::kKnown});
  drain();
  scan();
}

std::optional<Instruction> FlowMap::decode(std::size_t offset) {
  if (budget_ == 0) return std::nullopt;
  --budget_;
  return disassembler_.at(code_.bytes.subspan(offset), code_.base + Bytes{offset});
}

std::optional<std::size_t> FlowMap::inside(std::optional<Address> target) const {
  if (!target || *target < code_.base) return std::nullopt;
  const std::uint64_t offset = (*target - code_.base).count;
  if (offset >= marks_.size() || (code_.isa == Isa::kAarch64 && offset % 4 != 0))
    return std::nullopt;
  return offset;
}

// Everything of the function that control reaches from `root` over branches; false, and nothing
// taken, if any of it is invalid.
bool FlowMap::try_function(Root root) {
  if (believed(root.offset)) return true;
  tried_.clear();
  std::vector<std::size_t> blocks = {root.offset};
  bool good = true;
  while (good && !blocks.empty()) {
    const std::size_t at = blocks.back();
    blocks.pop_back();
    good = follow(at, blocks);
  }
  if (good) {
    take(root.strength);
    functions_.push_back(code_.base + Bytes{root.offset});
  }
  if (!good) marks_[root.offset] |= kRejected;
  for (const Tried& t : tried_) {
    marks_[t.offset] &= static_cast<std::uint8_t>(~kTrial);
    if (good) continue;
    for (std::size_t i = 1; i < t.size; ++i)
      marks_[t.offset + i] &= static_cast<std::uint8_t>(~kTrial);
  }
  return good;
}

// One straight run, to where control leaves it or joins what is known.
bool FlowMap::follow(std::size_t at, std::vector<std::size_t>& blocks) {
  const std::size_t first = tried_.size();
  bool behind_call = false;
  while (true) {
    if (at < marks_.size()) {
      const std::uint8_t mark = marks_[at];
      const bool tried_here = (mark & kTrial) != 0 && (mark & kInside) == 0;
      if (tried_here || believed(at)) return true;
      if ((mark & (kInside | kRejected)) != 0 || is_data(at)) return behind_call || reject(first);
    }
    const auto insn = at < marks_.size() ? decode(at) : std::nullopt;
    if (!insn) {
      // What a call never comes back to need not be code: a function that aborts ends so.
      return behind_call || reject(first);
    }
    for (std::size_t i = 1; i < insn->size; ++i)
      if ((marks_[at + i] & kTrial) != 0 || believed(at + i)) return behind_call || reject(first);
    marks_[at] |= kTrial;
    for (std::size_t i = 1; i < insn->size; ++i) marks_[at + i] |= kTrial | kInside;
    tried_.push_back({at, insn->size, insn->flow, insn->target, insn->reference});
    switch (insn->flow) {
      case Flow::kBranch:
        if (const auto target = inside(insn->target))
          blocks.push_back(*target);
        else if (insn->size == 2)  // a short jump stays inside its function
          return reject(first);
        break;
      case Flow::kJump:
      case Flow::kIndirectJump:
      case Flow::kEnd:
        return true;
      case Flow::kCall:
      case Flow::kNext:
        break;
    }
    behind_call = insn->flow == Flow::kCall || (behind_call && insn->padding);
    at += insn->size;
  }
}

// All that was tried since leads there.
bool FlowMap::reject(std::size_t first_of_run) {
  for (std::size_t i = first_of_run; i < tried_.size(); ++i) marks_[tried_[i].offset] |= kRejected;
  return false;
}

void FlowMap::take(Strength strength) {
  for (const Tried& t : tried_) {
    // What was swept here before counts anew.
    unsigned mark = (marks_[t.offset] & kTarget) | kBegins;
    if (t.reference) mark |= kRefers;
    mark |= static_cast<unsigned>(strength) << kStrengthShift;
    marks_[t.offset] = static_cast<std::uint8_t>(mark);
    for (std::size_t i = 1; i < t.size; ++i) marks_[t.offset + i] = kInside;
    counts_.flowed = counts_.flowed + Bytes{t.size};
  }
  for (const Tried& t : tried_) {
    if (t.reference && t.reference->size > 0) take_data(*t.reference);
    const auto target = inside(t.target);
    if (!target) continue;
    marks_[*target] |= kTarget;
    // A call, or a jump that may be a tail call: what is there stands for itself.
    if (t.flow == Flow::kCall || t.flow == Flow::kJump) roots_.push_back({*target, strength});
  }
}

// Literals and constants between functions are no code.
void FlowMap::take_data(const Reference& read) {
  const auto begin = inside(read.to);
  if (!begin) return;
  for (std::size_t i = *begin; i < *begin + read.size && i < marks_.size(); ++i)
    if (!believed(i) && (marks_[i] & kInside) == 0) marks_[i] = kData;
}

void FlowMap::drain() {
  while (!roots_.empty()) {
    const Root root = roots_.back();
    roots_.pop_back();
    if ((marks_[root.offset] & kInside) == 0) try_function(root);
  }
}

std::size_t FlowMap::skip_padding(std::size_t at) {
  const bool x86 = code_.isa == Isa::kX86_64;
  while (at < marks_.size() && !believed(at) && !is_data(at)) {
    std::size_t size = 0;
    if (code_.bytes[at] == std::byte{0}) {
      while (at + size < marks_.size() && code_.bytes[at + size] == std::byte{0} &&
             !believed(at + size) && !is_data(at + size))
        ++size;
      if (!x86) size &= ~std::size_t{3};  // words
      if (x86 && size == 1) size = 0;     // the first byte of ADD
    }
    if (size == 0) {
      const auto insn = decode(at);
      if (!insn || !insn->padding) break;
      size = insn->size;
    }
    counts_.padding = counts_.padding + Bytes{size};
    at += size;
  }
  return at;
}

// Addresses where code may stand or not: behind an indirect jump, or what is no code.
std::size_t FlowMap::skip_pointers(std::size_t at) {
  while (at + 8 <= marks_.size() && (code_.base + Bytes{at}).value % 8 == 0) {
    std::uint64_t value = 0;
    std::memcpy(&value, code_.bytes.data() + at, sizeof value);
    // Of user space, beyond what 32 bits hold; code hardly ever has two zeros there.
    if (value >> 32 == 0 || value >> 47 != 0) break;
    for (std::size_t i = 0; i < 8; ++i)
      if (marks_[at + i] != 0) return at;
    for (std::size_t i = 0; i < 8; ++i) marks_[at + i] = kData;
    counts_.data = counts_.data + Bytes{8};
    at += 8;
  }
  return at;
}

// Whether what stands here is likely to be the begin of a function, or of a part of one that only a
// table leads to.
bool FlowMap::may_begin(std::size_t at, Before before, bool padded) const {
  if ((marks_[at] & (kRejected | kInside)) != 0) return false;
  if (code_.isa == Isa::kAarch64)
    // Behind an indirect jump or a veneer stand tables and addresses, unless something pads.
    return padded || (before != Before::kIndirectJump && before != Before::kSwept);
  const bool aligned = (code_.base + Bytes{at}).value % kAligned == 0;
  switch (before) {
    case Before::kBegin:
    case Before::kEnd:
      return true;
    case Before::kIndirectJump:
      return padded || aligned;  // a table may stand here
    case Before::kPointers:
      return aligned;
    case Before::kSwept:
      return padded && aligned;
    case Before::kSweptEnd:
      return (padded && aligned) || in_a_row_ >= kSynchronised;
  }
  return false;
}

// Over instructions that are believed.
std::size_t FlowMap::pass(std::size_t at, Before& before) {
  std::size_t last = at;
  for (; at < marks_.size() && believed(at);) {
    last = at++;
    while (at < marks_.size() && (marks_[at] & kInside) != 0) ++at;
  }
  const auto insn = decode(last);
  before = insn && insn->flow == Flow::kIndirectJump ? Before::kIndirectJump : Before::kEnd;
  return at;
}

// One instruction, or one byte or word that is none.
std::size_t FlowMap::sweep(std::size_t at, Before& before) {
  const std::size_t unit = code_.isa == Isa::kX86_64 ? 1 : 4;
  const auto insn = decode(at);
  std::size_t size = insn ? insn->size : std::min(unit, marks_.size() - at);
  bool whole = insn.has_value();
  const bool ends = insn && (insn->flow == Flow::kEnd || insn->flow == Flow::kJump);
  before = ends ? Before::kSweptEnd : Before::kSwept;
  for (std::size_t i = 1; i < size; ++i) {
    // What is believed, or may be the begin of a function, is not swallowed.
    const bool begin =
        unit == 1 && (code_.base + Bytes{at + i}).value % kAligned == 0 &&
        (code_.bytes[at + i - 1] == std::byte{0x90} || code_.bytes[at + i - 1] == std::byte{0xCC} ||
         code_.bytes[at + i - 1] == std::byte{0xC3});
    if (!begins(at + i) && !is_data(at + i) && !begin) continue;
    size = i;
    whole = false;
  }
  if (!whole) {
    counts_.undecoded = counts_.undecoded + Bytes{size};
    in_a_row_ = 0;
    return at + size;
  }
  unsigned mark = (marks_[at] & (kTarget | kRejected)) | kBegins;
  if (insn->reference) mark |= kRefers;
  marks_[at] = static_cast<std::uint8_t>(mark);
  ++in_a_row_;
  return at + size;
}

void FlowMap::scan() {
  Before before = Before::kBegin;
  for (std::size_t at = 0; at < marks_.size();) {
    if (believed(at)) {
      at = pass(at, before);
      continue;
    }
    if (is_data(at)) {
      counts_.data = counts_.data + Bytes{1};
      ++at;
      continue;
    }
    if (before == Before::kIndirectJump || before == Before::kPointers ||
        before == Before::kSwept) {
      if (const std::size_t behind = skip_pointers(at); behind != at) {
        at = behind;
        before = Before::kPointers;
        continue;
      }
    }
    const std::size_t behind = skip_padding(at);
    const bool padded = behind != at;
    at = behind;
    if (at >= marks_.size() || believed(at) || is_data(at)) continue;
    if (may_begin(at, before, padded) && try_function({at, Strength::kFlow})) {
      drain();
      continue;
    }
    at = sweep(at, before);
  }
  // Some of what was swept was believed later; the rest of the bytes is it.
  const Bytes total{marks_.size()};
  const Bytes known = counts_.flowed + counts_.data + counts_.padding + counts_.undecoded;
  counts_.swept = known < total ? total - known : Bytes{};
}

}  // namespace jitcorral::decode

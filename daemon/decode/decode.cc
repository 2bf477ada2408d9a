#include "decode/decode.h"

#include <algorithm>
#include <array>
#include <bit>

namespace jitcorral::decode {
namespace {

// aarch64: which registers hold the page that an ADRP made, from there on until control may come
// from elsewhere or the register changes.
class Pages {
 public:
  explicit Pages(std::vector<Reference>& out) : out_(out) {}

  void use(const Instruction& insn, Strength strength) {
    if (!insn.use || !held_[insn.use->base]) return;
    Held& held = *held_[insn.use->base];
    Reference reference = held.page;
    reference.to = reference.to + insn.use->offset;
    reference.with = insn.at;
    reference.access = insn.use->access;
    reference.size = insn.use->size;
    reference.strength = std::min(reference.strength, strength);
    out_.push_back(reference);
    held.used = true;
  }
  void write(std::uint32_t registers) {
    for (; registers != 0; registers &= registers - 1)
      if (const auto n = static_cast<unsigned>(std::countr_zero(registers)); n < held_.size())
        drop(n);
  }
  void hold(std::uint8_t reg, const Reference& page) { held_[reg] = Held{page, false}; }
  void forget() { write(~0U); }

 private:
  struct Held {
    Reference page;
    bool used = false;
  };
  void drop(unsigned n) {
    if (held_[n] && !held_[n]->used) out_.push_back(held_[n]->page);
    held_[n].reset();
  }

  std::vector<Reference>& out_;
  std::array<std::optional<Held>, 31> held_{};
};

bool leaves(Flow flow) {
  return flow == Flow::kJump || flow == Flow::kIndirectJump || flow == Flow::kEnd;
}

}  // namespace

Decoded decode(const Code& code) {
  Decoded out;
  Disassembler disassembler(code.isa);
  const FlowMap flow(code, disassembler);
  out.bytes = flow.counts();
  out.functions = flow.functions();
  const bool x86 = code.isa == Isa::kX86_64;
  Pages pages(out.references);
  std::size_t expected = 0;  // the next instruction, if no byte lies between
  for (std::size_t at = 0; at < code.bytes.size(); ++at) {
    if (!flow.begins(at) || (x86 && !flow.has_reference(at))) continue;
    const auto insn = disassembler.at(code.bytes.subspan(at), code.base + Bytes{at});
    if (!insn) continue;
    const Strength strength = flow.strength(at);
    std::optional<Reference> reference = insn->reference;
    if (reference) reference->strength = strength;
    if (!x86) {
      if (at != expected || flow.is_target(at)) pages.forget();
      pages.use(*insn, strength);
      pages.write(insn->writes);
      if (insn->page_in) {
        pages.hold(*insn->page_in, *reference);
        reference.reset();
      }
      if (leaves(insn->flow)) pages.forget();
      expected = at + insn->size;
    }
    if (reference) out.references.push_back(*reference);
  }
  pages.forget();
  std::sort(out.references.begin(), out.references.end(),
            [](const Reference& a, const Reference& b) {
              return a.from != b.from ? a.from < b.from : a.with < b.with;
            });
  return out;
}

std::string instruction_text(const Code& code, Address at) {
  if (at < code.base || !(at < code.base + Bytes{code.bytes.size()})) return {};
  Disassembler disassembler(code.isa);
  return disassembler.text(code.bytes.subspan((at - code.base).count), at);
}

}  // namespace jitcorral::decode

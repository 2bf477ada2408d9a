#include "autopsy/examine.h"

#include <algorithm>
#include <csignal>

#include "collect/live_code.h"
#include "jitcorral/engines.h"

namespace jitcorral::autopsy {
namespace {

using decode::Owner;
using decode::Place;
using decode::Trail;

constexpr Bytes kMostCode = mib(256);
// What is decoded of a mapping round an instruction in it.
constexpr Bytes kMostAround = mib(32);
constexpr std::size_t kLongest = 15;  // bytes of an instruction

struct Stretch {
  Place place;
  std::vector<std::byte> bytes;
};

class Examiner {
 public:
  Examiner(const Core& core, Memory& memory)
      : core_(core),
        memory_(memory),
        places_(collect::places_of(memory.mappings(), collect::WhatToAudit{})) {}

  Crash examine() {
    out_.isa = core_.isa;
    out_.executable = memory_.executable();
    out_.threads = core_.notes.threads.size();
    name_engines();
    audit();
    if (core_.notes.threads.empty()) {
      out_.audit.blind.push_back("the registers: no thread is in the core");
    } else {
      thread_ = &core_.notes.threads.front();
      signal();
      locate();
    }
    if (out_.executable.find("qemu-") != std::string::npos)
      out_.audit.blind.push_back(
          "the emulated program: this is the emulator's own core; accepted: the one that it "
          "writes of its program, qemu_*.core");
    for (const std::string& what : memory_.missing()) out_.missing.push_back(what);
    if (core_.cut_off > Bytes{})
      out_.missing.push_back("the core is cut off: " + std::to_string(core_.cut_off.count >> 10) +
                             " KiB that its headers promise are not in the file");
    if (core_.notes.damaged) out_.missing.push_back("some notes of the core make no sense");
    out_.audit.judge();
    out_.conclude();
    audit_here();
    return std::move(out_);
  }

 private:
  void name_engines();
  void audit();
  void signal();
  void locate();
  void audit_here();
  std::optional<Address> said_address() const;
  void faulted_at(Address pc);
  void sent_from(Address returned_to);
  bool call_before(Address returned_to);
  void follow(Address target);
  void trace(Address before, decode::Register reg);
  void touch(const decode::Operands& insn);
  std::optional<decode::Operands> operands_at(Address at, std::string* text);
  const Stretch* stretch_at(Address at);
  Stretch around(const Place& place, Address at);

  const Core& core_;
  Memory& memory_;
  const decode::Places places_;
  const Thread* thread_ = nullptr;
  std::vector<Stretch> jit_;
  Stretch other_;  // a file's code, round the last address that was asked for
  Crash out_;
};

bool matches(std::string_view glob, std::string_view name) {
  const std::size_t star = glob.find('*');
  if (star == std::string_view::npos) return glob == name;
  if (!name.starts_with(glob.substr(0, star))) return false;
  for (std::size_t at = star; at <= name.size(); ++at)
    if (matches(glob.substr(star + 1), name.substr(at))) return true;
  return false;
}

void Examiner::name_engines() {
  for (const collect::proc::Mapping& mapping : memory_.mappings()) {
    const std::string name = mapping.name.substr(mapping.name.rfind('/') + 1);
    if (name.empty()) continue;
    if (name.starts_with("libjitcorral.so")) out_.under_shim = true;
    constexpr std::string_view kMore[] = {"libLLVM-*", "libLLVM.so*", "libjvm.so", "libv8*.so*"};
    const bool known =
        std::any_of(std::begin(kEngines), std::end(kEngines),
                    [&](const Engine& engine) {
                      return !engine.library.empty() && matches(engine.library, name);
                    }) ||
        std::any_of(std::begin(kMore), std::end(kMore),
                    [&](std::string_view glob) { return matches(glob, name); });
    if (known && std::find(out_.engines.begin(), out_.engines.end(), name) == out_.engines.end())
      out_.engines.push_back(name);
  }
}

void Examiner::audit() {
  decode::Auditor all(core_.isa, places_);
  Bytes left = kMostCode, unseen{};
  for (const Place& place : places_.all()) {
    if (!place.executable || place.owner != Owner::kEngine) continue;
    const Bytes size = place.range.size() < left ? place.range.size() : left;
    Stretch stretch{place, memory_.read(range_of(place.range.begin, size))};
    const Bytes got{stretch.bytes.size()};
    if (got < place.range.size()) unseen = unseen + (place.range.size() - got);
    if (got == Bytes{}) continue;
    left = left - got;
    all.add(place, stretch.bytes);
    jit_.push_back(std::move(stretch));
  }
  if (unseen > Bytes{})
    all.add_blind(
        std::to_string((unseen.count + 1023) >> 10) +
        (memory_.of_core()
             ? " KiB of JIT code, which the core does not hold (coredump_filter, ulimit -c)"
             : " KiB of JIT code, whose bytes were not given"));
  if (memory_.leaves_out_mappings())
    all.add_blind(
        "mappings that the core leaves out, as a debugger's does (the kernel's, or gcore with `set "
        "use-coredump-filter off` and `set dump-excluded-mappings on`, has all)");
  out_.spans = spans(core_.isa, places_);
  if (places_.all().empty()) all.add_blind("the memory: no mapping is in the core");
  out_.audit = all.finish();
}

void Examiner::signal() {
  out_.thread = thread_->id;
  out_.signal = thread_->signal;
  out_.pc = thread_->pc;
  if (core_.notes.signal) {
    if (out_.signal == 0) out_.signal = core_.notes.signal->number;
    out_.code = core_.notes.signal->code;
  }
}

void Examiner::locate() {
  if (const Place* place = places_.at(out_.pc)) out_.pc_place = *place;
  if (out_.pc_place && out_.pc_place->executable) {
    faulted_at(out_.pc);
  } else {
    // Control went where no code is.
    out_.touched = out_.pc;
    out_.access = decode::Access::kCall;
    out_.sent_away = true;
    if (!thread_->has_registers)
      out_.missing.push_back("who sent control away: no registers are known");
    else if (core_.isa == Isa::kAarch64)
      sent_from({thread_->registers.general[30]});
    else if (const auto top = memory_.word({thread_->registers.general[4]}))
      sent_from({*top});
  }
  if (!out_.touched) return;
  if (const Place* place = places_.at(*out_.touched)) {
    out_.touched_place = *place;
    return;
  }
  out_.guesses = meant_by(core_.isa, *out_.touched, out_.access, places_);
}

// The rest of the code that the instruction is in.
void Examiner::audit_here() {
  if (!out_.instruction) return;
  const Stretch* stretch = stretch_at(out_.instruction->at);
  out_.in_jit = stretch != nullptr && stretch->place.owner == Owner::kEngine;
  if (!out_.in_jit) return;
  decode::Auditor here(core_.isa, places_);
  here.add(stretch->place, stretch->bytes);
  out_.here = here.finish();
}

Stretch Examiner::around(const Place& place, Address at) {
  AddressRange range = place.range;
  if (range.size() > kMostAround) {
    const Bytes half = kMostAround / 2;
    if (at - range.begin > half) range.begin = round_down(at - half, kib(4));
    if (range.size() > kMostAround) range.end = range.begin + kMostAround;
  }
  Stretch out{place, memory_.read(range)};
  out.place.range = range_of(range.begin, {out.bytes.size()});
  return out;
}

const Stretch* Examiner::stretch_at(Address at) {
  for (const Stretch& stretch : jit_)
    if (range_of(stretch.place.range.begin, {stretch.bytes.size()}).contains(at)) return &stretch;
  if (other_.place.range.contains(at)) return &other_;
  const Place* place = places_.at(at);
  if (place == nullptr || !place->executable) return nullptr;
  other_ = around(*place, at);
  return other_.place.range.contains(at) ? &other_ : nullptr;
}

std::optional<decode::Operands> Examiner::operands_at(Address at, std::string* text) {
  const Place* place = places_.at(at);
  if (place == nullptr || !place->executable) return std::nullopt;
  const std::vector<std::byte> bytes = memory_.read(range_of(at, {kLongest}));
  const decode::Code code{core_.isa, at, bytes, {}};
  if (text != nullptr) *text = decode::instruction_text(code, at);
  return decode::operands(core_.isa, bytes, at);
}

// What the kernel says that could not be touched.
std::optional<Address> Examiner::said_address() const {
  const auto& signal = core_.notes.signal;
  constexpr int kKernels = 0x80;  // SI_KERNEL: an address that is none, and si_addr says nothing
  const bool is_said = signal && (signal->number == SIGSEGV || signal->number == SIGBUS) &&
                       signal->code > 0 && signal->code != kKernels;
  return is_said ? std::optional(signal->address) : std::nullopt;
}

// The memory that the instruction at pc was about to touch.
void Examiner::touch(const decode::Operands& insn) {
  const std::optional<Address> said = said_address();
  const decode::MemoryUse* meant = nullptr;
  for (const decode::MemoryUse& use : insn.memory) {
    if (!thread_->has_registers && !use.of_pc) {
      meant = &use;
      break;
    }
    const Address at = use.address(thread_->registers);
    const Bytes size{std::max<std::uint64_t>(use.size, 1)};
    if (said) {
      if (!(at <= *said && *said < at + size)) continue;
    } else if (const Place* place = places_.at(at); place && decode::permits(*place, use.access)) {
      continue;
    }
    meant = &use;
    break;
  }
  if (meant == nullptr) return;
  if (!said && (thread_->has_registers || meant->of_pc))
    out_.touched = meant->address(thread_->registers);
  out_.access = meant->access;
  out_.size = meant->size;
  if (meant->base && !meant->of_pc) trace(out_.instruction->at, *meant->base);
}

void Examiner::faulted_at(Address pc) {
  out_.touched = said_address();
  Line line{pc, ""};
  const auto insn = operands_at(pc, &line.text);
  if (!insn) {
    out_.missing.push_back("the bytes at the program counter");
    return;
  }
  out_.instruction = std::move(line);
  if (out_.signal == SIGSEGV || out_.signal == SIGBUS || out_.signal == 0) touch(*insn);
}

void Examiner::trace(Address before, decode::Register reg) {
  const Stretch* stretch = stretch_at(before);
  if (stretch == nullptr) return;
  const decode::Code code{core_.isa, stretch->place.range.begin, stretch->bytes, {}};
  decode::Disassembler disassembler(core_.isa);
  const decode::FlowMap flow(code, disassembler);
  const Trail trail = decode::trail(code, flow, before, reg);
  Origin origin;
  origin.reg = decode::register_name(core_.isa, reg);
  origin.end = trail.end;
  for (const Address at : trail.steps)
    origin.steps.push_back({at, decode::instruction_text(code, at)});
  const auto is_step = [&](Address at) {
    return at == before ||
           std::find(trail.steps.begin(), trail.steps.end(), at) != trail.steps.end();
  };
  for (const decode::Reference& r : decode::decode(code).references)
    if (is_step(r.from) && (!r.with || is_step(*r.with)))
      origin.references.push_back(decode::land(r, stretch->place, places_));
  out_.origin = std::move(origin);
}

// The call whose return address that is.
bool Examiner::call_before(Address returned_to) {
  const bool x86 = core_.isa == Isa::kX86_64;
  // CALL rel32 and CALL [rip + disp32] before shorter ones, which their ends may look like; CALL
  // R14 before the CALL RSI that it ends as.
  constexpr std::uint64_t kSizes[] = {5, 6, 3, 2, 7, 4, 8}, kWord[] = {4};
  for (const std::uint64_t size :
       x86 ? std::span<const std::uint64_t>(kSizes) : std::span<const std::uint64_t>(kWord)) {
    if (returned_to.value < size) continue;
    Line line{returned_to - Bytes{size}, ""};
    const auto insn = operands_at(line.at, &line.text);
    if (!insn || insn->flow != decode::Flow::kCall || insn->size != size) continue;
    out_.instruction = std::move(line);
    if (insn->target && *insn->target != out_.pc)
      follow(*insn->target);
    else if (insn->through)
      trace(out_.instruction->at, *insn->through);
    return true;
  }
  return false;
}

void Examiner::sent_from(Address returned_to) {
  if (call_before(returned_to)) return;
  out_.missing.push_back("who sent control away: no call stands before the return address");
}

// Stubs of linkers: the call went to one, and that one jumped on.
void Examiner::follow(Address target) {
  constexpr int kLongestStub = 8;
  Origin origin;
  for (int n = 0; n < kLongestStub; ++n) {
    Line line{target, ""};
    const auto insn = operands_at(target, &line.text);
    if (!insn) return;
    origin.steps.insert(origin.steps.begin(), std::move(line));
    if (insn->flow == decode::Flow::kIndirectJump || insn->target == out_.pc) {
      origin.end = Trail::End::kLoaded;
      out_.origin = std::move(origin);
      return;
    }
    if (insn->flow != decode::Flow::kNext) return;
    target = target + Bytes{insn->size};
  }
}

}  // namespace

Crash examine(const Core& core, Memory& memory) {
  return Examiner(core, memory).examine();
}

}  // namespace jitcorral::autopsy

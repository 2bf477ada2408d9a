// Which reaches bind which engine: distance is not guilt. A table from engine, module, version and
// ISA to whether its code refers to its other mappings by instructions of such a reach, and why.
//
// Placements show where things lie, never how code refers to them: the code model of LLVM, say,
// cannot be seen. `maybe` is the honest word then.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

#include "jitcorral/glob.h"
#include "jitcorral/reach.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral {

// Whether code of an engine refers to its other mappings by instructions of such a reach.
enum class Binds : std::uint8_t { kNo, kMaybe, kYes, kCount };
inline constexpr std::string_view kBindsNames[] = {"no", "maybe", "yes"};
static_assert(std::size(kBindsNames) == static_cast<std::size_t>(Binds::kCount));

struct Binding {
  Binds binds = Binds::kMaybe;
  std::string_view why;  // with its source
};

// Whether instructions with this reach exist on an ISA; on an unknown one, those that all have.
constexpr bool exists_on(ReachKind kind, Isa isa) {
  for (const Reach& r : kReaches)
    if (r.kind == kind)
      return (isa == Isa::kAarch64 || r.x86_64) && (isa == Isa::kX86_64 || r.aarch64);
  return false;
}

// Orders versions by their numbers: 0.9 < 0.127 < 0.127.1. What is no digit separates; more than
// `version` can hold is cut off. Negative, zero, positive.
constexpr int compare_versions(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view& text) -> std::uint64_t {
    while (!text.empty() && (text[0] < '0' || text[0] > '9')) text.remove_prefix(1);
    std::uint64_t n = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1))
      if (n < (1ULL << 48)) n = n * 10 + static_cast<std::uint64_t>(text[0] - '0');
    return n;
  };
  while (!a.empty() || !b.empty()) {
    const std::uint64_t x = next(a), y = next(b);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

struct BindingRow {
  Role role;
  std::string_view from;   // first version; "": any, also an unknown one
  std::string_view below;  // first version that it is not about; "": none
  Isa isa;                 // kUnknown: any
  ReachKind reach;
  Binds binds;
  std::string_view why;
};

// The first row that matches answers. Rows with versions match known versions only.
inline constexpr BindingRow kBindings[] = {
    // LLVM. One role for MCJIT, ORC over RuntimeDyld and JITLink: all get memory from
    // sys::Memory::allocateMappedMemory.
    {Role::kLlvm, "", "", Isa::kX86_64, ReachKind::kDelta32, Binds::kMaybe,
     "it depends on the code model, which placements do not show: large, the default of MCJIT and "
     "of "
     "llvmlite's jitdefault, reaches everywhere; small and medium use rel32 "
     "(getEffectiveX86CodeModel in X86TargetMachine.cpp)"},
    {Role::kLlvm, "", "", Isa::kAarch64, ReachKind::kDelta32, Binds::kMaybe,
     ".eh_frame refers to code by 32-bit differences where it has them (RuntimeDyldELF.cpp "
     "R_AARCH64_PREL32, JITLink Delta32)"},
    {Role::kLlvm, "", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kYes,
     "ADRP reaches the GOT in every code model, and RuntimeDyld only asserts that it does "
     "(RuntimeDyldELF.cpp R_AARCH64_ADR_PREL_PG_HI21; numba#9001, llvm-project#71968)"},
    {Role::kLlvm, "", "", Isa::kAarch64, ReachKind::kBranch26, Binds::kMaybe,
     "RuntimeDyld calls other sections through stubs (resolveAArch64Branch), JITLink other graphs; "
     "within one graph the branch is direct"},
    // Julia.
    {Role::kJulia, "", "", Isa::kX86_64, ReachKind::kDelta32, Binds::kMaybe,
     "its code model was large on x86-64 while it used RuntimeDyld; newest versions use JITLink "
     "(src/jitlayers.h JL_USE_JITLINK, JuliaLang/julia#60245)"},
    {Role::kJulia, "", "", Isa::kAarch64, ReachKind::kDelta32, Binds::kMaybe,
     ".eh_frame refers to code by 32-bit differences (JITLink Delta32; with RuntimeDyld's stack "
     "traces are wrong beyond, seen in 1.5.3)"},
    {Role::kJulia, "1.10", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kYes,
     "JITLink with the small code model since 1.10 (src/jitlayers.h JL_USE_JITLINK, "
     "JuliaLang/julia#45859)"},
    {Role::kJulia, "", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kMaybe,
     "the GOT is reached by ADRP (RuntimeDyldELF.cpp); how much code does so is not known for this "
     "version"},
    {Role::kJulia, "", "", Isa::kAarch64, ReachKind::kBranch26, Binds::kMaybe,
     "calls within one graph are direct, others go through stubs (JITLink aarch64.h)"},
    // Cranelift.
    {Role::kCranelift, "", "0.136", Isa::kX86_64, ReachKind::kDelta32, Binds::kYes,
     "calls and addresses of the module's own symbols are rel32 and panic when out of range "
     "(cranelift-jit compiled_blob.rs X86CallPCRel4, wasmtime#4000)"},
    {Role::kCranelift, "0.136", "", Isa::kX86_64, ReachKind::kDelta32, Binds::kMaybe,
     "calls out of range go through veneers and addresses through a GOT since 0.136 "
     "(wasmtime#13975); other references are still rel32 (compiled_blob.rs X86PCRel4)"},
    {Role::kCranelift, "", "", Isa::kX86_64, ReachKind::kDelta32, Binds::kMaybe,
     "calls and addresses are rel32, with veneers and a GOT only since 0.136 (wasmtime#13975)"},
    {Role::kCranelift, "", "0.128", Isa::kAarch64, ReachKind::kBranch26, Binds::kYes,
     "functions call each other by BL; between 128 and 256 MiB the branch silently goes astray "
     "(compiled_blob.rs `diff >> 26`, fixed by wasmtime#12239)"},
    {Role::kCranelift, "0.128", "", Isa::kAarch64, ReachKind::kBranch26, Binds::kNo,
     "calls out of range go through veneers since wasmtime#12239"},
    {Role::kCranelift, "", "", Isa::kAarch64, ReachKind::kBranch26, Binds::kMaybe,
     "functions call each other by BL, with veneers only since 0.128 (wasmtime#12239)"},
    {Role::kCranelift, "0.124", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kYes,
     "addresses of the module's own symbols are ADRP and ADD since 0.124 (compiled_blob.rs "
     "Aarch64AdrPrelPgHi21, wasmtime#11734)"},
    {Role::kCranelift, "", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kMaybe,
     "before 0.124 ADRP reaches only the GOT of position-independent modules (compiled_blob.rs "
     "Aarch64AdrGotPage21)"},
    {Role::kCranelift, "0.124", "", Isa::kAarch64, ReachKind::kDelta32, Binds::kYes,
     "its ADRP panics beyond 2 GiB: the distance is taken as i32 (compiled_blob.rs "
     "Aarch64AdrPrelPgHi21)"},
    {Role::kCranelift, "", "0.124", Isa::kAarch64, ReachKind::kDelta32, Binds::kNo,
     "no relocation of 32-bit distances before 0.124 (compiled_blob.rs)"},
    {Role::kCranelift, "", "", Isa::kAarch64, ReachKind::kDelta32, Binds::kMaybe,
     "since 0.124 its ADRP panics beyond 2 GiB (compiled_blob.rs Aarch64AdrPrelPgHi21)"},
    // tvm-ffi's arena holds JITLink's graphs.
    {Role::kArena, "", "", Isa::kUnknown, ReachKind::kDelta32, Binds::kMaybe,
     "JITLink with the small code model inside its arenas (apache/tvm-ffi#527)"},
    {Role::kArena, "", "", Isa::kAarch64, ReachKind::kAdrp, Binds::kMaybe,
     "JITLink with the small code model inside its arenas (apache/tvm-ffi#527)"},
    {Role::kArena, "", "", Isa::kAarch64, ReachKind::kBranch26, Binds::kMaybe,
     "calls within one graph are direct (JITLink aarch64.h)"},
};

// Modules that map executable memory themselves and take care of its reach themselves.
struct Harmless {
  std::string_view module;  // glob on the basename
  std::string_view why;
};
inline constexpr std::string_view kOwnHints =
    "places its own code by hints and checks where it came to lie";
inline constexpr std::string_view kOneReservation =
    "reserves one range for all its code and stays inside it";
inline constexpr Harmless kHarmless[] = {
    {"libffi.so*", "closures hold absolute addresses (libffi src/closures.c)"},
    {"_cffi_backend*.so", "closures hold absolute addresses (libffi src/closures.c)"},
    {"libpcre2-*.so*", "self-contained: each pattern's code refers to nothing else (PCRE2 sljit)"},
    {"libpcre.so*", "self-contained: each pattern's code refers to nothing else (PCRE sljit)"},
    {"libluajit*.so*", kOwnHints},
    {"luajit*", kOwnHints},
    {"libpypy*.so*", "its code loads absolute addresses (PyPy rpython/jit/backend)"},
    {"pypy*", "its code loads absolute addresses (PyPy rpython/jit/backend)"},
    {"node", kOneReservation},
    {"nodejs", kOneReservation},
    {"libnode.so*", kOneReservation},
    {"libv8*.so*", kOneReservation},
    {"libjvm.so", kOneReservation},
    {"sbcl",
     "maps its spaces at addresses of its own, 64 GiB apart on x86-64, and moves its core "
     "itself where it can't have them (SBCL src/runtime/coreparse.c)"},
    {"beam.smp",
     "calls what is out of its sight through asmjit's address table or veneers (OTP "
     "erts/emulator/beam/jit)"},
    {"libwasmer*.so*", "self-contained: one mapping for each module"},
    {"wasmer", "self-contained: one mapping for each module"},
};

// `module`: path of the caller's module. `version`: the engine's ("14.0.6"); empty: unknown.
constexpr Binding binding_of(Role role, std::string_view module, std::string_view version, Isa isa,
                             ReachKind reach) {
  if (!exists_on(reach, isa))
    return {Binds::kNo, isa == Isa::kX86_64    ? "no such instruction on x86-64"
                        : isa == Isa::kAarch64 ? "no such instruction on aarch64"
                                               : "not an instruction of every ISA"};
  if (role == Role::kNone || role == Role::kLearned)
    for (const Harmless& h : kHarmless)
      if (glob_match(h.module, basename_of(module))) return {Binds::kNo, h.why};
  for (const BindingRow& row : kBindings) {
    if (row.role != role || row.reach != reach) continue;
    if (row.isa != Isa::kUnknown && row.isa != isa) continue;
    if (version.empty() && !(row.from.empty() && row.below.empty())) continue;
    if (!row.from.empty() && compare_versions(version, row.from) < 0) continue;
    if (!row.below.empty() && compare_versions(version, row.below) >= 0) continue;
    return {row.binds, row.why};
  }
  return {Binds::kMaybe, "how this code refers to its data is not known"};
}

}  // namespace jitcorral

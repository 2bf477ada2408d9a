// Which engines a set of modules holds, and what jitcorral does with each.
#include <algorithm>

#include "inspect/diagnosis.h"
#include "inspect/engine_version.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

// How engines get their memory (jit-hosts.md, each traced).
struct Allocation {
  Role role;
  std::string_view from, below;  // versions, as in BindingRow
  std::string_view text;
};
constexpr Allocation kAllocations[] = {
    {Role::kLlvm, "", "",
     "mmap of private writable pages, one for each group of sections (MCJIT, ORC over RuntimeDyld) "
     "or each graph (JITLink); made executable or read-only later"},
    {Role::kJulia, "", "",
     "mmap of private writable blocks from 1 MiB on, PROT_NONE arenas, or a memfd mapped twice; "
     "its "
     "GC heap is left alone"},
    {Role::kCranelift, "", "0.132",
     "posix_memalign of whole pages, about one chunk a function: from the heap, and from 128 KiB "
     "on "
     "from a map of libc's own; since 0.120 a host may give it one PROT_NONE arena instead"},
    {Role::kCranelift, "0.132", "",
     "mmap of private writable pages (memmap2), about one a function; a host may give it one "
     "PROT_NONE arena instead"},
    {Role::kCranelift, "", "",
     "posix_memalign of whole pages up to 0.131, mmap of private writable pages since; which one "
     "this is, the file does not say"},
    {Role::kArena, "", "", "one PROT_NONE arena, committed piece by piece"},
};

std::string allocates(Role role, const std::string& version) {
  for (const Allocation& row : kAllocations) {
    if (row.role != role) continue;
    if (version.empty() && !(row.from.empty() && row.below.empty())) continue;
    if (!row.from.empty() && compare_versions(version, row.from) < 0) continue;
    if (!row.below.empty() && compare_versions(version, row.below) >= 0) continue;
    return std::string(row.text);
  }
  return {};
}

std::vector<ReachNeed> reaches(const EngineFound& engine, Isa isa) {
  std::vector<ReachNeed> needs;
  for (const Reach& reach : kReaches) {
    if (!exists_on(reach.kind, isa)) continue;
    if (reach.kind == ReachKind::kAbsolute32) {
      if (engine.role == Role::kLlvm)
        needs.push_back({reach.name, reach.limit, Binds::kMaybe,
                         "only code compiled small and static, not pic, has absolute 32-bit "
                         "addresses: JITCORRAL_NEAR=low serves it"});
      continue;
    }
    const Binding b = binding_of(engine.role, engine.module, engine.version, isa, reach.kind);
    needs.push_back({reach.name, reach.limit, b.binds, std::string(b.why)});
  }
  return needs;
}

bool takes_from_allocator(const EngineFound& engine) {
  return engine.role == Role::kCranelift &&
         (engine.version.empty() || compare_versions(engine.version, "0.132") < 0);
}

std::string own_allocator(const Contents& contents) {
  if (contents.has(Trait::kJemalloc)) return "jemalloc";
  if (contents.has(Trait::kMimalloc)) return "mimalloc";
  return contents.has(Trait::kTcmalloc) ? "tcmalloc" : "";
}

// Cranelift's memory from posix_memalign. An allocator that is linked in never calls libc's: what
// can be seen of it are its own maps, by a caller in the engine's module (traced: jemalloc 5.3 asks
// for NULL, mimalloc 2.0 for addresses of its own choice from 4 TiB on, which are left alone).
void of_the_allocator(EngineFound& engine, const std::string& allocator) {
  if (allocator.empty()) {
    engine.outcome =
        "serves whole pages from one window instead of the heap: code packed at one end, what is "
        "known to be data at the other";
  } else if (allocator == "mimalloc") {
    engine.is_served = false;
    engine.outcome =
        "not steered: mimalloc is linked in, so libc's posix_memalign is never called, and "
        "mimalloc "
        "maps its arenas by hints of its own, side by side, which are left alone";
  } else {
    engine.outcome =
        allocator +
        " is linked in, so libc's posix_memalign is never called: only its arena-sized "
        "maps can be seen and steered, code, data and heap alike";
  }
}

// What becomes of an engine's calls under this policy, were there no obstacle before all of them.
void decide(EngineFound& engine, const Module& module, const Recognition& recognition,
            const Policy& policy) {
  const bool included = policy.include.find(module.path) != GlobList::kNoMatch ||
                        policy.include.find(module.facts.engine_symbol) != GlobList::kNoMatch;
  const bool excluded = policy.exclude.find(module.path) != GlobList::kNoMatch ||
                        (!module.facts.engine_symbol.empty() &&
                         policy.exclude.find(module.facts.engine_symbol) != GlobList::kNoMatch);
  if (!engine.is_used) {
    engine.outcome = "nothing here calls its JIT (MCJIT, ORC): it compiles, and runs nothing";
  } else if (excluded) {
    engine.outcome = "left alone: JITCORRAL_EXCLUDE matches it";
  } else if (!recognition.by_shim && !included && policy.mode != Mode::kAll) {
    engine.outcome =
        "not recognised until its first mapping becomes executable, and what came before stays "
        "where "
        "it was: this module hides its symbols and does not unwind by itself, so the library does "
        "not look through its texts; JITCORRAL_INCLUDE=" +
        module.name + " steers it from the beginning";
  } else {
    engine.is_served = true;
    engine.outcome =
        "steers them into one window: code packed at one end, what is known to be data at the "
        "other";
    if (takes_from_allocator(engine))
      of_the_allocator(engine, own_allocator(module.facts.contents));
    if (!recognition.by_shim && !included)
      engine.outcome = "steers them as JITCORRAL_POLICY=all does every private map";
  }
}

// Debian's llvmlite, PostgreSQL's llvmjit: by name an engine, but the engine is the library that
// they need.
bool only_uses_another(const Linker& linker, const Module& module, Role role) {
  return std::any_of(module.needs.begin(), module.needs.end(),
                     [&](std::size_t i) { return linker.modules()[i].facts.symbol_role == role; });
}

// "needed by libllvmlite.so: x.py imports numba, which loads llvmlite"
std::string why_there(const Linker& linker, std::size_t module) {
  const auto& modules = linker.modules();
  const std::string& why = modules[module].why;
  std::size_t root = module;
  while (modules[root].parent != 0 && modules[root].parent != Module::kNobody)
    root = modules[root].parent;
  return root == module || modules[root].certainty == Certainty::kLinked
             ? why
             : why + ": " + modules[root].why;
}

bool somebody_asks(const Linker& linker, const Module& engine) {
  return std::any_of(linker.modules().begin(), linker.modules().end(),
                     [&](const Module& m) { return &m != &engine && m.facts.asks_for_llvm_jit; });
}

}  // namespace

std::vector<EngineFound> engines_in(const Linker& linker, const Policy& policy) {
  std::vector<EngineFound> found;
  for (std::size_t i = 0; i < linker.modules().size(); ++i) {
    const Module& module = linker.modules()[i];
    const auto recognition = recognise(module.facts, module.name, i == 0);
    if (!recognition) continue;
    if (recognition->is_by_name && only_uses_another(linker, module, recognition->role)) continue;
    EngineFound engine;
    engine.role = recognition->role;
    engine.module = module.path;
    engine.version = engine_version(engine.role, module.path);
    engine.certainty = module.certainty;
    engine.why_there = why_there(linker, i);
    engine.found_by = recognition->by;
    engine.allocates = allocates(engine.role, engine.version);
    engine.reach = reaches(engine, module.elf.isa);
    if (engine.role == Role::kLlvm && module.facts.symbol_role == Role::kLlvm && i != 0)
      engine.is_used = somebody_asks(linker, module);
    decide(engine, module, *recognition, policy);
    found.push_back(std::move(engine));
  }
  return found;
}

std::vector<Independent> independents_in(const Linker& linker) {
  std::vector<Independent> found;
  for (const Module& module : linker.modules()) {
    if (module.facts.contents.has(Trait::kWasmtime))
      found.push_back({module.path,
                       "wasmtime: its code refers to nothing outside its own mapping, and it maps "
                       "by system calls of its own"});
    for (const Harmless& harmless : kHarmless) {
      if (!glob_match(harmless.module, module.name)) continue;
      found.push_back({module.path, std::string(harmless.why)});
      break;
    }
  }
  return found;
}

}  // namespace jitcorral::inspect

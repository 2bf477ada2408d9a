// What keeps jitcorral out of a process, and what it can't see in one.
#include <unistd.h>

#include <algorithm>

#include "inspect/diagnosis.h"
#include "inspect/privilege.h"
#include "jitcorral/glob.h"
#include "jitcorral/policy_parse.h"

namespace jitcorral::inspect {
namespace {

std::string isa_name(Isa isa) {
  return std::string(name_in(kIsaNames, isa));
}

Isa isa_of_file(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return Isa::kUnknown;
  try {
    return read_elf(*file).isa;
  } catch (const BadElf&) {
    return Isa::kUnknown;
  }
}

void of_the_file(const Diagnosis& d, const Surroundings& surroundings, std::vector<Note>& notes) {
  if (d.libc == "none")
    notes.push_back(
        {"static-executable",
         d.linkage == "library"
             ? "it names no dynamic linker: it is a library, or a static executable"
             : "it is a static executable: no dynamic linker runs that could load a library"});
  if (const auto file = File::open(d.program.path))
    if (const std::string gains = gained_privilege(file->descriptor()); !gains.empty())
      notes.push_back({"secure", "it " + (gains.starts_with("has") ? gains : "is " + gains) +
                                     ": the dynamic linker takes no preload for it (AT_SECURE)"});
  if (d.program.loses_preload)
    notes.push_back({"environment-cleared",
                     "env takes LD_PRELOAD out of the environment: put `jitcorral run --` behind "
                     "it, before the program"});
  if (surroundings.shim.empty()) {
    notes.push_back({"no-library", "libjitcorral.so was not found beside this command"});
  } else if (const Isa shim = isa_of_file(surroundings.shim); shim != d.isa) {
    notes.push_back({"other-isa", "it is for " + isa_name(d.isa) + ", and " + surroundings.shim +
                                      " is for " + isa_name(shim) +
                                      ": build the library for it (cmake --preset aarch64)"});
  }
}

void of_sanitizers(const Linker& linker, const Surroundings& surroundings,
                   std::vector<Note>& notes) {
  for (std::size_t i = 0; i < linker.modules().size(); ++i) {
    const Module& module = linker.modules()[i];
    if (module.facts.has_tsan || module.facts.has_msan)
      notes.push_back({"shadow-memory",
                       std::string(module.facts.has_tsan ? "ThreadSanitizer" : "MemorySanitizer") +
                           " in " + module.name +
                           ": it keeps a shadow of every mapping, and jitcorral steps aside"});
    if (module.facts.is_asan_library && i != 0 &&
        surroundings.variable("ASAN_OPTIONS").find("verify_asan_link_order=0") == std::string::npos)
      notes.push_back({"asan-link-order",
                       "the dynamic AddressSanitizer runtime " + module.name +
                           " refuses every preload: set ASAN_OPTIONS=verify_asan_link_order=0"});
  }
}

void of_the_policy(const Diagnosis& d, const Policy& policy, const Surroundings& surroundings,
                   std::vector<Note>& notes) {
  switch (policy.mode) {
    case Mode::kOff:
      notes.push_back({"policy", "JITCORRAL_POLICY=off: it does nothing"});
      break;
    case Mode::kObserve:
      notes.push_back({"policy", "JITCORRAL_POLICY=observe: it records, and never steers"});
      break;
    case Mode::kExecOnly:
      notes.push_back({"policy",
                       "JITCORRAL_POLICY=exec-only: engines that map writable memory first, as all "
                       "of these do, are not steered"});
      break;
    case Mode::kScatter:
      notes.push_back(
          {"policy", "JITCORRAL_POLICY=scatter: it places code and data as far apart as it can"});
      break;
    case Mode::kAuto:
    case Mode::kAll:
      break;
  }
  if (access(surroundings.disable.c_str(), F_OK) == 0)
    notes.push_back({"disabled", surroundings.disable + " is there: every process stays inert"});
  if (!policy.only.empty() && policy.only.find(d.program.real) == GlobList::kNoMatch)
    notes.push_back({"only", "JITCORRAL_ONLY=" + surroundings.variable("JITCORRAL_ONLY") +
                                 " does not match " + d.program.real});
}

}  // namespace

std::vector<Note> obstacles_in(const Diagnosis& d, const Linker& linker, const Policy& policy,
                               const Surroundings& surroundings) {
  std::vector<Note> notes;
  of_the_file(d, surroundings, notes);
  of_sanitizers(linker, surroundings, notes);
  of_the_policy(d, policy, surroundings, notes);
  return notes;
}

std::vector<Note> limits_in(const Diagnosis& d, const Linker& linker) {
  std::vector<Note> notes;
  const bool is_static = d.libc == "none";
  if (is_static) notes.push_back({"static-executable", "whatever it maps: its calls are its own"});
  std::string opener, namespaces;
  for (std::size_t i = 0; i < linker.modules().size(); ++i) {
    const Module& module = linker.modules()[i];
    const Facts& facts = module.facts;
    if (facts.opens_libraries && opener.empty() && !is_libc(module.name)) opener = module.name;
    if (facts.opens_namespaces && namespaces.empty()) namespaces = module.name;
    if (facts.contents.inline_maps > 0 && !is_static)
      notes.push_back(
          {"inline-system-calls", module.name + " enters the kernel by itself to map memory, at " +
                                      std::to_string(facts.contents.inline_maps) + " place" +
                                      (facts.contents.inline_maps == 1 ? "" : "s") +
                                      (facts.contents.has(Trait::kGo) ? " (Go's runtime)" : "") +
                                      ": no preloaded library sees that"});
    if (i == 0 && facts.contents.has(Trait::kNamesPreload))
      notes.push_back({"names-preload", module.name + " names LD_PRELOAD in its texts: it may set, "
                                                      "clear or refuse it"});
  }
  const bool is_julia = std::any_of(d.engines.begin(), d.engines.end(),
                                    [](const EngineFound& e) { return e.role == Role::kJulia; });
  if (is_julia)
    notes.push_back({"deepbind",
                     "Julia opens libpcre2 and OpenBLAS with RTLD_DEEPBIND: the calls of these go "
                     "past every preload"});
  else if (!opener.empty())
    notes.push_back({"deepbind",
                     "libraries opened with RTLD_DEEPBIND call past every preload; the flag does "
                     "not show in a file"});
  if (!opener.empty())
    notes.push_back(
        {"dlopen", "what " + opener + " opens while it runs (dlopen), beyond what is named here"});
  if (!namespaces.empty())
    notes.push_back({"dlmopen", namespaces + " may open libraries in a namespace of their own "
                                             "(dlmopen), where no preload is"});
  if (d.libc == "musl")
    notes.push_back({"musl",
                     "musl's dynamic linker loads the library, but no host on musl is among "
                     "those that it is tested on"});
  return notes;
}

Policy policy_from(const Surroundings& surroundings, std::vector<Note>& problems) {
  Policy policy;
  for (const auto& [name, value] : surroundings.environment) {
    if (!name.starts_with("JITCORRAL_")) continue;
    if (const VariableInfo* const variable = find_variable(name); variable == nullptr) {
      const VariableInfo* const near = nearest_variable(name);
      problems.push_back(
          {"config", name + " is no variable of jitcorral's" +
                         (near == nullptr ? std::string()
                                          : "; did you mean " + std::string(near->name) + "?")});
    } else if (!value.empty() && !parse_variable(policy, variable->id, value)) {
      problems.push_back({"config", name + ": '" + value + "' is not accepted (" +
                                        std::string(variable->accepts) + "): the default is used"});
    }
  }
  return policy;
}

}  // namespace jitcorral::inspect

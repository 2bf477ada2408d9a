#include <algorithm>
#include <stdexcept>

#include "inspect/beside.h"
#include "inspect/diagnosis.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

std::string linkage_of(const Elf& elf) {
  if (!elf.interpreter.empty()) return elf.is_position_independent ? "pie" : "non-pie";
  if (!elf.is_position_independent) return "static";
  return elf.is_marked_pie ? "static-pie" : "library";
}

std::string libc_of(const Elf& elf) {
  if (elf.interpreter.empty()) return "none";
  if (glob_match("*/ld-musl-*", elf.interpreter)) return "musl";
  return glob_match("*/ld-linux*", elf.interpreter) || glob_match("*/ld.so*", elf.interpreter)
             ? "glibc"
             : "other";
}

std::string engine_name(const EngineFound& engine) {
  std::string name(name_in(kRoleNames, engine.role));
  if (engine.role == Role::kArena) name = "tvm-ffi";
  if (!engine.version.empty()) name += ' ' + engine.version;
  return name + " in " + std::string(basename_of(engine.module));
}

bool is_relevant(const EngineFound& engine) {
  return engine.is_used;
}

// The engine that the answer is about: the surest, of those one that is not served.
const EngineFound* chief(const Diagnosis& d) {
  const EngineFound* best = nullptr;
  for (const EngineFound& engine : d.engines) {
    if (!is_relevant(engine)) continue;
    if (best == nullptr || engine.certainty < best->certainty ||
        (engine.certainty == best->certainty && best->is_served && !engine.is_served))
      best = &engine;
  }
  return best;
}

std::string others(const Diagnosis& d, const EngineFound* chief) {
  const auto n = std::count_if(d.engines.begin(), d.engines.end(),
                               [&](const EngineFound& e) { return is_relevant(e) && &e != chief; });
  return n == 0 ? "" : " and " + std::to_string(n) + " more";
}

void answer_without_engine(Diagnosis& d) {
  const std::string name = d.program.name();
  if ((d.program.is_shell && !d.program.arguments.empty()) ||
      (d.program.starts_others && !d.program.arguments.empty())) {
    d.answer = Answer::kUnknown;
    d.because = d.program.is_shell && !d.program.script.empty()
                    ? std::string(basename_of(d.program.script)) +
                          " is a shell script, and what it starts shows only when it runs"
                    : name + " starts other programs, which were not looked at";
    d.next =
        "name the program itself: jitcorral doctor -- PROGRAM; or `jitcorral run --report -- "
        "CMD`, which follows children";
    return;
  }
  const auto not_found = std::find_if(d.limits.begin(), d.limits.end(),
                                      [](const Note& n) { return n.id == "not-found"; });
  if (not_found != d.limits.end()) {
    d.answer = Answer::kUnknown;
    d.because = not_found->text;
    d.next =
        "set PYTHONPATH as the program has it; or `jitcorral run --report -- CMD`, which sees "
        "what is loaded";
    return;
  }
  if (!d.missing.empty()) {
    d.answer = Answer::kUnknown;
    d.because =
        d.missing[0].name + ", " + d.missing[0].why + ", was not found: what it holds is not known";
    d.next = "set LD_LIBRARY_PATH as the program has it" +
             std::string(d.isa == kOwnIsa ? "" : ", or QEMU_LD_PREFIX to the other ISA's root");
    return;
  }
  d.answer = Answer::kNothing;
  // The program itself or the library that is its engine; pattern matchers and closures are beside
  // the point.
  const auto self =
      std::find_if(d.independent.begin(), d.independent.end(), [](const Independent& i) {
        return !glob_match("libffi*", basename_of(i.module)) &&
               !glob_match("libpcre*", basename_of(i.module)) &&
               !glob_match("_cffi*", basename_of(i.module));
      });
  if (self != d.independent.end())
    d.because = std::string(basename_of(self->module)) + " needs no help: " + self->why;
  else
    d.because = "no JIT engine was found in " + name +
                (d.libraries == 0 ? ""
                                  : " or its " + std::to_string(d.libraries) +
                                        (d.libraries == 1 ? " library" : " libraries"));
  d.next =
      "if it crashes in code of a JIT all the same, `jitcorral run --report -- CMD` shows who "
      "made it";
}

void answer(Diagnosis& d) {
  const EngineFound* const engine = chief(d);
  if (engine == nullptr) return answer_without_engine(d);
  const std::string name = engine_name(*engine) + others(d, engine);
  if (!d.obstacles.empty()) {
    d.answer = Answer::kCannot;
    d.because = name + ", but " + d.obstacles[0].text;
    return;
  }
  if (!engine->is_served) {
    d.answer = Answer::kCannot;
    d.because = name + " is " + engine->outcome;
    return;
  }
  d.next = "jitcorral run --report -- CMD";
  if (engine->certainty == Certainty::kBeside) {
    d.answer = Answer::kMayServe;
    d.because = name + ": " + engine->why_there +
                "; if it is loaded, its code and data are kept "
                "within reach of each other";
    return;
  }
  d.answer = Answer::kServes;
  d.because = name + ": its code and data are kept within reach of each other";
}

void say_what_it_will_do(Diagnosis& d, const Policy& policy) {
  const bool any = std::any_of(d.engines.begin(), d.engines.end(),
                               [](const EngineFound& e) { return e.is_used && e.is_served; });
  if (!d.obstacles.empty()) {
    for (const Note& obstacle : d.obstacles)
      d.will.push_back({"nothing", "nothing: " + obstacle.text});
    return;
  }
  if (any || policy.mode == Mode::kAll) {
    std::string near = "near the libraries, for allocator calls near the executable";
    if (policy.near == Near::kExe) near = "near the executable";
    if (policy.near == Near::kNone) near = "anywhere";
    if (policy.near == Near::kLow) near = "below 2 GiB";
    if (policy.near == Near::kLibrary || policy.near == Near::kAddress)
      near = "near what JITCORRAL_NEAR names";
    d.will.push_back({"window", "opens one window at the first call that it steers, " + near +
                                    ": code and data in it span less than 2 GiB"});
    if (d.isa == Isa::kAarch64)
      d.will.push_back(
          {"bl", "keeps code dense for BL (128 MiB); more code than that does not fit"});
  } else {
    d.will.push_back({"inert", "loads, steers nothing and maps nothing but itself"});
  }
  if (d.program.is_shell || d.program.starts_others)
    d.will.push_back({"children", "is inherited by every program that " + d.program.name() +
                                      " starts, and judges each by itself"});
}

// What jitcorral has no library for; true: that is the answer.
bool is_of_another_world(Diagnosis& d, const Elf& elf) {
  if (!elf.is_32_bit && elf.isa != Isa::kUnknown) return false;
  const std::string what =
      elf.is_32_bit      ? "a 32-bit executable"
      : elf.machine == 0 ? "a big-endian executable"
                         : "for another machine (ELF machine " + std::to_string(elf.machine) + ")";
  d.answer = Answer::kCannot;
  d.obstacles.push_back({"other-machine", what + ": jitcorral serves 64-bit x86-64 and aarch64"});
  d.because = d.program.name() + ": " + d.obstacles[0].text;
  d.will.push_back({"nothing", "nothing: the dynamic linker can't load its library"});
  d.limits.push_back({"not-read", "what is inside: such files are not read"});
  return true;
}

Elf read_program(const Program& program) {
  const auto file = File::open(program.path);
  if (!file) throw CannotStart(kCannotRun, program.path + ": can't be read");
  try {
    return read_elf(*file);
  } catch (const BadElf& error) {
    throw CannotStart(kCannotRun, program.path + ": " + error.what());
  }
}

// LD_PRELOAD's libraries are there before all others.
void add_preloads(Linker& linker, const Surroundings& surroundings) {
  std::string list = surroundings.variable("LD_PRELOAD");
  std::replace(list.begin(), list.end(), ':', ' ');
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(' ', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || glob_match("*libjitcorral.so*", name)) continue;
    try {
      if (const std::string path = linker.find(name, 0); !path.empty())
        linker.add(path, Certainty::kLinked, "preloaded by LD_PRELOAD");
    } catch (const std::exception&) {
      continue;  // ld.so ignores what it can't load
    }
  }
}

}  // namespace

Diagnosis diagnose(const std::vector<std::string>& command, const Surroundings& surroundings) {
  Diagnosis d;
  d.program = find_program(command, surroundings);
  const Elf elf = read_program(d.program);
  if (is_of_another_world(d, elf)) return d;
  d.isa = elf.isa;
  d.linkage = linkage_of(elf);
  d.libc = libc_of(elf);

  Linker linker(surroundings, elf);
  try {
    // $ORIGIN is where the executable lies, not its links.
    linker.add(d.program.real.empty() ? d.program.path : d.program.real, Certainty::kLinked,
               std::string(kExecutable));
  } catch (const std::exception& error) {
    throw CannotStart(kCannotRun, error.what());
  }
  if (!elf.interpreter.empty()) add_preloads(linker, surroundings);
  d.libraries = linker.modules().size() - 1;
  Beside beside = look_beside(d.program, elf, surroundings);
  std::stable_sort(
      beside.libraries.begin(), beside.libraries.end(),
      [](const Candidate& a, const Candidate& b) { return a.certainty < b.certainty; });
  for (const Candidate& candidate : beside.libraries) {
    try {
      linker.add(candidate.path, candidate.certainty, candidate.why);
    } catch (const std::exception& error) {
      d.limits.push_back({"unreadable", error.what()});
    }
  }

  std::vector<Note> problems;
  const Policy policy = policy_from(surroundings, problems);
  d.mode = policy.mode;
  for (const auto& [name, value] : surroundings.environment)
    if (name.starts_with("JITCORRAL_") && !value.empty()) d.settings.push_back(name + "=" + value);
  d.missing = linker.missing();
  d.engines = engines_in(linker, policy);
  d.independent = independents_in(linker);
  d.obstacles = obstacles_in(d, linker, policy, surroundings);
  for (std::string& text : beside.not_found) d.limits.push_back({"not-found", std::move(text)});
  for (std::string& limit : beside.limits) d.limits.push_back({"interpreter", std::move(limit)});
  if (beside.is_interpreter && beside.limits.empty())
    d.limits.push_back(
        {"interpreter", "what " + d.program.name() + " loads for the program that it interprets"});
  for (Note& note : limits_in(d, linker)) d.limits.push_back(std::move(note));
  answer(d);
  say_what_it_will_do(d, policy);
  d.will.insert(d.will.end(), problems.begin(), problems.end());
  return d;
}

}  // namespace jitcorral::inspect

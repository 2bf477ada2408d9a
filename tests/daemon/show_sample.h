// Runs as `jitcorral run` records them, for the tests of reports.
#pragma once

#include <string>
#include <string_view>

#include "show/show.h"

namespace jitcorral::show {

inline constexpr model::WallTime kStarted = 1'795'253'606'123'000'000;  // 2026-11-21T09:33:26.123Z

inline model::Session sample_session() {
  model::Session session;
  session.id = 7;
  session.started = kStarted;
  session.ended = kStarted + 1'500'000'000;
  session.command = std::string("python3");
  session.host = std::string("box");
  session.version = std::string("0.1.0");
  session.status = 139;
  return session;
}

inline model::Run sample_run(model::RunId id, std::string_view executable) {
  model::Run run;
  run.id = id;
  run.session = 7;
  run.pid = static_cast<std::uint32_t>(4700 + id);
  run.state = model::RunState::kEnded;
  run.executable = std::string(executable);
  run.isa = Isa::kX86_64;
  run.page_size = 4096;
  run.version = std::string("0.1.0");
  run.started = kStarted;
  run.ended = kStarted + 1'290'000'000;
  run.exit_code = 0;
  run.has_ring = true;
  run.counters = model::Counters{};
  return run;
}

inline void set_reaches(analyze::Report& report) {
  for (std::size_t i = 0; i < std::size(analyze::kReported); ++i) {
    const Reach& reach = kReaches[static_cast<std::size_t>(analyze::kReported[i])];
    report.reach[i].kind = reach.kind;
    report.reach[i].limit = reach.limit;
    report.reach[i].on_isa = reach.x86_64;
  }
}

// A process without JIT.
inline Shown without_jit(model::RunId id, std::string_view executable) {
  Shown shown{sample_run(id, executable), {}};
  shown.report.verdict = analyze::Verdict::kNoJit;
  shown.report.because = std::string("no JIT was at work.");
  set_reaches(shown.report);
  return shown;
}

inline Shown not_loaded(model::RunId id, std::string_view executable, std::string_view reason) {
  Shown shown{sample_run(id, executable), {}};
  shown.run.state = model::RunState::kNotLoaded;
  shown.run.reason = std::string(reason);
  shown.run.counters.reset();
  shown.run.exit_code.reset();
  shown.run.version.clear();
  shown.report.blind = {"the library was not loaded"};
  return shown;
}

// llvmlite, scattered: code and data 5.2 GiB apart, dead of SIGSEGV, three calls fell back.
inline Shown at_risk(model::RunId id) {
  Shown shown{sample_run(id, "/usr/bin/python3.11"), {}};
  model::Run& run = shown.run;
  run.mode = Mode::kScatter;
  run.exit_code.reset();
  run.signal = 11;
  run.window = model::WindowInfo{range_of(Address{0x7f39c0000000}, mib(1900)),
                                 range_of(Address{0x7f3a40000000}, mib(8)), true};
  (*run.counters)[ring::kSteered] = 12;
  (*run.counters)[ring::kFellBack] = 3;
  (*run.counters)[ring::kPassed + 5] = 48'201;
  (*run.counters)[ring::kPassed + 4] = 2;

  analyze::Report& report = shown.report;
  report.verdict = analyze::Verdict::kAtRisk;
  report.because = std::string(
      "code and data of LLVM 14.0.6 in libllvmlite.so lay 5.2 GiB apart, and delta32 binds there.");
  set_reaches(report);
  analyze::ReachUse& delta = report.reach[1];
  delta.worst = Bytes{5'583'457'485};
  delta.pairs = 66;
  delta.pairs_over = 12;
  delta.binds = Binds::kYes;
  delta.why =
      std::string("RuntimeDyld writes 32-bit deltas into .eh_frame (LLVM 14, RuntimeDyldELF.cpp)");
  delta.worst_pair = analyze::Pair{range_of(Address{0x7efcee3fe000}, kib(4)),
                                   range_of(Address{0x7efe39386000}, kib(8)), Kind::kRodata, 9};
  analyze::EngineUse engine;
  engine.role = Role::kLlvm;
  engine.name = std::string("LLVM 14.0.6 in libllvmlite.so");
  engine.module = std::string("/usr/lib/python3/dist-packages/llvmlite/binding/libllvmlite.so");
  engine.version = std::string("14.0.6");
  engine.reach = report.reach;
  engine.any_executable = true;
  engine.never_executable = 2;
  engine.never_executable_bytes = kib(8);
  for (const Kind kind : {Kind::kCode, Kind::kRodata}) {
    analyze::CallerUse caller;
    caller.module = engine.module;
    caller.symbol = std::string(
        "llvm::sys::Memory::allocateMappedMemory(unsigned long, "
        "llvm::sys::MemoryBlock const*, unsigned int, std::error_code&)");
    caller.kind = kind;
    caller.mappings = 6;
    caller.live = 5;
    caller.bytes = kib(24);
    caller.live_bytes = kib(20);
    caller.span = range_of(Address{0x7efcee3fe000}, Bytes{5'583'457'485});
    caller.steered = 6;
    caller.fell_back = kind == Kind::kCode ? 3 : 0;
    engine.callers.push_back(caller);
  }
  report.engines.push_back(engine);
  report.fallbacks.push_back({PlaceFailure::kFull, 3, mib(12), mib(4)});
  report.blind = {"2 events were dropped"};
  run.dropped = 2;
  return shown;
}

}  // namespace jitcorral::show

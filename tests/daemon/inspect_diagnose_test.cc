#include <gtest/gtest.h>

#include <algorithm>

#include "inspect/diagnosis.h"
#include "inspect_scratch.h"

namespace jitcorral::inspect {
namespace {

const Sample kCranelift{.interpreter = kGlibc,
                        .imports = {std::string(kScanHint)},
                        .text = "/r/cranelift-jit-0.116.1/src/backend.rs"};

class DiagnoseTest : public testing::Test {
 protected:
  Diagnosis of(const Sample& sample) { return diagnose({folder_.elf("program", sample)}, here_); }
  static bool has(const std::vector<Note>& notes, const std::string& id) {
    return std::any_of(notes.begin(), notes.end(), [&](const Note& n) { return n.id == id; });
  }
  // Not served, for that reason.
  void expect_obstacle(const Diagnosis& d, const std::string& id) {
    EXPECT_EQ(d.answer, Answer::kCannot) << d.because;
    EXPECT_TRUE(has(d.obstacles, id)) << id;
  }
  Binds binds(const EngineFound& engine, const std::string& reach) {
    for (const ReachNeed& need : engine.reach)
      if (need.name == reach) return need.binds;
    ADD_FAILURE() << "no " << reach;
    return Binds::kCount;
  }

  Scratch folder_;
  Surroundings here_ = folder_.surroundings();
};

TEST_F(DiagnoseTest, APlainProgramNeedsNothing) {
  const Diagnosis d = of({.interpreter = kGlibc});
  EXPECT_EQ(d.answer, Answer::kNothing);
  EXPECT_EQ(exit_status(d.answer), 0);
  EXPECT_EQ(d.libc, "glibc");
}

TEST_F(DiagnoseTest, AStrippedCraneliftHostIsServed) {
  const Diagnosis d = of(kCranelift);
  EXPECT_EQ(d.answer, Answer::kServes);
  ASSERT_EQ(d.engines.size(), 1U);
  EXPECT_EQ(d.engines[0].version, "0.116.1");
  EXPECT_TRUE(d.engines[0].allocates.starts_with("posix_memalign"));
  EXPECT_EQ(binds(d.engines[0], "delta32"), Binds::kYes);
}

TEST_F(DiagnoseTest, TheReachThatBindsIsTheIsas) {
  here_.shim = folder_.elf("shim-aarch64", {.machine = EM_AARCH64});
  Sample sample = kCranelift;
  sample.machine = EM_AARCH64;
  const Diagnosis d = of(sample);
  EXPECT_EQ(d.isa, Isa::kAarch64);
  EXPECT_EQ(binds(d.engines.at(0), "bl"), Binds::kYes);
  EXPECT_EQ(binds(d.engines.at(0), "delta32"), Binds::kNo);
}

TEST_F(DiagnoseTest, TheVersionTellsHowItAllocates) {
  Sample sample = kCranelift;
  sample.text = "/r/cranelift-jit-0.134.0/src/backend.rs";
  EXPECT_TRUE(of(sample).engines.at(0).allocates.starts_with("mmap"));
  sample.text = "wasmtime/cranelift/jit/src/backend.rs";
  EXPECT_NE(of(sample).engines.at(0).allocates.find("does not say"), std::string::npos);
}

TEST_F(DiagnoseTest, AnAllocatorOfItsOwnIsSaid) {
  Sample sample = kCranelift;
  sample.text += " <jemalloc>: x";
  EXPECT_EQ(of(sample).answer, Answer::kServes);
  EXPECT_NE(of(sample).engines[0].outcome.find("jemalloc"), std::string::npos);
  sample.text = kCranelift.text + " mimalloc: warning: ";
  EXPECT_EQ(of(sample).answer, Answer::kCannot);
  sample.text = "cranelift-jit-0.134.0/src mimalloc: warning: ";  // which maps by itself
  EXPECT_EQ(of(sample).answer, Answer::kServes);
}

TEST_F(DiagnoseTest, WhatKeepsTheLibraryOutIsNamed) {
  Sample sample = kCranelift;
  sample.interpreter = "";
  expect_obstacle(of(sample), "static-executable");
  sample.flags_1 = DF_1_PIE;
  EXPECT_EQ(of(sample).linkage, "static-pie");
  expect_obstacle(of(sample), "static-executable");
  sample = kCranelift;
  sample.machine = EM_AARCH64;
  expect_obstacle(of(sample), "other-isa");
  sample.machine = EM_RISCV;
  expect_obstacle(of(sample), "other-machine");
  sample = kCranelift;
  sample.functions = {"__tsan_init"};
  expect_obstacle(of(sample), "shadow-memory");
  here_.shim.clear();
  expect_obstacle(of(kCranelift), "no-library");
}

TEST_F(DiagnoseTest, AnObstacleWithoutAnEngineIsNoFailure) {
  EXPECT_EQ(of({}).answer, Answer::kNothing);
  EXPECT_TRUE(has(of({}).obstacles, "static-executable"));
}

TEST_F(DiagnoseTest, ADynamicAsanRuntimeWantsAVariable) {
  folder_.elf("lib/libasan.so.8", {.functions = {"__asan_init"}});
  Sample sample = kCranelift;
  sample.runpath = folder_ / "lib";
  sample.needed = {"libasan.so.8"};
  expect_obstacle(of(sample), "asan-link-order");
  here_.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0";
  EXPECT_EQ(of(sample).answer, Answer::kServes);
}

TEST_F(DiagnoseTest, ThePolicyIsTheOneInForce) {
  for (const char* mode : {"off", "observe", "exec-only", "scatter"}) {
    here_.environment["JITCORRAL_POLICY"] = mode;
    expect_obstacle(of(kCranelift), "policy");
  }
  here_.environment["JITCORRAL_POLICY"] = "auto";
  here_.environment["JITCORRAL_ONLY"] = "other";
  expect_obstacle(of(kCranelift), "only");
  here_.environment["JITCORRAL_ONLY"] = "other,prog*";
  EXPECT_EQ(of(kCranelift).answer, Answer::kServes);
  here_.environment["JITCORRAL_EXCLUDE"] = "program";
  EXPECT_EQ(of(kCranelift).answer, Answer::kCannot);
  here_.environment.erase("JITCORRAL_EXCLUDE");
  here_.disable = folder_.file("disable", "");
  expect_obstacle(of(kCranelift), "disabled");
}

TEST_F(DiagnoseTest, MisspeltVariablesAreSaid) {
  here_.environment["JITCORRAL_POLCY"] = "off";
  here_.environment["JITCORRAL_MAX"] = "many";
  const Diagnosis d = of(kCranelift);
  EXPECT_EQ(d.answer, Answer::kServes);
  EXPECT_EQ(
      std::count_if(d.will.begin(), d.will.end(), [](const Note& n) { return n.id == "config"; }),
      2);
}

TEST_F(DiagnoseTest, StaticLlvmThatTheShimOverlooksIsToBeNamed) {
  const Sample hidden{.interpreter = kGlibc, .text = "Unable to allocate section memory!"};
  const Diagnosis d = of(hidden);
  EXPECT_EQ(d.answer, Answer::kCannot);
  EXPECT_NE(d.engines.at(0).outcome.find("JITCORRAL_INCLUDE=program"), std::string::npos);
  here_.environment["JITCORRAL_INCLUDE"] = "program";
  EXPECT_EQ(of(hidden).answer, Answer::kServes);
}

TEST_F(DiagnoseTest, LlvmServesThoseThatCallItsJit) {
  folder_.elf("lib/libLLVM-14.so.1", {.soname = "libLLVM-14.so.1", .functions = {kAllocate}});
  Sample host{.interpreter = kGlibc, .runpath = folder_ / "lib", .needed = {"libLLVM-14.so.1"}};
  EXPECT_EQ(of(host).answer, Answer::kNothing);  // a compiler
  host.imports = {"LLVMCreateMCJITCompilerForModule"};
  const Diagnosis d = of(host);
  EXPECT_EQ(d.answer, Answer::kServes);
  EXPECT_EQ(d.engines.at(0).version, "14");
  EXPECT_EQ(d.engines.at(0).why_there, "needed by program");
}

TEST_F(DiagnoseTest, ALibraryThatOnlyUsesAnotherIsNoEngine) {
  folder_.elf("lib/libLLVM-14.so.1", {.soname = "libLLVM-14.so.1", .functions = {kAllocate}});
  folder_.elf("lib/libllvmlite.so", {.needed = {"libLLVM-14.so.1"}, .imports = {"LLVMOrcX"}});
  const Diagnosis d =
      of({.interpreter = kGlibc, .rpath = folder_ / "lib", .needed = {"libllvmlite.so"}});
  ASSERT_EQ(d.engines.size(), 1U);
  EXPECT_TRUE(d.engines[0].module.ends_with("libLLVM-14.so.1"));
}

TEST_F(DiagnoseTest, APythonWithLlvmliteMayBeServed) {
  const std::string python = folder_.elf("usr/bin/python3.11", {.interpreter = kGlibc});
  folder_.elf("usr/lib/python3/dist-packages/llvmlite/binding/libllvmlite.so", {});
  EXPECT_EQ(diagnose({python}, here_).answer, Answer::kMayServe);
  const Diagnosis d = diagnose({python, "-c", "import numba"}, here_);
  EXPECT_EQ(d.answer, Answer::kServes);
  EXPECT_TRUE(has(d.limits, "interpreter"));
  EXPECT_EQ(diagnose({python, "-c", "import tvm"}, here_).answer, Answer::kMayServe);
  std::filesystem::remove_all(folder_ / "usr/lib");
  EXPECT_EQ(diagnose({python, "-c", "import numba"}, here_).answer, Answer::kUnknown);
  EXPECT_EQ(diagnose({python, "-c", "import sys"}, here_).answer, Answer::kNothing);
}

TEST_F(DiagnoseTest, ShellScriptsAreUnknown) {
  folder_.elf("bin/bash", {.interpreter = kGlibc});
  const std::string script = folder_.file("s", "#!" + (folder_ / "bin/bash") + "\nprogram\n", 0755);
  const Diagnosis d = diagnose({script}, here_);
  EXPECT_EQ(d.answer, Answer::kUnknown);
  EXPECT_EQ(exit_status(d.answer), 4);
  EXPECT_EQ(diagnose({folder_ / "bin/bash"}, here_).answer, Answer::kNothing);
}

TEST_F(DiagnoseTest, MissingLibrariesMakeItUnknown) {
  EXPECT_EQ(of({.interpreter = kGlibc, .needed = {"libnowhere.so"}}).answer, Answer::kUnknown);
}

TEST_F(DiagnoseTest, WhatCannotBeSeenIsNamed) {
  EXPECT_TRUE(has(of({.interpreter = kGlibc, .imports = {"dlopen"}}).limits, "deepbind"));
  EXPECT_TRUE(has(of({.interpreter = kGlibc, .imports = {"dlmopen"}}).limits, "dlmopen"));
  EXPECT_TRUE(has(of({.interpreter = kGlibc, .text = "LD_PRELOAD"}).limits, "names-preload"));
  EXPECT_TRUE(has(of({.interpreter = "/lib/ld-musl-x86_64.so.1"}).limits, "musl"));
  const std::string map("\xb8\x09\x00\x00\x00\x0f\x05", 7);
  EXPECT_TRUE(has(of({.interpreter = kGlibc, .code = map}).limits, "inline-system-calls"));
}

TEST_F(DiagnoseTest, EnginesThatLookAfterThemselvesAreLeftAlone) {
  const std::string node = folder_.elf("node", {.interpreter = kGlibc});
  const Diagnosis d = diagnose({node}, here_);
  EXPECT_EQ(d.answer, Answer::kNothing);
  ASSERT_EQ(d.independent.size(), 1U);
  const Diagnosis wasmtime = of({.interpreter = kGlibc, .text = "wasmtime-environ-25.0.1/src"});
  EXPECT_EQ(wasmtime.answer, Answer::kNothing);
  EXPECT_EQ(wasmtime.independent.size(), 1U);
}

TEST_F(DiagnoseTest, DamagedExecutablesEndInOneLine) {
  const std::string whole = elf_bytes(kCranelift);
  for (std::size_t size = 4; size < whole.size(); ++size) {
    try {
      diagnose({folder_.file("cut", whole.substr(0, size), 0755)}, here_);
      ADD_FAILURE() << size;
    } catch (const CannotStart& error) {
      ASSERT_EQ(error.status(), kCannotRun) << size;
      ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace jitcorral::inspect

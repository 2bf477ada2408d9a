#include "analyze/engines.h"

#include <gtest/gtest.h>

#include "analyze_record.h"

namespace jitcorral::analyze {
namespace {

constexpr std::uint64_t kLow = 0x7f0000000000;

const CallerUse* row(const EngineUse& engine, Kind kind) {
  for (const CallerUse& c : engine.callers)
    if (c.kind == kind) return &c;
  return nullptr;
}

TEST(EnginesTest, AMappingCountsOnceForEachKindThatItsPiecesBecame) {
  Recording r;
  const std::uint32_t by = r.llvm();
  for (std::uint64_t i = 0; i < 3; ++i) {
    const std::uint64_t at = kLow + i * 0x10000;
    r.map(by, at, 0x6000);
    r.protect(at, 0x1000, kReadExec);
    r.protect(at + 0x1000, 0x1000, kReadExec);
    r.protect(at + 0x2000, 0x1000, kRead);
  }
  r.add(Call::kUnmap, kLow, 0x6000);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 1U);
  const EngineUse& engine = report.engines[0];
  ASSERT_EQ(engine.callers.size(), 3U);
  const CallerUse* code = row(engine, Kind::kCode);
  ASSERT_NE(code, nullptr);
  EXPECT_EQ(code->mappings, 3U);
  EXPECT_EQ(code->live, 2U);
  EXPECT_EQ(code->bytes.count, 0x6000U);
  EXPECT_EQ(code->live_bytes.count, 0x4000U);
  EXPECT_EQ(code->steered, 3U);
  EXPECT_EQ(code->span, (AddressRange{{kLow}, {kLow + 0x22000}}));
  EXPECT_EQ(row(engine, Kind::kRodata)->bytes.count, 0x3000U);
  EXPECT_EQ(row(engine, Kind::kRwdata)->bytes.count, 0x9000U);
}

TEST(EnginesTest, MemoryThatWasNeverAccessibleIsOfNoKind) {
  Recording r;
  r.map(r.site(Role::kArena, "/lib/libtvm_ffi.so"), kLow, 0x10000, Outcome::kSteered, 0);
  EXPECT_NE(row(r.analysed().engines[0], Kind::kUnknown), nullptr);
}

TEST(EnginesTest, BytesThatMoveCountOnce) {
  Recording r;
  r.map(r.llvm(), kLow, 0x4000);
  r.move(kLow, 0x4000, kLow + 0x100000, 0x4000);
  const Report report = r.analysed();
  const CallerUse* data = row(report.engines[0], Kind::kRwdata);
  EXPECT_EQ(data->mappings, 1U);
  EXPECT_EQ(data->bytes.count, 0x4000U);
  EXPECT_EQ(data->live, 1U);
  EXPECT_EQ(data->span.size().count, 0x104000U);
}

TEST(EnginesTest, GarbageCollectedHeapsAreCountedButAreNoPair) {
  Recording r;
  const std::uint32_t julia = r.site(Role::kJulia, "/usr/lib/libjulia.so.1.5.3", "1.5.3");
  r.code_and_data(julia, 0x10000, kLow);
  r.pass(julia, 0x10000000, 0x4004000, PassReason::kSignature);
  const Report report = r.analysed();
  EXPECT_EQ(report.reach[kDelta].pairs, 1U);
  EXPECT_EQ(report.reach[kDelta].worst->count, 0x10fffU);
  EXPECT_EQ(row(report.engines[0], Kind::kRwdata)->passed, 1U);
  EXPECT_EQ(report.verdict, Verdict::kWithinReach);
}

TEST(EnginesTest, APassedMappingOfAnEngineThatBecomesCodeIsAPair) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.code_and_data(by, 0x10000, kLow);
  r.pass(by, 0x10000000, 0x1000, PassReason::kSignature);
  r.protect(0x10000000, 0x1000, kReadExec);
  EXPECT_EQ(r.analysed().reach[kDelta].pairs, 3U);
}

TEST(EnginesTest, UnderObserveOrdinaryCallersAreNoEngines) {
  Recording r;
  const std::uint32_t python = r.site(Role::kNone, "/usr/bin/python3");
  const std::uint32_t by = r.llvm();
  for (std::uint64_t i = 0; i < 50; ++i)
    r.pass(python, 0x10000000 + i * 0x100000, 0x100000, PassReason::kCaller);
  r.code_and_data(by, 0x10000, kLow, Outcome::kWouldSteer);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 1U);
  EXPECT_EQ(report.engines[0].name, "LLVM 14.0.6 in libllvmlite.so");
  EXPECT_EQ(row(report.engines[0], Kind::kCode)->would_steer, 1U);
  EXPECT_EQ(report.reach[kDelta].pairs, 1U);
}

TEST(EnginesTest, AnOrdinaryCallerWithExecutableMemoryIsAnEngineOfThatMemoryOnly) {
  Recording r;
  const std::uint32_t ffi = r.site(Role::kNone, "/lib/x86_64-linux-gnu/libffi.so.8");
  r.pass(ffi, kLow, 0x1000, PassReason::kCaller, kReadWriteExec);
  r.pass(ffi, 0x10000000, 0x1000, PassReason::kCaller, kReadWriteExec);
  r.pass(ffi, 0x20000000, 0x1000, PassReason::kCaller, kReadWrite);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 1U);
  EXPECT_EQ(report.engines[0].name, "libffi.so.8");
  EXPECT_EQ(report.engines[0].reach[kDelta].pairs, 1U);
  EXPECT_EQ(report.engines[0].reach[kDelta].pairs_over, 1U);
  EXPECT_EQ(report.engines[0].reach[kDelta].binds, Binds::kNo);
  EXPECT_EQ(report.verdict, Verdict::kWithinReach) << report.because;
}

TEST(EnginesTest, FilesThatALoaderMapsAreNoJit) {
  Recording r;
  const std::uint32_t loader = r.site(Role::kNone, "/opt/loader.so");
  r.pass(loader, kLow, 0x1000, PassReason::kFile, kReadExec).flags = 0x2;
  EXPECT_EQ(r.analysed().verdict, Verdict::kNoJit);
  r.pass(loader, kLow + 0x10000, 0x1000, PassReason::kFile, kReadExec).flags = 0x1;  // a memfd
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
}

TEST(EnginesTest, WhatAChildUnmapsFirstWasStillThereTogetherAtTheFork) {
  Recording parent, child;
  parent.code_and_data(parent.llvm(), gib(5).count, 0x10000000);
  child.record.parent = &parent.record;
  child.record.run.parent = 1;
  child.record.run.fork_time = 1000;
  child.add(Call::kUnmap, 0x10000000, 0x1000);
  const Report report = child.analysed();
  EXPECT_EQ(report.reach[kDelta].pairs_over, 1U);
  EXPECT_EQ(report.verdict, Verdict::kAtRisk);
}

TEST(EnginesTest, MappingsOfTwoEnginesAreNoPair) {
  Recording r;
  r.code_and_data(r.llvm(), 0x10000, kLow);
  r.code_and_data(r.site(Role::kCranelift, "/opt/libcranelift_host.so", "0.116.1"), 0x10000,
                  0x10000000);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 2U);
  EXPECT_EQ(report.reach[kDelta].pairs, 2U);
  EXPECT_EQ(report.reach[kDelta].pairs_over, 0U);
  EXPECT_EQ(report.reach[kDelta].binds, Binds::kYes) << "the strongest of both";
}

TEST(EnginesTest, ACallerThatWasLearnedLaterIsOneEngine) {
  Recording r;
  const std::uint32_t before = r.site(Role::kNone, "/opt/jit.so");
  const std::uint32_t after = r.site(Role::kLearned, "/opt/jit.so");
  r.pass(before, kLow, 0x1000, PassReason::kCaller);
  r.protect(kLow, 0x1000, kReadExec);
  r.map(after, kLow + 0x10000, 0x1000);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 1U);
  EXPECT_EQ(report.engines[0].role, Role::kLearned);
  EXPECT_EQ(report.engines[0].reach[kDelta].pairs, 1U);
}

TEST(EnginesTest, SteeredMemoryOfAnUnknownCallerIsAJits) {
  Recording r;
  r.map(0, kLow, 0x1000);
  const Report report = r.analysed();
  ASSERT_EQ(report.engines.size(), 1U);
  EXPECT_EQ(report.engines[0].name, "an unknown caller");
}

TEST(EnginesTest, EnginesWithMostMappingsComeFirst) {
  Recording r;
  r.map(r.site(Role::kLlvm, "/a.so"), kLow, 0x1000);
  const std::uint32_t many = r.site(Role::kLlvm, "/b.so");
  for (std::uint64_t i = 1; i < 4; ++i) r.map(many, kLow + i * 0x10000, 0x1000);
  EXPECT_EQ(r.analysed().engines.front().module, "/b.so");
}

TEST(EnginesTest, KnownDataIsNotMissedAsCode) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.code_and_data(by, 0x10000, kLow);  // its data: not known to be data
  std::uint64_t at = kLow + 0x20000;
  for (const Kind known : {Kind::kRodata, Kind::kRwdata}) {
    Event& data = r.map(by, at += 0x1000, 0x1000);
    data.prot_kind = static_cast<std::uint8_t>(data.prot_kind | static_cast<int>(known) << 4);
  }
  r.map(by, kLow + 0x30000, 0x1000);
  r.protect(kLow + 0x30000, 0x1000, kRead);
  const EngineUse engine = r.analysed().engines[0];
  EXPECT_TRUE(engine.any_executable);
  EXPECT_EQ(engine.never_executable, 1U);
  EXPECT_EQ(engine.never_executable_bytes.count, 0x1000U);
}

TEST(EnginesTest, SymbolsAreDemangledIfTheyCanBe) {
  EXPECT_EQ(demangled("_ZN4llvm3sys6Memory20allocateMappedMemoryEmj"),
            "llvm::sys::Memory::allocateMappedMemory(unsigned long, unsigned int)");
  EXPECT_EQ(demangled("_RNvC5alloc5alloc"), "_RNvC5alloc5alloc");
  EXPECT_EQ(demangled("mmap"), "mmap");
  EXPECT_EQ(demangled("_Z"), "_Z");
  EXPECT_EQ(demangled("_Z" + std::string(100000, 'P') + "v").size(), 100003U);
}

TEST(EnginesTest, ReachesOfTheOtherIsaAreMarked) {
  Recording x86, arm(Isa::kAarch64);
  x86.code_and_data(x86.llvm(), 0x10000);
  arm.code_and_data(arm.llvm(), 0x10000);
  EXPECT_FALSE(x86.analysed().reach[kAdrpPages].on_isa);
  EXPECT_TRUE(x86.analysed().reach[kDelta].on_isa);
  for (const ReachUse& reach : arm.analysed().reach) EXPECT_TRUE(reach.on_isa);
  EXPECT_EQ(arm.analysed().reach[kBl].limit, mib(128) - Bytes{4});
}

}  // namespace
}  // namespace jitcorral::analyze

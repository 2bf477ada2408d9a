// Records that nobody's shim wrote: the analysis ends, soon, and says that something is wrong.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "analyze/verdict.h"
#include "analyze_record.h"

namespace jitcorral::analyze {
namespace {

void expect_sane(const Report& report) {
  EXPECT_LT(report.verdict, Verdict::kCount);
  EXPECT_FALSE(report.because.empty());
  for (const ReachUse& reach : report.reach) {
    EXPECT_LE(reach.pairs_over, reach.pairs);
    EXPECT_EQ(reach.worst.has_value(), reach.pairs > 0);
  }
}

TEST(HostileTest, RandomBytesAreNoEvents) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random(seed);
    Recording r(seed % 2 == 0 ? Isa::kX86_64 : Isa::kAarch64);
    for (int i = 0; i < 2000; ++i) {
      std::uint64_t words[8];
      for (std::uint64_t& w : words) w = random();
      Event e;
      std::memcpy(&e, words, sizeof e);
      r.record.events.push_back(e);
    }
    const Report report = r.analysed();
    expect_sane(report);
    EXPECT_TRUE(report.verdict == Verdict::kUnknown || report.verdict == Verdict::kAtRisk);
  }
}

TEST(HostileTest, PlausibleNonsenseIsCountedWithoutHarm) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    Recording r(seed % 2 == 0 ? Isa::kX86_64 : Isa::kAarch64);
    for (int i = 0; i < 6; ++i)
      r.site(static_cast<Role>(random() % 8), "/lib/m" + std::to_string(random() % 3), "1.2");
    for (int i = 0; i < 3000; ++i) {
      Event e{};
      e.ticket = random() % 4000;
      e.time = random() % 4000;
      e.address = random() % 8 == 0 ? random() >> 8 : 0x1000 * (random() % 2000);
      e.length = random() % 8 == 0 ? random() >> (8 + random() % 50) : 0x1000 * (random() % 20);
      e.other = random() % 3 == 0 ? random() : 0x1000 * (random() % 2000);
      e.site = static_cast<std::uint32_t>(8 + random() % 8);
      e.call = static_cast<Call>(random() % static_cast<unsigned>(Call::kCount));
      if (e.call == Call::kCancel) e.other = random() % 4000;
      e.outcome = static_cast<Outcome>(random() % static_cast<unsigned>(Outcome::kCount));
      e.reason = static_cast<std::uint8_t>(random() % 12);
      e.prot_kind = static_cast<std::uint8_t>(random() % 0x50);
      e.flags = kPrivateAnonymous;
      if (is_plausible(e)) r.record.events.push_back(e);
    }
    Recording child = r;
    child.record.parent = &r.record;
    child.record.run.fork_time = 2000;
    expect_sane(r.analysed());
    expect_sane(child.analysed());
  }
}

TEST(HostileTest, RangesAtBothEndsOfTheAddressSpace) {
  Recording r;
  const std::uint32_t by = r.llvm();
  constexpr std::uint64_t kEnd = (1ULL << 56) - 1;
  r.map(by, 0, kEnd, Outcome::kSteered, kReadWriteExec);
  r.map(by, kEnd, kEnd, Outcome::kSteered, kReadWriteExec);
  r.protect(0, kEnd, kRead);
  r.move(kEnd, kEnd, 0, kEnd);
  r.map(by, 0x1000, 0);
  r.protect(0x1000, 0, kReadExec);
  r.add(Call::kUnmap, 0x1000, 0);
  r.add(Call::kUnmap, kEnd, kEnd);
  expect_sane(r.analysed());
}

TEST(HostileTest, AMoveWithoutBeginningIsAMapping) {
  Recording r;
  Event& e = r.add(Call::kMoveTo, 0x10000, 0x1000, Outcome::kSteered, kReadWrite);
  e.site = r.llvm();
  e.other = ~0ULL;
  EXPECT_EQ(r.analysed().engines.size(), 1U);
}

TEST(HostileTest, ManyPiecesProtectedOverAndOverDoNotHangTheReader) {
  Recording r;
  const std::uint32_t by = r.llvm();
  constexpr std::uint64_t kPieces = 20000;
  for (std::uint64_t i = 0; i < kPieces; ++i) r.map(by, i * 0x2000, 0x1000);
  for (int i = 0; i < 20000; ++i) r.protect(0, kPieces * 0x2000, kReadWrite);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kUnknown);
  EXPECT_NE(report.because.find("could not be followed"), std::string::npos);
}

TEST(HostileTest, AnArenaThatIsToggledPieceByPieceIsFollowed) {
  Recording r;
  const std::uint32_t by = r.site(Role::kArena, "/lib/libtvm_ffi.so");
  constexpr std::uint64_t kPages = 4096;
  r.map(by, 0x10000000, kPages * 0x1000, Outcome::kSteered, 0);
  for (std::uint64_t i = 0; i < kPages; ++i) r.protect(0x10000000 + i * 0x1000, 0x1000, kReadExec);
  for (int i = 0; i < 1000; ++i) r.protect(0x10000000, kPages * 0x1000, i % 2 == 0 ? 3 : 5);
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach) << r.analysed().because;
}

}  // namespace
}  // namespace jitcorral::analyze

#include "analyze/placements.h"

#include <gtest/gtest.h>

#include "analyze_record.h"

namespace jitcorral::analyze {
namespace {

constexpr std::uint64_t kAt = 0x7f0000000000;

Placements of(const Recording& r) {
  return placements_of(r.record, analyse(r.record));
}

TEST(Placements, EachHasItsTimeItsOwnerAndWhatItBecame) {
  Recording r;
  const std::uint32_t llvm = r.llvm();
  r.code_and_data(llvm, 0x10000);              // tickets 0, 1, 2
  r.add(Call::kUnmap, kAt + 0x10000, 0x1000);  // 3
  const Placements all = of(r);
  ASSERT_EQ(all.all.size(), 2U);
  EXPECT_EQ(all.all[0].range.begin.value, kAt);
  EXPECT_EQ(all.all[0].kind, Kind::kCode);
  EXPECT_EQ(all.all[0].born, 0U);
  EXPECT_EQ(all.all[0].died, std::nullopt);
  EXPECT_EQ(all.all[0].engine, 0);
  EXPECT_TRUE(all.all[0].of_jit);
  EXPECT_EQ(all.all[1].born, 2U);
  EXPECT_EQ(all.all[1].died, 3U);
  EXPECT_EQ(all.callers[all.all[1].caller].module, "/usr/lib/libllvmlite.so");
}

TEST(Placements, TheFarthestDistanceComesAndGoesWithThePair) {
  Recording r;
  const std::uint32_t llvm = r.llvm();
  r.code_and_data(llvm, 0x10000);
  r.map(llvm, kAt + (5ULL << 30), 0x1000);          // 3
  r.add(Call::kUnmap, kAt + (5ULL << 30), 0x1000);  // 4
  const Placements all = of(r);
  ASSERT_EQ(all.farthest.size(), 3U);  // none while the code was alone
  EXPECT_EQ(all.farthest[0].distance, Bytes{0x10fff});
  EXPECT_EQ(all.farthest[1].distance, Bytes{(5ULL << 30) + 0xfff});
  EXPECT_EQ(all.farthest[1].since, 3U);
  EXPECT_EQ(all.farthest[2].distance, Bytes{0x10fff});
  EXPECT_EQ(*all.farthest[1].distance, *analyse(r.record).reach[kDelta].worst);
}

TEST(Placements, CallsThatTheKernelRefusedShiftNothing) {
  Recording r;
  const std::uint32_t llvm = r.llvm();
  r.map(llvm, kAt, 0x1000);           // 0
  r.add(Call::kUnmap, kAt, 0x1000);   // 1, cancelled
  r.cancel(1);                        // 2
  r.map(llvm, kAt + 0x4000, 0x1000);  // 3
  r.add(Call::kUnmap, kAt, 0x1000);   // 4
  const Placements all = of(r);
  ASSERT_EQ(all.all.size(), 2U);
  EXPECT_EQ(all.all[0].died, 4U);
  EXPECT_EQ(all.all[1].born, 3U);
}

TEST(Placements, AForkedChildHasItsParentsFromTheBeginning) {
  Recording parent;
  parent.code_and_data(parent.llvm(), 0x10000);
  Recording child;
  child.record.parent = &parent.record;
  child.record.run.fork_time = 1000;
  const std::uint32_t llvm = child.llvm();
  child.map(llvm, kAt + 0x4000, 0x1000);
  const Placements all = of(child);
  ASSERT_EQ(all.all.size(), 3U);
  EXPECT_EQ(all.all[0].born, std::nullopt);
  EXPECT_EQ(all.all[2].born, 0U);
  EXPECT_EQ(all.farthest.front().since, std::nullopt);
}

TEST(Placements, TheCallerOfARangeIsFound) {
  Recording r;
  r.code_and_data(r.site(Role::kLlvm, "/lib/a.so", "14", "_ZN4llvm3fooEv"), 0x10000);
  const Placements all = of(r);
  const Caller* caller = caller_of(all, range_of(Address{kAt}, Bytes{0x1000}));
  ASSERT_NE(caller, nullptr);
  EXPECT_EQ(caller->symbol, "_ZN4llvm3fooEv");
  EXPECT_EQ(caller_of(all, range_of(Address{kAt}, Bytes{0x2000})), nullptr);
}

}  // namespace
}  // namespace jitcorral::analyze

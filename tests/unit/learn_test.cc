// What the learner makes of the lives of earlier mappings.
#include "learn.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace jitcorral {
namespace {

constexpr int kRead = PROT_READ;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kReadExec = PROT_READ | PROT_EXEC;

PageRun run_of(std::uint32_t first, std::uint32_t length) {
  return {{first}, {length}};
}

class LearnerTest : public testing::Test {
 protected:
  std::uint16_t slot() { return learner_.slot_for(++fingerprint_ * 977); }
  PageRun place(std::uint16_t slot, std::uint32_t length = 4) {
    const PageRun run = run_of(next_page_, length);
    next_page_ += length;
    learner_.placed(slot, run);
    return run;
  }
  void live(std::uint16_t slot, int prot, int times = 1) {
    for (int i = 0; i < times; ++i) learner_.protected_as(place(slot), prot);
  }
  static std::unique_ptr<Learner> made() { return std::make_unique<Learner>(); }

  const std::unique_ptr<Learner> owned_ = made();
  Learner& learner_ = *owned_;
  std::uint64_t fingerprint_ = 0;
  std::uint32_t next_page_ = 0;
};

TEST_F(LearnerTest, NothingIsKnownOfTheFirstMapping) {
  EXPECT_EQ(learner_.kind_of(slot()), Kind::kUnknown);
  EXPECT_EQ(learner_.kind_of(Learner::kNoSlot), Kind::kUnknown);
  EXPECT_FALSE(learner_.is_mostly_data(Learner::kNoSlot));
}

TEST_F(LearnerTest, SameFingerprintIsTheSameSlotAndOthersAreNot) {
  const std::uint16_t a = learner_.slot_for(77);
  EXPECT_EQ(learner_.slot_for(77), a);
  EXPECT_NE(learner_.slot_for(78), a);
  EXPECT_NE(learner_.slot_for(77 + 1024), a);
  EXPECT_EQ(learner_.slot_for(77 + 1024), learner_.slot_for(77 + 1024));
}

TEST_F(LearnerTest, WhatBecameExecutableIsCode) {
  const std::uint16_t s = slot();
  live(s, kReadExec);
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
}

TEST_F(LearnerTest, WhatBecameReadOnlyIsRodata) {
  const std::uint16_t s = slot();
  live(s, kRead);
  EXPECT_EQ(learner_.kind_of(s), Kind::kRodata);
}

// cranelift-jit and MCJIT map every block of a module before they protect the first.
TEST_F(LearnerTest, SilenceSaysNothingBeforeAnybodyBecameCode) {
  const std::uint16_t s = slot();
  for (int i = 0; i < 5000; ++i) place(s);
  EXPECT_EQ(learner_.kind_of(s), Kind::kUnknown);
}

TEST_F(LearnerTest, WhatStaysSilentWhileEightOthersBecomeCodeIsRwdata) {
  const std::uint16_t s = slot(), code = slot();
  for (int i = 0; i < 8; ++i) {
    place(s);
    EXPECT_EQ(learner_.kind_of(s), Kind::kUnknown);
    live(code, kReadExec);
  }
  place(s);
  EXPECT_EQ(learner_.kind_of(s), Kind::kRwdata);
  EXPECT_EQ(learner_.kind_of(code), Kind::kCode);
}

// A module of thousands of blocks is protected as a whole, long after its first were mapped.
TEST_F(LearnerTest, CallPathWhoseBlocksAreAllOldIsLearnedWhenTheyAreProtected) {
  const std::uint16_t data = slot(), code = slot();
  std::vector<PageRun> constants, functions;
  for (int i = 0; i < 200; ++i) constants.push_back(place(data));
  for (int i = 0; i < 500; ++i) functions.push_back(place(code));
  for (const PageRun& run : functions) learner_.protected_as(run, kReadExec);
  EXPECT_EQ(learner_.kind_of(code), Kind::kCode);
  EXPECT_EQ(learner_.kind_of(data), Kind::kUnknown);
  for (const PageRun& run : constants) learner_.protected_as(run, kRead);
  EXPECT_EQ(learner_.kind_of(data), Kind::kRodata);
}

TEST_F(LearnerTest, OldBlockWhosePagesWereReusedDoesNotVote) {
  const std::uint16_t data = slot(), code = slot();
  learner_.placed(data, run_of(7000, 4));
  for (int i = 0; i < 100; ++i) place(data);
  learner_.placed(code, run_of(7000, 4));
  for (int i = 0; i < 100; ++i) place(code);
  learner_.protected_as(run_of(7000, 4), kReadExec);
  EXPECT_EQ(learner_.kind_of(data), Kind::kUnknown);
}

TEST_F(LearnerTest, NamesOnTheCallPathWinOverWhatIsLearned) {
  const std::uint16_t s = slot();
  EXPECT_FALSE(learner_.is_named(s));
  learner_.name(s, Kind::kCode);
  EXPECT_TRUE(learner_.is_named(s));
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
  live(s, kRead, 3);
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
}

TEST_F(LearnerTest, NamesThatSayNothingLeaveItToLearning) {
  const std::uint16_t s = slot();
  learner_.name(s, Kind::kUnknown);
  EXPECT_TRUE(learner_.is_named(s));
  EXPECT_EQ(learner_.kind_of(s), Kind::kUnknown);
  live(s, kReadExec);
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
  learner_.name(Learner::kNoSlot, Kind::kCode);
  EXPECT_FALSE(learner_.is_named(Learner::kNoSlot));
}

TEST_F(LearnerTest, WhatBecameBothIsMixed) {
  const std::uint16_t s = slot();
  live(s, kReadExec);
  live(s, kRead, 2);
  EXPECT_EQ(learner_.kind_of(s), Kind::kMixed);
}

TEST_F(LearnerTest, WritableAndNoneSayNothing) {
  const std::uint16_t s = slot();
  const PageRun run = place(s);
  learner_.protected_as(run, kReadWrite);
  learner_.protected_as(run, PROT_NONE);
  learner_.protected_as(run, PROT_WRITE);
  EXPECT_EQ(learner_.kind_of(s), Kind::kUnknown);
  learner_.protected_as(run, kReadWrite | PROT_EXEC);
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
}

TEST_F(LearnerTest, OnlyOverlappingMappingsLearn) {
  const std::uint16_t before = slot(), hit = slot(), after = slot();
  learner_.placed(before, run_of(10, 10));
  learner_.placed(hit, run_of(20, 10));
  learner_.placed(after, run_of(30, 10));
  learner_.protected_as(run_of(29, 1), kReadExec);
  learner_.protected_as(run_of(20, 1), kReadExec);
  EXPECT_EQ(learner_.kind_of(before), Kind::kUnknown);
  EXPECT_EQ(learner_.kind_of(hit), Kind::kCode);
  EXPECT_EQ(learner_.kind_of(after), Kind::kUnknown);
}

TEST_F(LearnerTest, LastPageOfTheLargestWindowIsLearned) {
  const std::uint16_t s = slot();
  learner_.placed(s, run_of(PageMap::kMaxPages - 1, 1));
  learner_.protected_as(run_of(PageMap::kMaxPages - 1, 1), kReadExec);
  EXPECT_EQ(learner_.kind_of(s), Kind::kCode);
  const std::uint16_t whole = slot();
  learner_.placed(whole, run_of(0, PageMap::kMaxPages));
  learner_.protected_as(run_of(PageMap::kMaxPages / 2, 1), kReadExec);
  EXPECT_EQ(learner_.kind_of(whole), Kind::kCode);
}

// First fit gives freed pages to the next mapping at once: the usual case, not a rare one.
TEST_F(LearnerTest, ProtectingReusedPagesSaysNothingOfTheirFormerOwner) {
  const std::uint16_t data = slot(), code = slot();
  learner_.placed(data, run_of(100, 4));
  learner_.placed(code, run_of(100, 4));
  learner_.protected_as(run_of(100, 4), kReadExec);
  EXPECT_EQ(learner_.kind_of(code), Kind::kCode);
  EXPECT_EQ(learner_.kind_of(data), Kind::kUnknown);
}

TEST_F(LearnerTest, DataAmongFewCodeIsMostlyData) {
  const std::uint16_t s = slot();
  live(s, kReadExec);
  for (int i = 0; i < 30; ++i) place(s);
  EXPECT_FALSE(learner_.is_mostly_data(s));  // not a fair trial yet
  place(s);
  EXPECT_TRUE(learner_.is_mostly_data(s));
}

TEST_F(LearnerTest, HalfCodeIsNotMostlyData) {
  const std::uint16_t s = slot();
  for (int i = 0; i < 40; ++i) {
    live(s, kReadExec);
    place(s);
  }
  EXPECT_FALSE(learner_.is_mostly_data(s));
}

// A block that is made writable and executable in turns is still one block that became code.
TEST_F(LearnerTest, BlockThatIsProtectedOftenCountsOnce) {
  const std::uint16_t s = slot();
  const PageRun code = place(s);
  for (int i = 0; i < 100; ++i) {
    learner_.protected_as(code, kReadWrite);
    learner_.protected_as(code, kReadExec);
  }
  for (int i = 0; i < 99; ++i) place(s);
  EXPECT_TRUE(learner_.is_mostly_data(s)) << "1 of 100 mappings became code";
}

TEST_F(LearnerTest, FullTableGivesNoSlotAndKeepsTheOld) {
  const std::uint16_t first = learner_.slot_for(1);
  int full = 0;
  for (std::uint64_t f = 1; f <= 1024 * 3; ++f)
    if (learner_.slot_for(f) == Learner::kNoSlot) ++full;
  EXPECT_EQ(full, 1024 * 2);
  EXPECT_EQ(learner_.slot_for(1), first);
  EXPECT_EQ(learner_.slot_for(0), Learner::kNoSlot);
  learner_.placed(Learner::kNoSlot, run_of(0, 1));
  learner_.protected_as(run_of(0, 1), kReadExec);
  EXPECT_EQ(learner_.kind_of(first), Kind::kUnknown);
}

AddressRange at(std::uint64_t begin, std::uint64_t end) {
  return {{begin}, {end}};
}

TEST(SuspectsTest, AddressInsideIsFoundAndItsNeighboursAreNot) {
  const auto suspects = std::make_unique<Suspects>();
  int a = 0, b = 0;
  suspects->mapped(at(0x1000, 0x3000), &a);
  suspects->mapped(at(0x3000, 0x4000), &b);
  EXPECT_EQ(suspects->site_of({0xfff}), nullptr);
  EXPECT_EQ(suspects->site_of({0x1000}), &a);
  EXPECT_EQ(suspects->site_of({0x2fff}), &a);
  EXPECT_EQ(suspects->site_of({0x3000}), &b);
  EXPECT_EQ(suspects->site_of({0x4000}), nullptr);
  EXPECT_EQ(suspects->site_of({0}), nullptr);
}

TEST(SuspectsTest, TheLatest64AreKept) {
  const auto suspects = std::make_unique<Suspects>();
  int sites[65] = {};
  for (std::uint64_t i = 0; i < 65; ++i)
    suspects->mapped(at(0x1000 * (i + 1), 0x1000 * (i + 2)), &sites[i]);
  EXPECT_EQ(suspects->site_of({0x1000}), nullptr);
  for (std::uint64_t i = 1; i < 65; ++i)
    EXPECT_EQ(suspects->site_of({0x1000 * (i + 1)}), &sites[i]);
}

TEST(SuspectsTest, TheLatestMappingOfAnAddressIsWhoseItIs) {
  const auto suspects = std::make_unique<Suspects>();
  int before = 0, now = 0;
  suspects->mapped(at(0x1000, 0x3000), &before);
  suspects->mapped(at(0x1000, 0x2000), &now);
  EXPECT_EQ(suspects->site_of({0x1000}), &now);
}

TEST(Suspects, ForgetWhoseAddressesAnotherGot) {
  // CPython unmapped its arena, and LLVM's code came to lie there: CPython is no JIT.
  Suspects suspects;
  const int site = 0, other = 0;
  suspects.mapped({Address{0x10000}, Address{0x50000}}, &site);
  suspects.mapped({Address{0x90000}, Address{0xa0000}}, &other);
  suspects.forget({Address{0x20000}, Address{0x21000}});
  EXPECT_EQ(suspects.site_of(Address{0x20000}), nullptr);
  EXPECT_EQ(suspects.site_of(Address{0x10000}), nullptr);
  EXPECT_EQ(suspects.site_of(Address{0x90000}), &other);
}

}  // namespace
}  // namespace jitcorral

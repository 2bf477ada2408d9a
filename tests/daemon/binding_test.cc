#include "jitcorral/binding.h"

#include <gtest/gtest.h>

#include <set>

namespace jitcorral {
namespace {

constexpr auto kDelta32 = ReachKind::kDelta32;
constexpr auto kBranch26 = ReachKind::kBranch26;
constexpr auto kAdrp = ReachKind::kAdrp;
constexpr auto kX86 = Isa::kX86_64;
constexpr auto kArm = Isa::kAarch64;

constexpr Binds binds(Role role, std::string_view version, Isa isa, ReachKind reach,
                      std::string_view module = "/lib/libx.so") {
  return binding_of(role, module, version, isa, reach).binds;
}

static_assert(compare_versions("0.9", "0.127") < 0, "numbers, not texts");
static_assert(compare_versions("0.127", "0.127.0") == 0 &&
              compare_versions("0.127.1", "0.127") > 0);
static_assert(compare_versions("14.0.6", "14") > 0 && compare_versions("", "") == 0);
static_assert(compare_versions("99999999999999999999999999", "3") > 0, "saturates");

TEST(BindingTest, LlvmOnX86MayBindSinceItsCodeModelIsNotSeen) {
  // llvmlite's jitdefault is the large model: healthy with code and data 15 GB apart.
  EXPECT_EQ(binds(Role::kLlvm, "14.0.6", kX86, kDelta32, "libllvmlite.so"), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kLlvm, "", kX86, kDelta32, "libLLVM-14.so.1"), Binds::kMaybe);
}

TEST(BindingTest, LlvmOnAarch64BindsByAdrp) {
  EXPECT_EQ(binds(Role::kLlvm, "14.0.6", kArm, kAdrp), Binds::kYes);
  EXPECT_EQ(binds(Role::kLlvm, "", kArm, kBranch26), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kLlvm, "", kArm, kDelta32), Binds::kMaybe);
}

TEST(BindingTest, InstructionsOfTheOtherIsaNeverBind) {
  for (const Role role : {Role::kNone, Role::kLlvm, Role::kJulia, Role::kCranelift, Role::kArena}) {
    EXPECT_EQ(binds(role, "", kX86, kBranch26), Binds::kNo);
    EXPECT_EQ(binds(role, "", kX86, kAdrp), Binds::kNo);
    EXPECT_EQ(binding_of(role, "", "", kX86, kAdrp).why, "no such instruction on x86-64");
    EXPECT_EQ(binds(role, "", kArm, ReachKind::kAbsolute32), Binds::kNo);
  }
}

TEST(BindingTest, CraneliftOnX86BindsUntilItHadVeneers) {
  EXPECT_EQ(binds(Role::kCranelift, "0.116.1", kX86, kDelta32), Binds::kYes);
  EXPECT_EQ(binds(Role::kCranelift, "0.135.0", kX86, kDelta32), Binds::kYes);
  EXPECT_EQ(binds(Role::kCranelift, "0.136.0", kX86, kDelta32), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kCranelift, "", kX86, kDelta32), Binds::kMaybe);
}

TEST(BindingTest, CraneliftOnAarch64BranchesDirectlyBefore0128) {
  EXPECT_EQ(binds(Role::kCranelift, "0.127.3", kArm, kBranch26), Binds::kYes);
  EXPECT_EQ(binds(Role::kCranelift, "0.128.0", kArm, kBranch26), Binds::kNo);
  EXPECT_EQ(binds(Role::kCranelift, "", kArm, kBranch26), Binds::kMaybe);
}

TEST(BindingTest, CraneliftsAdrpCameWith0124AndPanicsBeyondTwoGigabytes) {
  EXPECT_EQ(binds(Role::kCranelift, "0.123.4", kArm, kAdrp), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kCranelift, "0.124.0", kArm, kAdrp), Binds::kYes);
  EXPECT_EQ(binds(Role::kCranelift, "0.123.4", kArm, kDelta32), Binds::kNo);
  EXPECT_EQ(binds(Role::kCranelift, "0.124.0", kArm, kDelta32), Binds::kYes);
}

TEST(BindingTest, JuliaOnAarch64UsesTheSmallCodeModelSince110) {
  EXPECT_EQ(binds(Role::kJulia, "1.9.4", kArm, kAdrp), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kJulia, "1.10.2", kArm, kAdrp), Binds::kYes);
  EXPECT_EQ(binds(Role::kJulia, "1.5.3", kX86, kDelta32), Binds::kMaybe);
}

TEST(BindingTest, ModulesThatKeepTheirOwnReachNeverBind) {
  for (const std::string_view module :
       {"/lib/x86_64-linux-gnu/libffi.so.8", "/usr/lib/libpcre2-8.so.0.11.2", "/usr/bin/luajit",
        "/usr/lib/libluajit-5.1.so.2", "/usr/bin/node", "/usr/bin/pypy3", "/usr/bin/sbcl",
        "/usr/lib/erlang/erts-13.1.5/bin/beam.smp"}) {
    EXPECT_EQ(binds(Role::kNone, "", kX86, kDelta32, module), Binds::kNo) << module;
    EXPECT_EQ(binds(Role::kLearned, "", kX86, kDelta32, module), Binds::kNo) << module;
  }
  // An engine in a file of such a name is an engine nevertheless.
  EXPECT_EQ(binds(Role::kLlvm, "", kX86, kDelta32, "/usr/bin/node"), Binds::kMaybe);
}

TEST(BindingTest, UnknownCodeMayBind) {
  EXPECT_EQ(binds(Role::kNone, "", kX86, kDelta32, "/opt/strange.so"), Binds::kMaybe);
  EXPECT_EQ(binds(Role::kLearned, "", kArm, kBranch26, ""), Binds::kMaybe);
}

TEST(BindingTest, AnUnknownIsaHasOnlyWhatAllHave) {
  EXPECT_TRUE(exists_on(kDelta32, Isa::kUnknown));
  EXPECT_FALSE(exists_on(kAdrp, Isa::kUnknown));
  EXPECT_EQ(binds(Role::kLlvm, "", Isa::kUnknown, kAdrp), Binds::kNo);
}

TEST(BindingTest, EveryRowSaysWhyAndCanBeReached) {
  std::set<std::string_view> found;
  for (const BindingRow& row : kBindings) {
    EXPECT_FALSE(row.why.empty());
    const Isa isa = row.isa == Isa::kUnknown ? kX86 : row.isa;
    // A version inside the row's range, and none.
    const std::string_view inside = !row.from.empty() ? row.from : row.below.empty() ? "" : "0.0.1";
    EXPECT_EQ(binding_of(row.role, "", inside, isa, row.reach).why, row.why) << row.why;
  }
}

}  // namespace
}  // namespace jitcorral

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "process.h"

namespace jitcorral {
namespace {

// Each test begins with the defaults and no problem.
class Config : public testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }

  static void read(const std::vector<std::string>& variables) {
    std::vector<const char*> environment;
    for (const std::string& v : variables) environment.push_back(v.c_str());
    environment.push_back(nullptr);
    read_policy(environment.data());
  }

 private:
  static void clear() {
    settings = Policy{};
    process.problem_count = 0;
    for (ConfigProblem& p : process.problems) p = {};
  }
};

TEST_F(Config, ValuesReachThePolicy) {
  read({"HOME=/x", "JITCORRAL_POLICY=observe", "JITCORRAL_SEED=42", "JITCORRAL_WINDOW=64M",
        "JITCORRAL_NEAR=low", "JITCORRAL_INCLUDE=a,b", "JITCORRAL_EXCLUDE=c", "JITCORRAL_ONLY=d",
        "JITCORRAL_MAX=1M", "JITCORRAL_ON_FULL=fail", "JITCORRAL_STATS=1", "JITCORRAL_VERBOSE=2"});
  EXPECT_EQ(settings.mode, Mode::kObserve);
  EXPECT_EQ(settings.seed, 42U);
  EXPECT_TRUE(settings.seeded);
  EXPECT_EQ(settings.window, mib(64));
  EXPECT_EQ(settings.near, Near::kLow);
  EXPECT_EQ(settings.include.count(), 2U);
  EXPECT_EQ(settings.exclude.count(), 1U);
  EXPECT_EQ(settings.only.count(), 1U);
  EXPECT_EQ(settings.max, mib(1));
  EXPECT_EQ(settings.on_full, OnFull::kFail);
  EXPECT_TRUE(settings.stats);
  EXPECT_EQ(settings.verbose, 2);
  EXPECT_EQ(process.problem_count, 0U);
}

TEST_F(Config, TheJobIsTakenFromSlurmIfItLooksLikeOne) {
  read({"SLURM_JOB_ID=4711_3.batch-0", "SLURM_JOB_IDX=no", "JITCORRAL_LABEL=blue"});
  EXPECT_STREQ(process.slurm_job, "4711_3.batch-0");
  EXPECT_STREQ(settings.label, "blue");
  for (const std::string& id :
       {std::string("12 34"), std::string("a\nb"), std::string("$(x)"), std::string(32, '1')}) {
    process.slurm_job[0] = '\0';
    read({"SLURM_JOB_ID=" + id});
    EXPECT_STREQ(process.slurm_job, "") << id;
  }
  read({"SLURM_JOB_ID=" + std::string(31, '1')});
  EXPECT_EQ(process.slurm_job, std::string(31, '1'));
  process.slurm_job[0] = '\0';
}

TEST_F(Config, NoEnvironmentIsTheDefault) {
  read_policy(nullptr);
  read({});
  EXPECT_EQ(settings.mode, Mode::kAuto);
  EXPECT_EQ(process.problem_count, 0U);
}

TEST_F(Config, EmptyValuesAreAsIfUnset) {
  read({"JITCORRAL_POLICY=", "JITCORRAL_SEED=", "JITCORRAL_NEAR=", "JITCORRAL_INCLUDE="});
  EXPECT_EQ(settings.mode, Mode::kAuto);
  EXPECT_FALSE(settings.seeded);
  EXPECT_EQ(process.problem_count, 0U);
}

TEST_F(Config, OtherVariablesAreIgnored) {
  read({"JITCORRAL=all", "JITCORRALX_POLICY=all", "jitcorral_policy=all", "XJITCORRAL_POLICY=all",
        " JITCORRAL_POLICY=all", "J", "", "=", "JITCORRAL_POLICY", "JITCORRAL_"});
  EXPECT_EQ(settings.mode, Mode::kAuto);
  EXPECT_EQ(process.problem_count, 0U);
}

TEST_F(Config, ValuesMayHoldEqualsSigns) {
  read({"JITCORRAL_ONLY=a=b"});
  ASSERT_EQ(settings.only.count(), 1U);
  EXPECT_EQ(settings.only[0], "a=b");
}

TEST_F(Config, RefusedValueIsKeptWithItsVariable) {
  read({"JITCORRAL_WINDOW=3G", "JITCORRAL_STATS=1"});
  EXPECT_EQ(settings.window, gib(2));
  EXPECT_TRUE(settings.stats);
  ASSERT_EQ(process.problem_count, 1U);
  EXPECT_STREQ(process.problems[0].name, "JITCORRAL_WINDOW");
  EXPECT_STREQ(process.problems[0].value, "3G");
  EXPECT_FALSE(process.problems[0].misspelt);
  ASSERT_NE(process.problems[0].variable, nullptr);
  EXPECT_EQ(process.problems[0].variable->id, Variable::kWindow);
}

TEST_F(Config, MisspeltNameIsKeptWithItsNeighbour) {
  read({"JITCORRAL_POLICE=all", "JITCORRAL_SOMETHINGELSE=1"});
  EXPECT_EQ(settings.mode, Mode::kAuto);
  ASSERT_EQ(process.problem_count, 2U);
  EXPECT_TRUE(process.problems[0].misspelt);
  ASSERT_NE(process.problems[0].variable, nullptr);
  EXPECT_EQ(process.problems[0].variable->id, Variable::kPolicy);
  EXPECT_TRUE(process.problems[1].misspelt);
  EXPECT_EQ(process.problems[1].variable, nullptr);
}

TEST_F(Config, FirstFourProblemsAreKeptAndTheRestStillCounts) {
  static_assert(Process::kMaxProblems == 4);
  std::vector<std::string> many;
  for (int i = 0; i < 50; ++i) many.push_back("JITCORRAL_SEED=bad" + std::to_string(i));
  many.push_back("JITCORRAL_VERBOSE=1");
  read(many);
  ASSERT_EQ(process.problem_count, 4U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(process.problems[i].value, "bad" + std::to_string(i));
  EXPECT_EQ(settings.verbose, 1);
}

TEST_F(Config, LongNamesAndValuesAreCut) {
  const std::string name = "JITCORRAL_" + std::string(5000, 'N');
  const std::string value(5000, 'v');
  read({name + "=" + value, "JITCORRAL_MAX=" + value.substr(0, 47),
        "JITCORRAL_MAX=" + value.substr(0, 48)});
  ASSERT_EQ(process.problem_count, 3U);
  EXPECT_EQ(process.problems[0].name, name.substr(0, 47));
  EXPECT_EQ(process.problems[0].value, value.substr(0, 47));
  EXPECT_EQ(process.problems[1].value, value.substr(0, 47));
  EXPECT_EQ(process.problems[2].value, value.substr(0, 47));
}

TEST_F(Config, LastOfTwoWins) {
  read({"JITCORRAL_SEED=1", "JITCORRAL_SEED=2", "JITCORRAL_SEED=x"});
  EXPECT_EQ(settings.seed, 2U);
  EXPECT_EQ(process.problem_count, 1U);
}

}  // namespace
}  // namespace jitcorral

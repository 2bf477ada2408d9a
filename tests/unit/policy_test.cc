#include "jitcorral/policy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "jitcorral/policy_parse.h"

namespace jitcorral {
namespace {

// What `text` makes of a policy; the test fails if it is not accepted.
Policy parsed(Variable variable, std::string_view text) {
  Policy policy;
  EXPECT_TRUE(parse_variable(policy, variable, text)) << text;
  return policy;
}

std::vector<std::string> list_of(const GlobList& list) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < list.count(); ++i) all.emplace_back(list[i]);
  return all;
}

void expect_equal(const Policy& a, const Policy& b) {
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.near, b.near);
  EXPECT_EQ(a.on_full, b.on_full);
  EXPECT_EQ(a.seeded, b.seeded);
  EXPECT_EQ(a.stats, b.stats);
  EXPECT_EQ(a.verbose, b.verbose);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.window, b.window);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.near_address, b.near_address);
  EXPECT_EQ(list_of(a.near_library), list_of(b.near_library));
  EXPECT_EQ(list_of(a.include), list_of(b.include));
  EXPECT_EQ(list_of(a.exclude), list_of(b.exclude));
  EXPECT_EQ(list_of(a.only), list_of(b.only));
}

// Refused, and "the policy as it was".
void expect_refused(Variable variable, std::string_view text) {
  SCOPED_TRACE(std::string(text.substr(0, 60)));
  Policy policy;
  ASSERT_TRUE(policy.near_library.assign("libbefore.so"));
  ASSERT_TRUE(policy.include.assign("before"));
  policy.near_address = {7};
  const Policy before = policy;
  EXPECT_FALSE(parse_variable(policy, variable, text));
  expect_equal(policy, before);
}

TEST(PolicyTable, HasExactlyOneRowPerVariable) {
  int rows[16] = {};
  for (const VariableInfo& v : kVariables) {
    ASSERT_LE(v.id, Variable::kLabel);
    ++rows[static_cast<std::size_t>(v.id)];
    EXPECT_EQ(find_variable(v.name), &v) << v.name;
    EXPECT_EQ(v.name.substr(0, 10), "JITCORRAL_");
    EXPECT_LT(v.name.size(), 32U);
    EXPECT_FALSE(v.accepts.empty() || v.fallback.empty() || v.help.empty()) << v.name;
  }
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Variable::kLabel); ++i)
    EXPECT_EQ(rows[i], 1) << i;
}

TEST(PolicyTable, DefaultsAreWhatTheTableSays) {
  int parsed_rows = 0;
  for (const VariableInfo& v : kVariables) {
    switch (v.id) {
      case Variable::kSeed:
      case Variable::kInclude:
      case Variable::kExclude:
      case Variable::kOnly:
      case Variable::kMax:
      case Variable::kLabel:
        continue;  // the default is told in words
      default:
        break;
    }
    SCOPED_TRACE(std::string(v.name));
    expect_equal(parsed(v.id, v.fallback), Policy{});
    ++parsed_rows;
  }
  EXPECT_EQ(parsed_rows, 7);
  EXPECT_TRUE(Policy{}.include.empty() && Policy{}.exclude.empty() && Policy{}.only.empty());
  EXPECT_FALSE(Policy{}.seeded);
  EXPECT_EQ(Policy{}.max, Bytes{});
}

TEST(PolicyRecord, TakesAnAbsoluteSocketAndAnyFile) {
  Policy p;
  ASSERT_TRUE(parse_variable(p, Variable::kRecord, "unix:/run/x/socket"));
  EXPECT_EQ(p.record, RecordTo::kUnix);
  EXPECT_STREQ(p.record_path, "/run/x/socket");
  EXPECT_EQ(p.record_filters, 0);
  ASSERT_TRUE(parse_variable(p, Variable::kRecord, "unix:/run/x/socket,filters=2"));
  EXPECT_STREQ(p.record_path, "/run/x/socket");
  EXPECT_EQ(p.record_filters, 2);
  ASSERT_TRUE(parse_variable(p, Variable::kRecord, "auto,filters=3"));
  EXPECT_EQ(p.record, RecordTo::kAuto);
  EXPECT_EQ(p.record_filters, 3);
  ASSERT_TRUE(parse_variable(p, Variable::kRecord, "file:ring-%p"));
  EXPECT_EQ(p.record, RecordTo::kFile);
  EXPECT_STREQ(p.record_path, "ring-%p");
  ASSERT_TRUE(parse_variable(p, Variable::kRecord, "off"));
  EXPECT_EQ(p.record, RecordTo::kOff);
  EXPECT_STREQ(p.record_path, "");
}

TEST(PolicyRecord, RefusesWhatNoSocketCanBe) {
  const std::string longest = "unix:/" + std::string(106, 'x');
  Policy p;
  EXPECT_TRUE(parse_variable(p, Variable::kRecord, longest));
  for (const std::string& text :
       {std::string("unix:relative"), std::string("unix:"), longest + "x", std::string("file:"),
        std::string("file:") + std::string(256, 'x'), std::string("unix:/a,filters=x"),
        std::string("on"), std::string("unix:/a,filters=256"), std::string("auto,filters="),
        std::string("auto,filters=256"), std::string("auto,x")}) {
    Policy untouched;
    EXPECT_FALSE(parse_variable(untouched, Variable::kRecord, text)) << text;
    EXPECT_EQ(untouched.record, RecordTo::kAuto) << text;
    EXPECT_STREQ(untouched.record_path, "") << text;
  }
}

TEST(PolicyLabel, TakesTextAndCutsWhatDoesNotFit) {
  Policy p;
  ASSERT_TRUE(parse_variable(p, Variable::kLabel, "blue deployment, caf\xc3\xa9"));
  EXPECT_STREQ(p.label, "blue deployment, caf\xc3\xa9");
  ASSERT_TRUE(parse_variable(p, Variable::kLabel, std::string(63, 'x')));
  EXPECT_EQ(p.label, std::string(63, 'x'));
  ASSERT_TRUE(parse_variable(p, Variable::kLabel, std::string(200, 'y')));
  EXPECT_EQ(p.label, std::string(63, 'y'));
  // The 63rd and 64th byte are one character.
  ASSERT_TRUE(parse_variable(p, Variable::kLabel, std::string(62, 'z') + "\xc3\xa9 and more"));
  EXPECT_EQ(p.label, std::string(62, 'z'));
}

TEST(PolicyLabel, RefusesControlCharacters) {
  for (const char* text : {"a\nb", "\x1b[31m", "\x7f", "\t"})
    expect_refused(Variable::kLabel, text);
}

TEST(PolicyTable, EveryWordThatARowAcceptsIsAccepted) {
  for (const VariableInfo& v : kVariables) {
    if (v.id != Variable::kPolicy && v.id != Variable::kOnFull && v.id != Variable::kStats &&
        v.id != Variable::kVerbose)
      continue;
    std::string_view rest = v.accepts;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(", ");
      parsed(v.id, rest.substr(0, comma));
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 2);
    }
    EXPECT_NE(v.accepts.find(v.fallback), std::string_view::npos);
  }
}

TEST(PolicyTable, NamesAreFoundExactly) {
  EXPECT_EQ(find_variable("JITCORRAL_"), nullptr);
  EXPECT_EQ(find_variable("jitcorral_policy"), nullptr);
  EXPECT_EQ(find_variable("JITCORRAL_POLICY "), nullptr);
  EXPECT_EQ(find_variable(""), nullptr);
}

TEST(PolicyParse, ModesMapToTheirWords) {
  EXPECT_EQ(parsed(Variable::kPolicy, "off").mode, Mode::kOff);
  EXPECT_EQ(parsed(Variable::kPolicy, "observe").mode, Mode::kObserve);
  EXPECT_EQ(parsed(Variable::kPolicy, "auto").mode, Mode::kAuto);
  EXPECT_EQ(parsed(Variable::kPolicy, "exec-only").mode, Mode::kExecOnly);
  EXPECT_EQ(parsed(Variable::kPolicy, "all").mode, Mode::kAll);
  EXPECT_EQ(parsed(Variable::kPolicy, "scatter").mode, Mode::kScatter);
  for (const char* bad : {"", "Auto", "auto ", " auto", "autos", "aut", "exec_only", "0"})
    expect_refused(Variable::kPolicy, bad);
}

TEST(PolicyParse, SeedsAreAll64Bits) {
  EXPECT_EQ(parsed(Variable::kSeed, "0").seed, 0U);
  EXPECT_TRUE(parsed(Variable::kSeed, "0").seeded);
  EXPECT_EQ(parsed(Variable::kSeed, "007").seed, 7U);
  EXPECT_EQ(parsed(Variable::kSeed, "18446744073709551615").seed, UINT64_MAX);
  EXPECT_EQ(parsed(Variable::kSeed, "18446744073709551609").seed, UINT64_MAX - 6);
  for (const char* bad :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "1e3", "18446744073709551616",
        "18446744073709551620", "28446744073709551615", "99999999999999999999", "random"})
    expect_refused(Variable::kSeed, bad);
}

TEST(PolicyParse, SizesTakeUnitsInEitherCase) {
  EXPECT_EQ(parse_size("0"), Bytes{});
  EXPECT_EQ(parse_size("4096"), kib(4));
  EXPECT_EQ(parse_size("4K"), kib(4));
  EXPECT_EQ(parse_size("4k"), kib(4));
  EXPECT_EQ(parse_size("3m"), mib(3));
  EXPECT_EQ(parse_size("2g"), gib(2));
  EXPECT_EQ(parse_size("17179869183G"), gib(17179869183));
  for (const char* bad : {"", "K", "G", "KM", "1KK", "1T", "1KB", "1.5G", "-1K", "1 K", "K1",
                          "17179869184G", "18446744073709551616", "18446744073709551615K"})
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
}

TEST(PolicyParse, WindowsAreOneMegabyteToTwoGigabytes) {
  EXPECT_EQ(parsed(Variable::kWindow, "1M").window, mib(1));
  EXPECT_EQ(parsed(Variable::kWindow, "1048576").window, mib(1));
  EXPECT_EQ(parsed(Variable::kWindow, "2G").window, gib(2));
  EXPECT_EQ(parsed(Variable::kWindow, "2048m").window, gib(2));
  for (const char* bad : {"", "0", "1048575", "1023K", "2147483649", "2049M", "3G", "-1M",
                          "17179869185G", "18014398509481985K"})
    expect_refused(Variable::kWindow, bad);
}

TEST(PolicyParse, MaxIsFourKilobytesToTwoGigabytes) {
  EXPECT_EQ(parsed(Variable::kMax, "4K").max, kib(4));
  EXPECT_EQ(parsed(Variable::kMax, "2G").max, gib(2));
  for (const char* bad : {"", "0", "4095", "3K", "2147483649", "3G", "half"})
    expect_refused(Variable::kMax, bad);
}

TEST(PolicyParse, NearTakesKeywordsAddressesAndLibraries) {
  EXPECT_EQ(parsed(Variable::kNear, "exe").near, Near::kExe);
  EXPECT_EQ(parsed(Variable::kNear, "none").near, Near::kNone);
  EXPECT_EQ(parsed(Variable::kNear, "low").near, Near::kLow);
  const Policy address = parsed(Variable::kNear, "0x7fAbC0000000");
  EXPECT_EQ(address.near, Near::kAddress);
  EXPECT_EQ(address.near_address.value, 0x7fabc0000000U);
  EXPECT_EQ(parsed(Variable::kNear, "0xffffffffffffffff").near_address.value, UINT64_MAX);
  for (const char* library : {"libLLVM*", "libfoo", "foo.so", "*", "/opt/x/*"}) {
    const Policy policy = parsed(Variable::kNear, library);
    EXPECT_EQ(policy.near, Near::kLibrary);
    EXPECT_EQ(list_of(policy.near_library), std::vector<std::string>{library});
  }
}

TEST(PolicyParse, NearRefusesHalfAddresses) {
  for (const char* bad : {"0x", "0xg", "0x12.so", "0x10000000000000000", "0x-1", "0x 1"})
    expect_refused(Variable::kNear, bad);
}

TEST(PolicyParse, NearRefusesListsAndMisspeltKeywordsAndStaysAsItWas) {
  for (const char* bad : {"", ",", "a.so,b.so", "exee", "Low", "AUTO", "12345"})
    expect_refused(Variable::kNear, bad);
  expect_refused(Variable::kNear, std::string(513, '*'));
}

TEST(PolicyParse, GlobListsGoToTheirOwnVariable) {
  EXPECT_EQ(list_of(parsed(Variable::kInclude, "a,b*").include),
            (std::vector<std::string>{"a", "b*"}));
  EXPECT_EQ(list_of(parsed(Variable::kExclude, "c").exclude), std::vector<std::string>{"c"});
  EXPECT_EQ(list_of(parsed(Variable::kOnly, "d").only), std::vector<std::string>{"d"});
  for (const Variable v : {Variable::kInclude, Variable::kExclude, Variable::kOnly}) {
    for (const char* bad : {"", ",", "a,", "a,,b", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"})
      expect_refused(v, bad);
  }
}

TEST(PolicyParse, SwitchesTakeTheirDigitsOnly) {
  EXPECT_EQ(parsed(Variable::kOnFull, "fail").on_full, OnFull::kFail);
  EXPECT_TRUE(parsed(Variable::kStats, "1").stats);
  EXPECT_EQ(parsed(Variable::kVerbose, "1").verbose, 1);
  EXPECT_EQ(parsed(Variable::kVerbose, "2").verbose, 2);
  for (const char* bad : {"", "2", "00", "01", "yes", "true"})
    expect_refused(Variable::kStats, bad);
  for (const char* bad : {"", "3", "-1", "00", "1 "}) expect_refused(Variable::kVerbose, bad);
  for (const char* bad : {"", "FAIL", "fall", "fallbac"}) expect_refused(Variable::kOnFull, bad);
}

TEST(PolicyParse, LaterValueWins) {
  Policy policy;
  EXPECT_TRUE(parse_variable(policy, Variable::kStats, "1"));
  EXPECT_TRUE(parse_variable(policy, Variable::kStats, "0"));
  EXPECT_FALSE(policy.stats);
  EXPECT_TRUE(parse_variable(policy, Variable::kOnFull, "fail"));
  EXPECT_TRUE(parse_variable(policy, Variable::kOnFull, "fallback"));
  EXPECT_EQ(policy.on_full, OnFull::kFallback);
}

TEST(PolicyParse, NearestVariableIsWithinThreeEdits) {
  const auto nearest = [](std::string_view name) -> std::string_view {
    const VariableInfo* v = nearest_variable(name);
    return v == nullptr ? "" : v->name;
  };
  for (const VariableInfo& v : kVariables) EXPECT_EQ(nearest(v.name), v.name);
  EXPECT_EQ(nearest("JITCORRAL_POLICE"), "JITCORRAL_POLICY");
  EXPECT_EQ(nearest("JITCORRAL_WINDWO"), "JITCORRAL_WINDOW");
  EXPECT_EQ(nearest("JITCORRAL_INCLUDES"), "JITCORRAL_INCLUDE");
  EXPECT_EQ(nearest("JITCORRAL_EXLUDE"), "JITCORRAL_EXCLUDE");
  EXPECT_EQ(nearest("JITCORRAL_ONFULL"), "JITCORRAL_ON_FULL");
  EXPECT_EQ(nearest("JITCORAL_VERBOS"), "JITCORRAL_VERBOSE");
  EXPECT_EQ(nearest("JITCORRAL_STATISTICS"), "");
  EXPECT_EQ(nearest(""), "");
  EXPECT_EQ(nearest(std::string(31, 'J')), "");
  EXPECT_EQ(nearest(std::string(32, 'J')), "");
  EXPECT_EQ(nearest(std::string(100000, 'J')), "");
}

}  // namespace
}  // namespace jitcorral

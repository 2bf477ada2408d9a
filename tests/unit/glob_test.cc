#include "jitcorral/glob.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace jitcorral {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

TEST(Glob, MatchesTheWholeText) {
  constexpr Case kCases[] = {
      {"", "", true},
      {"", "a", false},
      {"a", "", false},
      {"a", "a", true},
      {"a", "ab", false},
      {"b", "ab", false},
      {"*", "", true},
      {"*", "anything/at/all", true},
      {"**", "", true},
      {"***a", "a", true},
      {"?", "", false},
      {"?", "a", true},
      {"??", "a", false},
      {"*?", "", false},
      {"*?", "a", true},
      {"?*?", "a", false},
      {"?*?", "ab", true},
      {"lib*.so*", "libLLVM.so.1", true},
      {"lib*.so*", "libLLVM.a", false},
      {"*.so", "a.so.so", true},
      {"a*b*c", "abbbcbc", true},
      {"a*b*c", "abbbcb", false},
      {"*aab", "aaaaab", true},
      {"*ab*ab*", "abab", true},
      {"*ab*ab*", "aba", false},
      {"/usr/*/x", "/usr/lib/deep/x", true},
      {"[a]", "a", false},  // only the star and the question mark are special
      {"[a]", "[a]", true},
      {"a\\*", "a\\b", true},
      {"*a", "ba\n", false},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(glob_match(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
}

// The definition, by recursion.
bool simple_match(std::string_view p, std::string_view t) {
  if (p.empty()) return t.empty();
  if (p[0] == '*')
    return simple_match(p.substr(1), t) || (!t.empty() && simple_match(p, t.substr(1)));
  return !t.empty() && (p[0] == '?' || p[0] == t[0]) && simple_match(p.substr(1), t.substr(1));
}

TEST(Glob, AgreesWithItsDefinition) {
  std::mt19937_64 random(2);
  const auto text = [&](std::string_view alphabet) {
    std::string s(random() % 9, ' ');
    for (char& c : s) c = alphabet[random() % alphabet.size()];
    return s;
  };
  for (int i = 0; i < 100000; ++i) {
    const std::string p = text("ab*?"), t = text("ab");
    ASSERT_EQ(glob_match(p, t), simple_match(p, t)) << p << " on " << t;
  }
}

TEST(Glob, ManyStarsDoNotExplode) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(4000, 'a')));
}

TEST(Glob, BasenameIsBehindTheLastSlash) {
  EXPECT_EQ(basename_of("/usr/lib/libc.so"), "libc.so");
  EXPECT_EQ(basename_of("libc.so"), "libc.so");
  EXPECT_EQ(basename_of("/usr/lib/"), "");
  EXPECT_EQ(basename_of(""), "");
  EXPECT_EQ(behind("abc", 3), "");
}

TEST(GlobList, SplitsAtCommas) {
  GlobList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.find("x"), GlobList::kNoMatch);
  ASSERT_TRUE(list.assign("one,t*,three"));
  ASSERT_EQ(list.count(), 3U);
  EXPECT_EQ(list[0], "one");
  EXPECT_EQ(list[1], "t*");
  EXPECT_EQ(list[2], "three");
}

TEST(GlobList, FirstMatchWinsOnPathOrBasename) {
  GlobList list;
  ASSERT_TRUE(list.assign("/opt/*,lib?.so,*"));
  EXPECT_EQ(list.find("/opt/libx.so"), 0U);
  EXPECT_EQ(list.find("/usr/lib/libx.so"), 1U);
  EXPECT_EQ(list.find("/usr/lib/other"), 2U);
  ASSERT_TRUE(list.assign("libx.so"));
  EXPECT_EQ(list.find("libx.so.1"), GlobList::kNoMatch);
  EXPECT_EQ(list.find("/libx.so/y"), GlobList::kNoMatch);
  EXPECT_EQ(list.find(""), GlobList::kNoMatch);
}

TEST(GlobList, RefusesEmptyGlobsAndStaysAsItWas) {
  GlobList list;
  ASSERT_TRUE(list.assign("a,b"));
  for (const char* bad : {"", ",", "a,", ",a", "a,,b", ",,"}) {
    EXPECT_FALSE(list.assign(bad)) << bad;
    ASSERT_EQ(list.count(), 2U);
    EXPECT_EQ(list[1], "b");
  }
}

TEST(GlobList, HoldsSixteenGlobsAnd512Characters) {
  std::string sixteen = "0";
  for (int i = 1; i < 16; ++i) sixteen += "," + std::to_string(i);
  GlobList list;
  EXPECT_TRUE(list.assign(sixteen));
  EXPECT_EQ(list.count(), 16U);
  EXPECT_EQ(list[15], "15");
  EXPECT_FALSE(list.assign(sixteen + ",x"));
  EXPECT_EQ(list.count(), 16U);
  EXPECT_TRUE(list.assign(std::string(512, 'y')));
  EXPECT_EQ(list[0].size(), 512U);
  EXPECT_EQ(list.find(std::string(512, 'y')), 0U);
  EXPECT_FALSE(list.assign(std::string(513, 'y')));
}

TEST(GlobList, ShorterTextLeavesNothingOfTheLonger) {
  GlobList list;
  ASSERT_TRUE(list.assign("long,longer,longest"));
  ASSERT_TRUE(list.assign("x"));
  EXPECT_EQ(list.count(), 1U);
  EXPECT_EQ(list[0], "x");
  EXPECT_EQ(list.find("longer"), GlobList::kNoMatch);
}

}  // namespace
}  // namespace jitcorral

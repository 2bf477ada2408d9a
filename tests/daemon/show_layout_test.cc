#include <gtest/gtest.h>

#include "show/layout.h"

namespace jitcorral::show {
namespace {

TEST(Wrapping, BreaksAtBlanksAndIndentsWhatFollows) {
  EXPECT_EQ(wrapped("  exe  ", "one two three", 14), "  exe  one two\n       three\n");
  EXPECT_EQ(wrapped("", "", 10), "\n");
}

TEST(Wrapping, LeavesAWordLongerThanTheLineWhole) {
  EXPECT_EQ(wrapped("- ", "/a/very/long/path x", 8), "- /a/very/long/path\n  x\n");
}

TEST(Shortening, KeepsBothEnds) {
  EXPECT_EQ(shorten("short", 10), "short");
  const std::string text = shorten("llvm::sys::Memory::allocateMappedMemory", 20);
  EXPECT_EQ(columns(text), 20U);
  EXPECT_TRUE(text.starts_with("llvm::sys::M")) << text;
  EXPECT_TRUE(text.ends_with("emory")) << text;
}

TEST(Shortening, CutsBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "\xc3\xbc";
  const std::string cut = shorten(text, 11);
  EXPECT_EQ(columns(cut), 11U);
  EXPECT_EQ(cut.find("..."), 12U);  // six characters of two bytes
}

TEST(Tables, AlignTheirColumns) {
  Table table("lr");
  table.add({"name", "n"});
  table.add({"a", "1,000"});
  EXPECT_EQ(table.draw(2, 80, false), "  name      n\n  a     1,000\n");
}

TEST(Tables, TakeWidthFromTheElasticColumn) {
  Table table("lr");
  table.add({"name", "bytes"});
  table.add({std::string(90, 'x'), "4 KiB"});
  const std::string text = table.draw(0, 40, false);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_LE(text.find('\n', at) - at, 40U);
  EXPECT_NE(text.find("x...x"), std::string::npos);
}

TEST(Tables, WrapTheirLastColumnBelowItself) {
  Table table("ll");
  table.add({"a", "why"});
  table.add({"b", "one two three four five six"});
  EXPECT_EQ(table.draw(0, 20, false), "a  why\nb  one two three\n   four five six\n");
}

TEST(Tables, PaintTheirHeadOnlyWhenAsked) {
  Table table("l");
  table.add({"head"});
  EXPECT_EQ(table.draw(0, 80, false), "head\n");
  EXPECT_EQ(table.draw(0, 80, true), "\x1b[2mhead\x1b[0m\n");
}

}  // namespace
}  // namespace jitcorral::show

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "show/human.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

TEST(Sizes, AreInPowersOf1024WithOneDecimalBelowTen) {
  EXPECT_EQ(size_of(Bytes{0}), "0 bytes");
  EXPECT_EQ(size_of(Bytes{1}), "1 byte");
  EXPECT_EQ(size_of(Bytes{1023}), "1023 bytes");
  EXPECT_EQ(size_of(kib(4)), "4 KiB");
  EXPECT_EQ(size_of(Bytes{5583457485}), "5.2 GiB");
  EXPECT_EQ(size_of(mib(184)), "184 MiB");
  EXPECT_EQ(size_of(Bytes{UINT64_MAX}), "16 EiB");
}

TEST(Sizes, RoundUpIntoTheNextUnit) {
  EXPECT_EQ(size_of(mib(1) - Bytes{1}), "1 MiB");
  EXPECT_EQ(size_of(gib(2) - Bytes{1}), "2 GiB");
}

TEST(Counts, HaveThousandsSeparators) {
  EXPECT_EQ(count_of(0), "0");
  EXPECT_EQ(count_of(999), "999");
  EXPECT_EQ(count_of(1000), "1,000");
  EXPECT_EQ(count_of(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(counted(1, "process", "processes"), "1 process");
  EXPECT_EQ(counted(2000, "process", "processes"), "2,000 processes");
  EXPECT_EQ(counted(0, "call"), "0 calls");
}

TEST(Durations, TakeTheUnitThatFits) {
  EXPECT_EQ(duration_of(12'000), "12 us");
  EXPECT_EQ(duration_of(12'000'000), "12 ms");
  EXPECT_EQ(duration_of(1'290'000'000), "1.2 s");
  EXPECT_EQ(duration_of(200'000'000'000), "3 min 20 s");
  EXPECT_EQ(duration_of(7'500'000'000'000), "2 h 5 min");
  EXPECT_EQ(duration_of(187'200'000'000'000), "2 d 4 h");
  EXPECT_EQ(duration_of(-5), "0 us");  // a clock that was set back
}

TEST(Times, AreIso8601InUtc) {
  EXPECT_EQ(iso_utc(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_utc(1'795'253'606'123'999'999), "2026-11-21T09:33:26.123Z");
  EXPECT_EQ(iso_utc(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(iso_utc(INT64_MIN).substr(0, 5), "1677-");
}

TEST(Times, AreLocalForPeople) {
  setenv("TZ", "UTC-2", 1);
  tzset();
  EXPECT_EQ(local_time(1'795'253'606'000'000'000), "2026-11-21 11:33:26");
  setenv("TZ", "UTC", 1);
  tzset();
}

TEST(Ends, NameTheSignal) {
  model::Run run;
  run.state = model::RunState::kEnded;
  run.signal = 11;
  EXPECT_EQ(end_of(run), "killed by SIGSEGV");
  run.signal = 4711;
  EXPECT_EQ(end_of(run), "killed by signal 4711");
}

TEST(Printable, LeavesWordsAsTheyAre) {
  EXPECT_EQ(printable("/usr/bin/python3.11"), "/usr/bin/python3.11");
  EXPECT_EQ(printable("/home/j\xc3\xbcrgen/\xe6\xbc\xa2"), "/home/j\xc3\xbcrgen/\xe6\xbc\xa2");
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable("a\r\nb\tc"), "a\\x0d\\nb\\tc");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b[2J"), "\\u{9b}[2J");                  // CSI as one character
  EXPECT_EQ(printable("\x9b[2J"), "\\x9b[2J");                        // and as one byte
  EXPECT_EQ(printable("a\xe2\x80\xaetxt.exe"), "a\\u{202e}txt.exe");  // right to left
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xe6\xbc"), "\\xe6\\xbc");                    // cut off
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
}

TEST(Utf8, ReplacesEachByteThatIsNone) {
  EXPECT_EQ(utf8("a\xff\xfe"), "a\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(utf8("\xc3\xbc\x1b"), "\xc3\xbc\x1b");
}

TEST(Basenames, AreTheLastPartOfAPath) {
  EXPECT_EQ(basename_of("/usr/bin/python3"), "python3");
  EXPECT_EQ(basename_of("python3"), "python3");
  EXPECT_EQ(basename_of("/usr/bin/"), "bin");
  EXPECT_EQ(basename_of("/"), "/");
  EXPECT_EQ(basename_of(""), "");
}

}  // namespace
}  // namespace jitcorral::show

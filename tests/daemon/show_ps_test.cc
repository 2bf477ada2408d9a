#include "show/ps.h"

#include <gtest/gtest.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

Processes sample() {
  Processes processes;
  Living recorded;
  recorded.pid = 4703;
  recorded.name = std::string("py\x1b[2Jthon");
  recorded.jits = true;
  recorded.record = Detailed{at_risk(3), {}, {}, {}, {}};
  analyze::Placement placement;
  placement.of_jit = true;
  placement.range = range_of(Address{0x7f39c0000000}, mib(19));
  recorded.record->placements.all.push_back(placement);
  placement.range = range_of(Address{0x7f0000000000}, mib(19));  // outside
  recorded.record->placements.all.push_back(placement);
  processes.all.push_back(recorded);
  Living silent;
  silent.pid = 12;
  silent.name = std::string("bash");
  processes.all.push_back(silent);
  return processes;
}

TEST(Ps, ALineSaysHowFullTheWindowIs) {
  const std::string text = processes_text(sample(), {});
  EXPECT_NE(text.find("19 MiB, 1 %"), std::string::npos) << text;
  EXPECT_NE(text.find("at-risk"), std::string::npos);
  EXPECT_NE(text.find("no JIT yet"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Ps, NarrowTerminalsGetFewerColumns) {
  for (const unsigned width : {60U, 80U, 100U, 120U}) {
    TextOptions options;
    options.width = width;
    const std::string text = processes_text(sample(), options);
    EXPECT_EQ(text.find("scatter") != std::string::npos, width >= 100) << width;
    EXPECT_EQ(text.find("0x7f3a40000000") != std::string::npos, width >= 120) << width;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      EXPECT_LE(end - at, std::max(width, 80U)) << text;
  }
}

TEST(Ps, WhatIsNotShownIsSaid) {
  Processes processes;
  processes.closed = 3;
  processes.silent = 1;
  const std::string text = processes_text(processes, {});
  for (const char* part :
       {"no living process", "no daemon answers", "3 processes could not be", "--all shows it"})
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
}

TEST(Ps, JsonHasEveryNumber) {
  const Json json = processes_json(sample());
  EXPECT_EQ(json["processes"][0]["filled"], mib(19).count);
  EXPECT_EQ(json["processes"][0]["window"]["base"], "0x7f39c0000000");
  EXPECT_EQ(json["processes"][1]["run"], nullptr);
}

}  // namespace
}  // namespace jitcorral::show

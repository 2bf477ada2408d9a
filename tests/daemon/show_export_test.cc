#include "show/export.h"

#include <gtest/gtest.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

Json value(const Row& row, std::string_view column) {
  for (const auto& [name, cell] : row)
    if (name == column) return cell;
  ADD_FAILURE() << "no column " << column;
  return nullptr;
}

TEST(Export, ARunsRowHasWhatTheReportSays) {
  const Row row = run_row(at_risk(3), false);
  EXPECT_EQ(value(row, "verdict"), "at-risk");
  EXPECT_EQ(value(row, "signal"), 11);
  EXPECT_EQ(value(row, "exit_code"), nullptr);
  EXPECT_EQ(value(row, "fell_back"), 3);
  EXPECT_EQ(value(row, "passed"), 48'203);
  EXPECT_EQ(value(row, "delta32_worst"), 5'583'457'485);
  EXPECT_EQ(value(row, "bl_worst"), nullptr);
  EXPECT_EQ(value(row, "duration_ns"), 1'290'000'000);
  EXPECT_EQ(value(row, "label"), nullptr);
}

TEST(Export, AddressesComeOutOnlyWhenAskedFor) {
  const std::string without = export_line(run_row(at_risk(3), false), ExportFormat::kJson);
  EXPECT_EQ(without.find("0x7"), std::string::npos);
  EXPECT_EQ(without.find(std::to_string(0x7f39c0000000)), std::string::npos);
  EXPECT_EQ(value(run_row(at_risk(3), true), "window_begin"), "0x7f39c0000000");
}

model::Record sample_record() {
  model::Record record;
  record.run = at_risk(3).run;
  Event e{};
  e.ticket = 4;
  e.time = 1'000'000;
  e.address = 0x7f39c0001000;
  e.length = 4096;
  e.call = Call::kMap;
  e.outcome = Outcome::kFellBack;
  e.reason = static_cast<std::uint8_t>(PlaceFailure::kFull);
  e.prot_kind = 0x13;
  e.thread = 12U << 24 | 77;
  record.events = {e, e};
  record.events[1].time = 1'000'500;
  record.events[1].address = 0x7f39bffff000;
  return record;
}

TEST(Export, AnEventsPlaceIsAnOffset) {
  const model::Record record = sample_record();
  const EventRows rows(record, false);
  const Row row = rows.row(record.events[1]);
  EXPECT_EQ(value(row, "offset"), -0x2000);
  EXPECT_EQ(value(row, "window_offset"), -0x1000);
  EXPECT_EQ(value(row, "time_ns"), 500);
  EXPECT_EQ(value(row, "reason"), "the window is full");
  EXPECT_EQ(value(row, "error"), 12);
  EXPECT_EQ(value(row, "thread"), 77);
  EXPECT_EQ(value(row, "prot"), "rw-");
  EXPECT_EQ(value(row, "kind"), "code");
  EXPECT_EQ(export_line(row, ExportFormat::kJson).find("0x"), std::string::npos);
  EXPECT_EQ(value(EventRows(record, true).row(record.events[0]), "address"), "0x7f39c0001000");
}

TEST(Export, CsvIsAsRfc4180WantsIt) {
  const Row row = {{"a", "plain"},      {"b", "with, comma"}, {"c", "with \"quotes\""},
                   {"d", "two\nlines"}, {"e", nullptr},       {"f", 12}};
  EXPECT_EQ(export_head(row, ExportFormat::kCsv), "a,b,c,d,e,f\r\n");
  EXPECT_EQ(export_line(row, ExportFormat::kCsv),
            "plain,\"with, comma\",\"with \"\"quotes\"\"\",\"two\nlines\",,12\r\n");
}

TEST(Export, NamesThatAreNoUtf8StillMakeJson) {
  Shown shown = without_jit(1, "/x/\xff\xfe");
  const std::string line = export_line(run_row(shown, true), ExportFormat::kJson);
  EXPECT_EQ(Json::parse(line)["executable"], "/x/\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace jitcorral::show

// Runs and events as rows of stable columns, for pandas, DuckDB and spreadsheets. Columns are only
// ever added at the end of their list; daemon/store/SCHEMA.md documents each. Pure: a row at a
// time, so that a database of months streams through.
//
// Without `addresses` no address of a process comes out, only sizes, distances and offsets.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "show/show.h"

namespace jitcorral::show {

using Row = std::vector<std::pair<std::string_view, Json>>;  // column, value; null: not known

Row run_row(const Shown& run, bool addresses);

// Rows of one run's events; the offsets are from the run's first event that has an address.
class EventRows {
 public:
  EventRows(const model::Record& record, bool addresses);
  Row row(const Event& event) const;

 private:
  const model::Site* site_of(const Event& event) const;

  const model::Record& record_;
  bool addresses_;
  std::uint64_t first_time_ = 0, first_address_ = 0;
};

enum class ExportFormat { kJson, kCsv };
// One line with its end: an object (newline-delimited JSON), or CSV as RFC 4180 wants it.
std::string export_line(const Row& row, ExportFormat format);
// The first line of CSV; empty for JSON.
std::string export_head(const Row& row, ExportFormat format);

}  // namespace jitcorral::show

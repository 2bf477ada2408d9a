#include "command/load.h"

#include "command/commands.h"
#include "store/ancestors.h"

namespace jitcorral::command {
using store::Ancestors;

std::vector<show::Shown> load(const store::Database& database, std::span<const model::Run> runs) {
  Ancestors ancestors(database);
  std::vector<show::Shown> shown;
  for (const model::Run& run : runs) {
    auto record = database.record(run.id);
    if (!record) continue;  // deleted since
    record->parent = ancestors.parent_of(record->run);
    analyze::Report report = analyze::analyse(*record);
    shown.push_back({std::move(record->run), std::move(report)});
  }
  return shown;
}

std::vector<show::Detailed> load_detailed(const store::Database& database,
                                          std::span<const model::Run> runs) {
  Ancestors ancestors(database);
  std::vector<show::Detailed> all;
  for (const model::Run& run : runs) {
    auto record = database.record(run.id);
    if (!record) continue;  // deleted since
    record->parent = ancestors.parent_of(record->run);
    all.push_back(detailed(std::move(*record)));
  }
  return all;
}

show::Detailed detailed(model::Record record) {
  analyze::Report report = analyze::analyse(record);
  analyze::Placements placements = analyze::placements_of(record, report);
  return {{std::move(record.run), std::move(report)},
          std::move(record.sites),
          std::move(record.events),
          std::move(record.unseen),
          std::move(placements)};
}

int check_status(std::span<const show::Shown> runs) {
  bool unknown = false;
  for (const show::Shown& shown : runs) {
    const analyze::Verdict verdict = shown.report.verdict;
    if (verdict == analyze::Verdict::kAtRisk || verdict == analyze::Verdict::kOutOfReach)
      return kAtRisk;
    unknown |= verdict == analyze::Verdict::kUnknown;
  }
  return unknown || runs.empty() ? kUnknown : 0;
}

int status_of(show::Answer answer) {
  switch (answer) {
    case show::Answer::kRuledOut:
      return 0;
    case show::Answer::kCanBe:
      return kAtRisk;
    default:
      return kUnknown;
  }
}

}  // namespace jitcorral::command

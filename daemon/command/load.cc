#include "command/load.h"

#include <map>
#include <memory>

#include "command/commands.h"

namespace jitcorral::command {
namespace {

// Forks deeper than this lose what their oldest ancestors had mapped; a file may say anything.
constexpr std::size_t kDeepest = 64;

// The records of runs that forked others; kept, since one parent often has many children.
class Ancestors {
 public:
  explicit Ancestors(const store::Database& database) : database_(database) {}

  const model::Record* parent_of(const model::Run& run) {
    // Up to the first that is there already, then down again, so that each finds its own parent.
    std::vector<std::unique_ptr<model::Record>> chain;
    const model::Record* above = nullptr;
    model::RunId child = run.id;
    std::optional<model::RunId> next = run.parent;
    // A parent is known before its child: other ids are a damaged file's, and may go in circles.
    while (next && *next < child && chain.size() < kDeepest) {
      const auto known = kept_.find(*next);
      if (known != kept_.end()) {
        above = known->second.get();
        break;
      }
      auto record = database_.record(*next);
      if (!record) break;
      child = *next;
      next = record->run.parent;
      chain.push_back(std::make_unique<model::Record>(std::move(*record)));
    }
    while (!chain.empty()) {
      chain.back()->parent = above;
      above = chain.back().get();
      kept_[above->run.id] = std::move(chain.back());
      chain.pop_back();
    }
    return above;
  }

 private:
  const store::Database& database_;
  std::map<model::RunId, std::unique_ptr<model::Record>> kept_;
};

}  // namespace

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

}  // namespace jitcorral::command

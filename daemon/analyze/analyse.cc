#include <algorithm>

#include "analyze/engines.h"
#include "analyze/replay.h"
#include "analyze/report.h"
#include "analyze/verdict.h"

namespace jitcorral::analyze {

Report analyse(const model::Record& record) {
  const History history = replay(record);
  Report report;
  report.engines = engines_of(history, record.run.isa);
  report.reach = worst_of(report.engines, record.run.isa);
  report.fallbacks = history.fallbacks;
  std::stable_sort(report.fallbacks.begin(), report.fallbacks.end(),
                   [](const auto& a, const auto& b) { return a.calls > b.calls; });
  judge(record, history, report);
  return report;
}

}  // namespace jitcorral::analyze

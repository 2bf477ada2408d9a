#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

#include "command/choose_run.h"
#include "command/commands.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "command/report_run.h"
#include "show/explain.h"

namespace jitcorral::command {
namespace {

Chosen chosen(const OneRunOptions& options) {
  Chosen chosen = choose_run(options.db, options.which);
  if (!chosen.choice.said.empty()) note(chosen.choice.said);
  return chosen;
}

}  // namespace

int show_run(const OneRunOptions& options) try {
  ReportOptions report_options;
  report_options.json = options.json;
  const Chosen one = chosen(options);
  return report_run(
      one.database, one.choice.run, report_options,
      fmt::format("jitcorral show{} run:{}", db_option(options.db), one.choice.run.id));
} catch (const std::exception& error) {
  return fail(error.what());
}

int explain(const ExplainOptions& options) try {
  if (!options.core.empty()) return explain_core(options);
  if (!options.maps.empty()) return explain_maps(options);
  const Chosen one = chosen(options);
  const std::vector<show::Detailed> runs =
      load_detailed(one.database, std::span(&one.choice.run, 1));
  if (runs.empty())
    throw std::runtime_error(fmt::format("run {} was deleted meanwhile", one.choice.run.id));
  const show::Detailed& run = runs.front();
  const show::Explanation explanation = show::explain(run);
  const std::string text =
      options.json ? show::dump(show::explanation_json(run, explanation))
                   : show::explanation_text(run, explanation, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  return status_of(explanation.answer);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command

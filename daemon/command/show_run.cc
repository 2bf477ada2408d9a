#include <fmt/format.h>

#include <stdexcept>

#include "command/choose_run.h"
#include "command/commands.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "show/explain.h"

#include <unistd.h>

namespace jitcorral::command {
namespace {

Choice chosen(const store::Database& database, const OneRunOptions& options) {
  Choice choice = choose_run(database, options.which);
  if (!choice.said.empty()) note(choice.said);
  return choice;
}

}  // namespace

int show_run(const OneRunOptions& options) try {
  ReportOptions report_options;
  report_options.db = options.db;
  report_options.json = options.json;
  report_options.run = chosen(open_database(options.db), options).run.id;
  return report(report_options);
} catch (const std::exception& error) {
  return fail(error.what());
}

int explain(const OneRunOptions& options) try {
  const store::Database database = open_database(options.db);
  const Choice choice = chosen(database, options);
  const std::vector<show::Detailed> runs = load_detailed(database, std::span(&choice.run, 1));
  if (runs.empty())
    throw std::runtime_error(fmt::format("run {} was deleted meanwhile", choice.run.id));
  const show::Detailed& run = runs.front();
  const show::Explanation explanation = show::explain(run);
  const std::string text =
      options.json ? show::dump(show::explanation_json(run, explanation))
                   : show::explanation_text(run, explanation, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  switch (explanation.answer) {
    case show::Answer::kRuledOut:
      return 0;
    case show::Answer::kCanBe:
      return kAtRisk;
    default:
      return kUnknown;
  }
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command

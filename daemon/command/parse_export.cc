#include <fmt/format.h>
#include <time.h>

#include "command/parse_options.h"
#include "jitcorral/policy_parse.h"

namespace jitcorral::command {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// "90m", "2h", "7d" before `now`, or a date or time of UTC.
std::optional<model::WallTime> since_of(const std::string& text, model::WallTime now) {
  constexpr std::pair<char, std::int64_t> kUnits[] = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
  if (!text.empty())
    for (const auto& [letter, seconds] : kUnits)
      if (text.back() == letter)
        if (const auto n = parse_number(text.substr(0, text.size() - 1));
            n && *n < static_cast<std::uint64_t>(now / kSecond / seconds))
          return now - static_cast<std::int64_t>(*n) * seconds * kSecond;
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S",
                             "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"}) {
    tm parts{};
    const char* const end = strptime(text.c_str(), format, &parts);
    if (end != nullptr && *end == '\0') return timegm(&parts) * kSecond;
  }
  return std::nullopt;
}

}  // namespace

Asked parse_export(std::vector<std::string> arguments) {
  ExportOptions options;
  CLI::App app(
      "Runs, or their events, as rows of stable columns on standard output, for pandas, DuckDB "
      "and\nspreadsheets. Without --addresses no address of a process comes out.",
      "export");
  dress(
      app,
      "jitcorral export [--format json|csv] [--run ID | --since TIME] [--events] [--addresses]",
      "  jitcorral export --format csv > runs.csv\n"
      "  jitcorral export --since 7d --format csv > week.csv\n"
      "  jitcorral export --run 12 --events > events.json\n"
      "  python3 -c \"import pandas; "
      "print(pandas.read_csv('runs.csv').groupby('verdict').size())\"\n"
      "\njson is one object a line. The columns, and the database behind them, are documented in\n"
      "daemon/store/SCHEMA.md.\n");
  std::string run, since, format = "json";
  app.add_option("--format", format, "json: an object a line; csv: as RFC 4180 wants it")
      ->type_name("FORMAT");
  app.add_option("--run", run, "this run alone")->type_name("ID");
  app.add_option("--since", since, "runs that began since: 2h, 7d, 2026-11-21, 2026-11-21T09:00Z")
      ->type_name("TIME");
  app.add_flag("--events", options.events, "their events, a row each, instead of the runs");
  app.add_flag("--addresses", options.addresses, "with addresses, in columns at the end");
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (format != "json" && format != "csv") not_accepted(app, "--format", format, "json, csv");
  options.csv = format == "csv";
  if (app.count("--run") > 0 && app.count("--since") > 0)
    throw UsageError("export: --run and --since choose runs in two ways; accepted: one of them");
  if (app.count("--run") > 0)
    options.run = static_cast<std::int64_t>(number(app, "--run", run, 1, INT64_MAX));
  if (app.count("--since") > 0) {
    const auto at = since_of(since, static_cast<model::WallTime>(time(nullptr)) * kSecond);
    if (!at)
      not_accepted(app, "--since", since,
                   "a number with s, m, h, d or w, a date (2026-11-21) or a time of UTC "
                   "(2026-11-21T09:00)");
    options.since = *at;
  }
  return options;
}

}  // namespace jitcorral::command

// Reports and listings, as text for people and as JSON for programs. Pure: from plain values to
// strings; nothing is read or written.
//
// Names and paths come from the processes that were watched, which nobody trusts: text shows
// control characters as \x1b and the like, JSON escapes them, and bytes that are no UTF-8 never
// throw.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "analyze/report.h"
#include "model/run.h"

namespace jitcorral::show {

using Json = nlohmann::ordered_json;  // keys stay in the order they are written here

struct Shown {
  model::Run run;
  analyze::Report report;
};

struct TextOptions {
  bool colour = false;
  unsigned width = 100;  // columns; lines are kept within it where their words allow
  // The command that showed this, for the hints at its end: "jitcorral report --db FILE".
  std::string again = "jitcorral report";
};

// How bad a verdict is: no-jit, within-reach, unknown, at-risk, out-of-reach.
int severity(analyze::Verdict verdict);
// The run with the worst verdict, the first of these; null if there is none.
const Shown* worst(std::span<const Shown> runs);

// The report: the worst verdict on the first line. `session`: null for a ring file.
std::string text(const model::Session* session, std::span<const Shown> runs,
                 const TextOptions& options);
Json json(const model::Session* session, std::span<const Shown> runs);

struct Listed {
  model::Session session;
  std::vector<model::Run> runs;
  bool by_daemon = false;  // recorded by jitcorrald, not by `jitcorral run`
};
// What is in a database, in the order given.
std::string listing(std::span<const Listed> sessions, const TextOptions& options);
Json listing_json(std::span<const Listed> sessions);

// The JSON as text: indented, ASCII only, with a newline at its end. Never throws.
std::string dump(const Json& json);

}  // namespace jitcorral::show

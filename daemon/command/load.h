// From the database to what reports show.
#pragma once

#include <span>
#include <vector>

#include "show/explain.h"
#include "show/html.h"
#include "show/show.h"
#include "store/database.h"

namespace jitcorral::command {

// Reads and analyses these runs, with what their parents had mapped when they forked.
std::vector<show::Shown> load(const store::Database& database, std::span<const model::Run> runs);

// The same with all that a picture is drawn from.
std::vector<show::Detailed> load_detailed(const store::Database& database,
                                          std::span<const model::Run> runs);
// Analyses one record; its parent must be set.
show::Detailed detailed(model::Record record);

// What --check says of them: kAtRisk, kUnknown or 0.
int check_status(std::span<const show::Shown> runs);
// The exit status of `explain`: 0 ruled out, kAtRisk, kUnknown.
int status_of(show::Answer answer);

}  // namespace jitcorral::command

// The report of one run out of a database that is open already.
#pragma once

#include "command/commands.h"
#include "store/database.h"

namespace jitcorral::command {

// `again`: the command that shows it again.
int report_run(const store::Database& database, const model::Run& run, const ReportOptions& options,
               const std::string& again);

}  // namespace jitcorral::command

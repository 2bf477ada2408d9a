// `jitcorral`: asks, does, and answers with the status that commands.h names.
#include "command/commands.h"
#include "command/output.h"
#include "command/parse.h"

namespace {

namespace command = jitcorral::command;

struct Do {
  int operator()(const command::RunOptions& options) const { return command::run(options); }
  int operator()(const command::ReportOptions& options) const { return command::report(options); }
  int operator()(const command::RunsOptions& options) const { return command::runs(options); }
  int operator()(const command::ShowOptions& options) const { return command::show_run(options); }
  int operator()(const command::ExplainOptions& options) const { return command::explain(options); }
  int operator()(const command::PsOptions& options) const { return command::ps(options); }
  int operator()(const command::ExportOptions& options) const {
    return command::export_runs(options);
  }
  int operator()(const command::DoctorOptions& options) const { return command::doctor(options); }
  int operator()(const command::CompareOptions& options) const { return command::compare(options); }
  int operator()(const command::SelftestOptions& options) const {
    return command::selftest(options);
  }
  int operator()(const command::AuditOptions& options) const { return command::audit(options); }
  int operator()(const command::HelpTopic& help) const { return command::help(help.topic); }
  int operator()(const command::HelpText& help) const { return command::print(help.text); }
  int operator()(command::Version) const { return command::version(); }
};

}  // namespace

int main(int argc, char** argv) try {
  command::guard_standard_streams();
  return std::visit(Do{}, command::parse({argv + (argc > 0 ? 1 : 0), argv + argc}));
} catch (const command::UsageError& error) {
  command::fail(error.what());
  return command::kBadUsage;
} catch (const std::exception& error) {
  return command::fail(error.what());
}

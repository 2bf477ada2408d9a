// The subcommands of `jitcorral`. Each returns the exit status of the process:
//   0    done (of `run`: the command's own status, 128 + signal if it was killed)
//   1    could not be done; one line on standard error said why
//   2    bad usage
//   3    --check, explain: some run is at-risk or out-of-reach; doctor: an engine that can't be
//        served
//   4    --check, explain: some run is unknown (and none at-risk); doctor: the files do not tell
//   3    audit: out-of-reach; 4: unknown
//   3    selftest, compare: with the library something differs
//   4    selftest: no interpreter could be tried
//   126  the command exists but can't be run; 127: it was not found
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/choose_run.h"

namespace jitcorral::command {

inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kAtRisk = 3;
inline constexpr int kDiffers = 3;
inline constexpr int kUnknown = 4;

struct RunOptions {
  std::vector<std::string> command;
  std::string db;                // empty: the default place
  std::string shim;              // empty: found beside the command
  std::string policy;            // JITCORRAL_POLICY for the command; empty: as the environment says
  std::vector<std::string> set;  // NAME=VALUE for the command's environment (JITCORRAL_...)
  bool report = false;           // the text report on standard error after the command
  std::string json;              // the JSON report into this file; "-": standard output
  bool check = false;            // exit 3 or 4 by the verdicts, if the command itself ended with 0
  bool keep_arguments = false;   // store the command's arguments
  unsigned repeat = 0;           // 0: once; else bare, scattered and auto that often each
  std::optional<std::uint64_t> seed;  // of the first scattered run; the others count up
};
int run(const RunOptions& options);

struct ReportOptions {
  std::string db;                   // empty: the default place
  std::optional<std::int64_t> run;  // none: every run of the latest session
  std::string ring;  // a file that JITCORRAL_RECORD=file: wrote, instead of a database
  bool json = false;
  std::string html;    // the page into this file, "-": standard output; empty: no page
  bool share = false;  // without what tells of the user: show/share.h
  bool check = false;
};
int report(const ReportOptions& options);

struct RunsOptions {
  std::string db;
  bool json = false;
  std::uint64_t most = 20;  // sessions; 0: all
};
int runs(const RunsOptions& options);

// Of show and explain, which are about one run.
struct OneRunOptions {
  std::string db;  // empty: the default place
  Which which;
  bool json = false;
};
struct ShowOptions : OneRunOptions {};
struct ExplainOptions : OneRunOptions {
  // Instead of a run: of a process that may never have loaded the library.
  std::string core;
  std::string executable;  // to read instead of that which the core names
  // The same by a list of mappings, and what else a log tells.
  std::string maps;
  std::optional<std::uint64_t> pc, fault;
  std::string isa;  // x86-64, aarch64; empty: as the mapped libraries tell
  struct CodeFile {
    std::string path;
    std::uint64_t at = 0;
  };
  std::vector<CodeFile> code;
  std::size_t limit = 20;  // misses that are shown; 0: all
};
int show_run(const OneRunOptions& options);
int explain(const ExplainOptions& options);
int explain_core(const ExplainOptions& options);
int explain_maps(const ExplainOptions& options);

struct PsOptions {
  std::string db;    // empty: the default place
  bool all = false;  // also processes that have the library mapped and never JITted
  bool json = false;
};
int ps(const PsOptions& options);

struct AuditOptions {
  std::string db;    // empty: a daemon's, or the default place
  std::string ring;  // a file that JITCORRAL_RECORD=file: writes, instead of a database
  std::int32_t pid = 0;
  bool all = false;        // also the code of executables and libraries
  std::size_t limit = 20;  // misses that are shown; 0: all
  bool json = false;
};
int audit(const AuditOptions& options);

struct ExportOptions {
  std::string db;                   // empty: the default place
  std::optional<std::int64_t> run;  // none: all
  model::WallTime since = 0;        // only runs that began then or later
  bool csv = false;                 // else newline-delimited JSON
  bool events = false;              // the events of the runs instead of the runs
  bool addresses = false;
};
int export_runs(const ExportOptions& options);

struct DoctorOptions {
  std::vector<std::string> command;
  std::string shim;  // empty: found beside the command
  bool json = false;
};
int doctor(const DoctorOptions& options);

struct CompareOptions {
  std::vector<std::string> command;
  std::string shim;    // empty: found beside the command
  unsigned runs = 10;  // of each kind
  bool json = false;
};
int compare(const CompareOptions& options);

struct SelftestOptions {
  std::vector<std::string> only;  // names of interpreters; empty: all
  std::string shim;               // empty: found beside the command
  bool json = false;
};
int selftest(const SelftestOptions& options);

// `topic`: "", "env", "verdicts".
int help(const std::string& topic);

// ${XDG_STATE_HOME:-~/.local/state}/jitcorral/placements.db: where `report` and `runs` look when no
// --db is given. Empty when neither variable nor home folder is known.
std::string default_database();

}  // namespace jitcorral::command

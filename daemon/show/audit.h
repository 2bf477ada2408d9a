// What the references of a process's code say, in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decode/audit.h"
#include "show/show.h"

namespace jitcorral::show {

struct AuditedProcess {
  std::uint32_t pid = 0;
  std::string executable;            // empty: not known
  bool recorded = false;             // a record says which memory is an engine's
  std::optional<model::RunId> run;   // its number; none: a ring file, or no record
  std::vector<std::string> engines;  // decode::Place::engine counts here
  decode::Audit audit;
};

// "1,214 references of 38 KiB of code all land in mapped memory of the expected kind".
std::string because_of(const decode::Audit& audit);

// The same words for who reports more than an audit (autopsy.h).
std::string place_text(const AuditedProcess& process, const decode::Place& place);
std::string off_by(const decode::Truncation& truncation);     // "3 times 2^33 (24 GiB)"
std::string access_text(const decode::Reference& reference);  // "reads 8 bytes at 0x..."
std::string miss_text(const AuditedProcess& process, const decode::Miss& miss,
                      const TextOptions& options);
Json place_json(const AuditedProcess& process, const decode::Place& place);
Json miss_json(const AuditedProcess& process, const decode::Miss& miss);

// `most`: misses that are shown; 0: all.
std::string audit_text(const AuditedProcess& process, std::size_t most, const TextOptions& options);
Json audit_json(const AuditedProcess& process, std::size_t most);

}  // namespace jitcorral::show

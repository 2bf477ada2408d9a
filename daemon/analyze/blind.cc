#include "analyze/blind.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "analyze/verdict.h"
#include "jitcorral/ring.h"

namespace jitcorral::analyze {
namespace {

std::string counted(std::uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

void begins_late(const model::Run& run, std::vector<std::string>& out) {
  if (run.placed_before > 0)
    out.push_back(
        "the record begins late: " + counted(run.placed_before, "placement", "placements") +
        " had been made before a recorder was there");
}

// What is missing between the calls of a process and its record.
void gaps(const model::Run& run, std::vector<std::string>& out) {
  if (run.dropped > 0)
    out.push_back(counted(run.dropped, "event was", "events were") +
                  " dropped: the recorder was too slow");
  if (run.torn > 0)
    out.push_back(counted(run.torn, "event was", "events were") +
                  " torn: a thread died while writing, or what it wrote made no sense");
}

// Executable mappings that events explain after all: those that were recorded behind the sample.
bool explained(AddressRange range, const std::vector<AddressRange>& executable) {
  auto at = std::upper_bound(executable.begin(), executable.end(), range.begin,
                             [](Address begin, const AddressRange& r) { return begin < r.begin; });
  return at != executable.begin() && std::prev(at)->contains(range);
}

// The union of all that ever was executable, in order.
std::vector<AddressRange> executable_of(const AddressSpace& space) {
  std::vector<AddressRange> ranges, merged;
  for (const Extent& e : space.extents())
    if (e.ever_executable) ranges.push_back(e.range);
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.begin < b.begin; });
  for (const AddressRange& r : ranges) {
    if (!merged.empty() && !(merged.back().end < r.begin))
      merged.back() = hull(merged.back(), r);
    else
      merged.push_back(r);
  }
  return merged;
}

void unseen(const model::Record& record, const History& history, std::vector<std::string>& out) {
  const std::vector<AddressRange> executable = executable_of(history.space);
  std::vector<const model::Unseen*> unknown;
  std::vector<AddressRange> seen;
  for (const model::Unseen& u : record.unseen) {
    // The same range is found again at every sample.
    if (u.range.empty() || explained(u.range, executable) ||
        std::find(seen.begin(), seen.end(), u.range) != seen.end())
      continue;
    unknown.push_back(&u);
    if (seen.size() < 1024) seen.push_back(u.range);
  }
  if (unknown.empty()) return;
  const model::Unseen& first = *unknown.front();
  char where[64];
  std::snprintf(where, sizeof where, "0x%" PRIx64 "-0x%" PRIx64, first.range.begin.value,
                first.range.end.value);
  std::string text = "executable memory that no recorded call explains: " + std::string(where) +
                     " (" + text_of(first.range.size()) + ", " + first.permissions + ")";
  if (unknown.size() > 1) text += " and " + std::to_string(unknown.size() - 1) + " more";
  out.push_back(text);
}

// How the processes before the fork were recorded.
void before_the_fork(const model::Record& record, std::vector<std::string>& out) {
  if (record.run.parent && record.run.fork_time != 0 && record.parent == nullptr)
    out.emplace_back("what the process had mapped when it was forked is not known");
  for (const model::Record* r : ancestry(record)) {
    if (r == &record) continue;
    std::vector<std::string> theirs;
    begins_late(r->run, theirs);
    gaps(r->run, theirs);
    if (theirs.empty()) continue;
    out.push_back("the record of process " + std::to_string(r->run.pid) +
                  ", which this one was forked from, has gaps: " + theirs.front());
    return;
  }
}

}  // namespace

Blind blind_of(const model::Record& record, const History& history) {
  const model::Run& run = record.run;
  Blind blind;
  if (run.state == model::RunState::kNotLoaded) {
    blind.hides.push_back("the shim was never loaded" +
                          (run.reason.empty() ? std::string() : ": " + run.reason));
    return blind;  // nothing else can be said of it
  }
  if (!run.reason.empty()) blind.hides.push_back("nothing could be recorded: " + run.reason);
  begins_late(run, blind.hides);
  gaps(run, blind.hides);
  if (run.texts_lost > 0 && history.without_site > 0)
    blind.hides.push_back(counted(history.without_site, "call", "calls") +
                          " by callers whose names did not fit into the record");
  if (record.events.size() < run.recorded)
    blind.hides.push_back(counted(run.recorded - record.events.size(), "event is", "events are") +
                          " missing from the database");
  if (history.senseless > 0)
    blind.hides.push_back(counted(history.senseless, "event makes", "events make") +
                          " no sense: the record is damaged");
  if (history.gave_up)
    blind.hides.emplace_back("the record could not be followed to its end: it is damaged");
  const std::uint64_t known = run.recorded + run.dropped + run.torn;
  if (run.state != model::RunState::kRunning && run.position > known)
    blind.hides.push_back(counted(run.position - known, "event was", "events were") +
                          " never taken over from the process");
  if (record.events.empty() && run.counters && run.state != model::RunState::kRunning) {
    const model::Counters& c = *run.counters;
    const std::uint64_t calls = c[ring::kSteered] + c[ring::kFellBack] + c[ring::kWouldSteer];
    if (calls > 0 && blind.hides.empty())
      blind.hides.push_back(counted(calls, "call", "calls") + " of JITs, and none was recorded");
  }
  unseen(record, history, blind.hides);
  before_the_fork(record, blind.hides);
  if (run.isa == Isa::kUnknown && !history.mappings.empty())
    blind.hides.emplace_back("which instruction set the process ran is not known");

  if (run.state == model::RunState::kRunning)
    blind.soft.emplace_back(
        "the process was not seen to end: it still runs, or outlived its recorder");
  if (run.filter_arrived)
    blind.soft.emplace_back("a seccomp filter arrived: later events carry no time and no thread");
  if (run.samples == 0)
    blind.soft.emplace_back(
        "the list of mappings was never sampled: code mapped by inline system calls would not have "
        "been seen");
  return blind;
}

}  // namespace jitcorral::analyze

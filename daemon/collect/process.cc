#include "collect/process.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "collect/fill_in.h"
#include "inspect/engine_version.h"

namespace jitcorral::collect {

void AddressSet::add(AddressRange range) {
  if (range.empty() || covers(range)) return;
  auto next = ranges_.upper_bound(range.begin);
  if (next != ranges_.begin()) {
    auto before = std::prev(next);
    if (before->second >= range.begin) {
      range.begin = before->first;
      range.end = std::max(range.end, before->second);
      next = ranges_.erase(before);
    }
  }
  while (next != ranges_.end() && next->first <= range.end) {
    range.end = std::max(range.end, next->second);
    next = ranges_.erase(next);
  }
  ranges_[range.begin] = range.end;
}

void AddressSet::remove(AddressRange range) {
  if (range.empty()) return;
  auto at = ranges_.upper_bound(range.begin);
  if (at != ranges_.begin() && std::prev(at)->second > range.begin) --at;
  while (at != ranges_.end() && at->first < range.end) {
    const AddressRange piece = {at->first, at->second};
    at = ranges_.erase(at);
    if (piece.begin < range.begin) ranges_[piece.begin] = range.begin;
    if (range.end < piece.end) ranges_[range.end] = piece.end;
  }
}

bool AddressSet::covers(AddressRange range) const {
  auto next = ranges_.upper_bound(range.begin);
  return next != ranges_.begin() && std::prev(next)->second >= range.end;
}

void AddressSet::add(const AddressSet& other) {
  for (const auto& [begin, end] : other.ranges_) add({begin, end});
}

void Process::explain(const std::vector<Event>& stored) {
  // What was mapped once explains what is found for good: children were forked while it was there,
  // and a look at the list of mappings is older than the events behind it. But a process that never
  // uses an address twice must not fill our memory: of very many pieces, those go that were
  // unmapped.
  constexpr std::size_t kManyPieces = 4096;
  for (const Event& event : stored) {
    const bool unmaps = event.call == Call::kUnmap || event.call == Call::kFree ||
                        event.call == Call::kMoveFrom || event.call == Call::kReplace;
    if (unmaps && explained.size() > kManyPieces && event.address + event.length > event.address)
      explained.remove(event.range());
    const bool maps = event.call == Call::kMap || event.call == Call::kAllocate ||
                      event.call == Call::kMoveTo ||
                      (event.call == Call::kProtect && (event.prot() & 4 /* PROT_EXEC */) != 0);
    if (maps && event.address + event.length > event.address) explained.add(event.range());
  }
}

bool Process::may_open(const std::string& path) const {
  if (is_trusted) return true;
  if (path.find("/../") != std::string::npos) return false;
  constexpr std::string_view kSystem[] = {"/usr/", "/lib/", "/lib64/", "/opt/", "/nix/store/"};
  return std::any_of(std::begin(kSystem), std::end(kSystem),
                     [&](std::string_view folder) { return path.starts_with(folder); });
}

bool Process::read_ring(bool thorough) {
  if (!ring) return false;
  std::vector<Event> fresh = ring->peek(thorough);
  explain(fresh);
  known_sites.resize(ring::kTextsSize / kSiteStep);
  for (const Event& event : fresh) {
    const std::uint32_t at = event.site / kSiteStep;
    if (event.site == 0 || at >= known_sites.size() || known_sites[at]) continue;
    if (auto site = ring->site(event.site)) {
      if (may_open(site->module)) site->version = inspect::engine_version(site->role, site->module);
      sites.push_back(*std::move(site));
      known_sites[at] = true;
    }
  }
  const bool any = !fresh.empty();
  run.recorded += fresh.size();
  if (any && events.empty())
    events = std::move(fresh);
  else
    events.insert(events.end(), fresh.begin(), fresh.end());
  const model::Run before = run;
  fill_in(run, *ring);
  if (any || before.counters != run.counters || before.dropped != run.dropped ||
      before.window.has_value() != run.window.has_value())
    changed = true;
  return any;
}

AddressSet Process::all_explained() const {
  AddressSet known = explained;
  for (const Process* ancestor = parent.get(); ancestor != nullptr;
       ancestor = ancestor->parent.get())
    known.add(ancestor->explained);
  return known;
}

bool Process::sample(Clock::time_point now) {
  constexpr Clock::duration kAgain = std::chrono::milliseconds(30);
  constexpr Clock::duration kLongest = std::chrono::seconds(60);
  // Of a process with very many mappings a look takes long: at most a fiftieth of the time.
  constexpr int kSeldom = 50;
  const Clock::time_point began = Clock::now();
  const std::uint64_t ticket = ring ? ring->taken() : 0;
  const auto all = proc::mappings(pid);
  if (!all) {
    next_sample = now + sample_interval;
    return true;
  }
  // The shim never unmaps it; an exec does. Of a process that ends, or whose ring moves just then,
  // a part of the list may be all that there was to read: so it takes two looks.
  const auto is_ring = [name = std::string("/memfd:") + ring::kMemoryName](const proc::Mapping& m) {
    return m.name.starts_with(name);
  };
  const bool is_there = !ring || std::any_of(all->begin(), all->end(), is_ring);
  if (!is_there && proc::state(pid) == proc::State::kAlive && std::exchange(missed_ring, true))
    return false;
  if (is_there) missed_ring = false;
  ++run.samples;
  changed = true;
  read_ring(false);
  const AddressSet known = all_explained();
  std::vector<proc::Mapping> found;
  for (const proc::Mapping& mapping : *all) {
    if (!proc::is_anonymous_code(mapping) || known.covers(mapping.range) ||
        reported.covers(mapping.range))
      continue;
    const bool again = std::any_of(suspects.begin(), suspects.end(), [&](const auto& suspect) {
      return suspect.range.overlaps(mapping.range);
    });
    if (!again) {
      found.push_back(mapping);
    } else {
      report(mapping, ticket);
    }
  }
  suspects = std::move(found);
  if (!suspects.empty() || missed_ring) {
    next_sample = now + kAgain;
  } else {
    next_sample = now + sample_interval;
    // By a quarter: whenever it ends, the last look was in about the last quarter of its life.
    sample_interval = std::max(sample_interval * 5 / 4, (Clock::now() - began) * kSeldom);
    sample_interval = std::min(sample_interval, kLongest);
  }
  return true;
}

void Process::report(const proc::Mapping& mapping, std::uint64_t ticket) {
  // By far enough to know that there is more than the record; a process may map without end.
  constexpr std::size_t kMost = 10'000;
  reported.add(mapping.range);
  if (reports++ >= kMost) return;
  unseen.push_back({ticket, mapping.range, mapping.permissions});
}

bool Process::has_ended() const {
  if (pidfd) {
    pollfd entry = {pidfd.get(), POLLIN, 0};
    return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
  }
  // It was gone before we came, or there was no descriptor left for it.
  return proc::state(pid) == proc::State::kGone || proc::state(pid) == proc::State::kZombie;
}

void Process::let_go() {
  pidfd = {};
  ring.reset();
  known_sites.clear();
  suspects.clear();
  reported = {};
}

void Process::close(model::RunState state, std::optional<proc::Exit> exit) {
  read_ring(true);
  // No event is on its way any more, and there won't be another look.
  if (!suspects.empty()) {
    const AddressSet known = all_explained();
    for (const proc::Mapping& mapping : suspects)
      if (!known.covers(mapping.range)) report(mapping, ring ? ring->taken() : 0);
    suspects.clear();
  }
  if (ring) run.torn = ring->implausible() + ring->unfinished();
  // It has gone on to another ring, which never came here, or its ring was lost with an earlier
  // recorder: how much lay in that nobody knows, so at least one event counts as not taken over.
  if (run.has_ring && (!ring || ring->is_left()))
    run.position = std::max(run.position, run.recorded + run.dropped + run.torn) + 1;
  run.state = state;
  run.ended = wall_time_now();
  if (exit) {
    run.exit_code = exit->code;
    run.signal = exit->signal;
  }
  // One pid may become another program very often.
  if (state == model::RunState::kReplaced) pidfd = {};
  ended = true;
  ended_at = Clock::now();
  changed = true;
}

}  // namespace jitcorral::collect

#include "analyze/replay.h"

#include <sys/mman.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace jitcorral::analyze {
namespace {

// More generations than any real process has; a record that is its own ancestor ends here.
constexpr std::size_t kGenerations = 64;
// Extents that a replay may look at, for each event and in all. Real records stay far below: a call
// concerns a few extents.
constexpr std::uint64_t kWorkPerEvent = 8;
constexpr std::uint64_t kWork = 20'000'000;

bool is_engine(Role role) {
  return role != Role::kNone && role != Role::kLearned;
}

// Whether a call that was left alone is one by which an engine gets memory for code and its data:
// it was screened out by its size, its hint or its policy before anybody looked at what it is for.
bool passed_of_jit(const Event& e, Role role) {
  constexpr int kReadWrite = PROT_READ | PROT_WRITE;
  const auto reason = static_cast<PassReason>(e.reason);
  return is_engine(role) && e.outcome == Outcome::kPassed && e.call == Call::kMap &&
         (reason == PassReason::kHint || reason == PassReason::kSize ||
          reason == PassReason::kExcluded || reason == PassReason::kPolicy) &&
         e.flags == (MAP_PRIVATE | MAP_ANONYMOUS) && e.prot() == kReadWrite;
}

bool maps_nothing(const Event& e) {
  return e.outcome == Outcome::kFailed ||
         (e.outcome == Outcome::kPassed &&
          e.reason == static_cast<std::uint8_t>(PassReason::kRefused));
}

// The events that happened, by ticket: without those that the kernel refused, and each ticket once.
std::vector<const Event*> in_order(const model::Record& record, std::uint64_t* senseless) {
  std::vector<const Event*> events;
  events.reserve(record.events.size());
  for (const Event& e : record.events) {
    if (is_plausible(e))
      events.push_back(&e);
    else
      ++*senseless;
  }
  const auto by_ticket = [](const Event* a, const Event* b) { return a->ticket < b->ticket; };
  if (!std::is_sorted(events.begin(), events.end(), by_ticket))
    std::stable_sort(events.begin(), events.end(), by_ticket);
  const auto same = [](const Event* a, const Event* b) { return a->ticket == b->ticket; };
  events.erase(std::unique(events.begin(), events.end(), same), events.end());

  std::vector<std::uint64_t> cancelled;
  for (const Event* e : events)
    if (e->call == Call::kCancel && e->other < e->ticket) cancelled.push_back(e->other);
  std::sort(cancelled.begin(), cancelled.end());
  std::erase_if(events, [&](const Event* e) {
    return e->call == Call::kCancel || e->call == Call::kFork ||
           std::binary_search(cancelled.begin(), cancelled.end(), e->ticket);
  });
  return events;
}

class Replay {
 public:
  Replay() { history_.callers.emplace_back(); }

  // `until`: CLOCK_MONOTONIC, of the last event that counts.
  void add(const model::Record& record, std::uint64_t until, bool last) {
    history_.space.start_over();
    leaving_.clear();
    replaced_.clear();
    sites_.clear();
    for (const model::Site& s : record.sites) sites_.try_emplace(s.id, caller_of(s));
    std::uint64_t senseless = 0;
    const std::vector<const Event*> events = in_order(record, &senseless);
    if (last) history_.senseless = senseless;
    const std::uint64_t work = history_.space.visited() + kWork + events.size() * kWorkPerEvent;
    step_ = 0;
    for (const Event* e : events) {
      if (e->time > until) continue;
      if (history_.space.visited() > work) {
        history_.gave_up = true;
        return;
      }
      ++step_;
      if (last) {
        history_.tickets.push_back(e->ticket);
        tally(*e);
      }
      apply(*e);
    }
  }

  History take() { return std::move(history_); }

 private:
  std::uint32_t caller_of(const model::Site& s) {
    std::string text =
        std::string(1, static_cast<char>(s.role)) + s.module + '\0' + s.symbol + '\0' + s.version;
    const auto [at, added] =
        known_.try_emplace(std::move(text), static_cast<std::uint32_t>(history_.callers.size()));
    if (added) {
      const Role role = s.role < Role::kCount ? s.role : Role::kNone;
      history_.callers.push_back({role, s.module, s.symbol, s.version});
    }
    return at->second;
  }

  void tally(const Event& e) {
    if (e.outcome == Outcome::kSteered || e.outcome == Outcome::kFellBack ||
        e.outcome == Outcome::kWouldSteer)
      ++history_.jit_calls;
    if (e.outcome != Outcome::kFellBack) return;
    const auto reason = static_cast<PlaceFailure>(e.reason);
    auto at = std::find_if(history_.fallbacks.begin(), history_.fallbacks.end(),
                           [&](const auto& f) { return f.reason == reason; });
    if (at == history_.fallbacks.end())
      at = history_.fallbacks.insert(at, Report::Fallback{reason, 0, {}, {}});
    ++at->calls;
    at->bytes = at->bytes + Bytes{e.length};
    at->largest = std::max(at->largest, Bytes{e.length});
  }

  void apply(const Event& e) {
    const AddressRange range = e.range();
    switch (e.call) {
      case Call::kMap:
      case Call::kAllocate:
        if (!maps_nothing(e) && !range.empty())
          history_.space.map(range, mapping_of(e), e.prot(), e.ticket, step_);
        break;
      case Call::kReplace:
        if (const std::uint32_t owner = jit_caller_at(range.begin); owner != 0)
          replaced_[e.address] = owner;
        history_.space.unmap(range, step_);
        break;
      case Call::kUnmap:
      case Call::kFree:
        history_.space.unmap(range, step_);
        break;
      case Call::kMoveFrom:
        leaving_[e.address] = {range, history_.space.move_out(range, step_)};
        break;
      case Call::kMoveTo:
        if (!maps_nothing(e) && !range.empty()) arrive(e);
        break;
      case Call::kProtect:
        protect(e);
        break;
      case Call::kNone:
      case Call::kCancel:
      case Call::kFork:
      case Call::kCount:
        break;
    }
  }

  // Memory that no event mapped has no owner but who makes it executable.
  void protect(const Event& e) {
    gaps_.clear();
    history_.space.protect(e.range(), e.prot(), &gaps_);
    if ((e.prot() & PROT_EXEC) == 0 || gaps_.empty()) return;
    const std::uint32_t mapping = new_mapping({caller_of(e), Outcome::kPassed, e.kind()});
    for (const AddressRange& gap : gaps_)
      history_.space.map(gap, mapping, e.prot(), e.ticket, step_);
  }

  // The new side of a move has the history of the old one; what is longer, that of its last piece.
  void arrive(const Event& e) {
    const AddressRange to = e.range();
    Departure from;
    if (const auto at = leaving_.find(e.other); at != leaving_.end()) {
      from = std::move(at->second);
      leaving_.erase(at);
    } else if (e.other < (1ULL << 56)) {  // a copy that leaves the old side where it is
      from.range = range_of(Address{e.other}, Bytes{e.length});
      from.pieces = history_.space.pieces({from.range.begin, from.range.begin + Bytes{1}});
      for (Extent& piece : from.pieces) piece.range = from.range;
    }
    if (from.pieces.empty()) {
      history_.space.map(to, mapping_of(e), e.prot(), e.ticket, step_);
      return;
    }
    history_.space.unmap(to, step_);
    for (const Extent& piece : from.pieces) {
      const bool last = piece.range.end == from.range.end;
      const AddressRange moved = {to.begin + (piece.range.begin - from.range.begin),
                                  last ? to.end : to.begin + (piece.range.end - from.range.begin)};
      history_.space.move_in(intersection(moved, to), piece, e.ticket, step_);
    }
  }

  std::uint32_t caller_of(const Event& e) {
    const auto at = sites_.find(e.site);
    if (at != sites_.end()) return at->second;
    ++history_.without_site;
    return 0;
  }

  std::uint32_t new_mapping(const Mapping& mapping) {
    history_.mappings.push_back(mapping);
    return static_cast<std::uint32_t>(history_.mappings.size() - 1);
  }

  std::uint32_t mapping_of(const Event& e) {
    Mapping m{caller_of(e), e.outcome, e.kind()};
    const Role role = history_.callers[m.caller].role;
    m.of_jit = e.outcome == Outcome::kSteered || e.outcome == Outcome::kFellBack ||
               e.outcome == Outcome::kWouldSteer || passed_of_jit(e, role) || refits_arena(e, m);
    m.of_file = e.outcome == Outcome::kPassed &&
                e.reason == static_cast<std::uint8_t>(PassReason::kFile) &&
                (e.flags & (MAP_PRIVATE | MAP_ANONYMOUS)) == MAP_PRIVATE;
    return new_mapping(m);
  }

  // Whether an engine maps with MAP_FIXED inside memory of its own: an arena, piece by piece.
  bool refits_arena(const Event& e, const Mapping& m) {
    if (e.outcome != Outcome::kPassed || e.reason != static_cast<std::uint8_t>(PassReason::kFixed))
      return false;
    std::uint32_t owner = jit_caller_at(Address{e.address});
    if (const auto at = replaced_.find(e.address); at != replaced_.end()) {
      owner = at->second;
      replaced_.erase(at);
    }
    return owner != 0 && history_.callers[owner].module == history_.callers[m.caller].module;
  }

  // Whose JIT's memory an address is; 0: nobody's.
  std::uint32_t jit_caller_at(Address at) {
    for (const Extent& piece : history_.space.pieces({at, at + Bytes{1}}))
      if (const Mapping& m = history_.mappings[piece.mapping]; m.of_jit) return m.caller;
    return 0;
  }

  struct Departure {
    AddressRange range;
    std::vector<Extent> pieces;
  };

  History history_;
  Step step_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> sites_;     // Site::id -> caller
  std::unordered_map<std::string, std::uint32_t> known_;       // all of a caller -> caller
  std::unordered_map<std::uint64_t, Departure> leaving_;       // by address
  std::unordered_map<std::uint64_t, std::uint32_t> replaced_;  // address -> caller
  std::vector<AddressRange> gaps_;
};

}  // namespace

std::vector<const model::Record*> ancestry(const model::Record& record) {
  std::vector<const model::Record*> chain;
  for (const model::Record* r = &record; r != nullptr && chain.size() < kGenerations;
       r = r->run.fork_time != 0 ? r->parent : nullptr)
    chain.push_back(r);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

History replay(const model::Record& record) {
  Replay replay;
  const std::vector<const model::Record*> chain = ancestry(record);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool last = i + 1 == chain.size();
    replay.add(*chain[i], last ? UINT64_MAX : chain[i + 1]->run.fork_time, last);
  }
  return replay.take();
}

}  // namespace jitcorral::analyze

// What happened, counted. The record of the next issue (one event a call, in a ring) begins here:
// `note_*` are its only entrances.
//
// Counters are kept in shards by thread, so that threads that map at once do not share a line.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/arch.h"
#include "decide.h"
#include "jitcorral/jitcorral.h"

namespace jitcorral {

class Record {
 public:
  void note_steered() { add(here().steered); }
  void note_passed(PassReason reason) { add(here().passed[static_cast<std::size_t>(reason)]); }
  void note_fell_back() { add(here().fell_back); }
  void note_failed() { add(here().failed); }
  void note_would_steer() { add(here().would_steer); }
  void note_given_back() { add(here().given_back); }
  void note_glob(bool include, std::size_t index) {
    globs_[include ? 0 : 1][index].fetch_add(1, std::memory_order_relaxed);
  }

  jitcorral_counters totals() const;
  std::uint64_t passed_for(PassReason reason) const;
  std::uint64_t glob_matches(bool include, std::size_t index) const {
    return globs_[include ? 0 : 1][index].load(std::memory_order_relaxed);
  }
  // Also in a forked child: its counts are its own.
  void reset();

 private:
  using Counter = std::atomic<std::uint64_t>;
  static constexpr std::size_t kReasons = static_cast<std::size_t>(PassReason::kCount);
  struct alignas(64) Shard {
    Counter steered, fell_back, failed, would_steer, given_back;
    Counter passed[kReasons];
  };
  static constexpr std::size_t kShards = 16;

  // Relaxed throughout: counts order nothing.
  static void add(Counter& c) { c.fetch_add(1, std::memory_order_relaxed); }
  Shard& here() { return shards_[(arch::thread_pointer() >> 12) * 0x9e3779b97f4a7c15ULL >> 60]; }

  Shard shards_[kShards] = {};
  Counter globs_[2][GlobList::kMaxGlobs] = {};
};

}  // namespace jitcorral

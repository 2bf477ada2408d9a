// What happened, counted. The record of the next issue (one event a call, in a ring) begins here:
// `note_*` are its only entrances.
//
// The first threads each have a shard of counters to themselves, which they count up without a
// locked instruction; the others share one.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/arch.h"
#include "decide.h"
#include "jitcorral/jitcorral.h"

namespace jitcorral {

class Record {
 public:
  void note_steered() { count(kSteered); }
  void note_passed(PassReason reason) { count(kPassed + static_cast<std::size_t>(reason)); }
  void note_fell_back() { count(kFellBack); }
  void note_failed() { count(kFailed); }
  void note_would_steer() { count(kWouldSteer); }
  void note_given_back() { count(kGivenBack); }
  void note_glob(bool include, std::size_t index) {
    globs_[include ? 0 : 1][index].fetch_add(1, std::memory_order_relaxed);
  }

  jitcorral_counters totals() const;
  std::uint64_t passed_for(PassReason reason) const {
    return sum(kPassed + static_cast<std::size_t>(reason));
  }
  std::uint64_t glob_matches(bool include, std::size_t index) const {
    return globs_[include ? 0 : 1][index].load(std::memory_order_relaxed);
  }
  // Also in a forked child: its counts are its own. A thread that counts meanwhile may keep the one
  // that it is at.
  void reset();

 private:
  static constexpr std::size_t kReasons = static_cast<std::size_t>(PassReason::kCount);
  enum Index : std::size_t {
    kSteered,
    kFellBack,
    kFailed,
    kWouldSteer,
    kGivenBack,
    kPassed,  // and one more for each further reason
    kCounters = kPassed + kReasons,
  };
  struct alignas(64) Shard {
    unsigned long counters[kCounters];
  };
  static constexpr std::uint32_t kShards = 64;
  static constexpr std::uint32_t kShared = 0;  // the shard of all threads without one of their own

  // Relaxed throughout: counts order nothing.
  void count(std::size_t index) {
    const std::uint32_t shard = own_shard_ != 0 ? own_shard_ - 1U : take_shard();
    unsigned long& counter = shards_[shard].counters[index];
    if (shard != kShared) [[likely]]
      arch::count_own(counter);
    else
      __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
  }
  std::uint32_t take_shard();
  std::uint64_t sum(std::size_t index) const;

  static constinit thread_local std::uint8_t own_shard_;  // 1 + index; 0: none taken yet
  std::atomic<std::uint32_t> taken_{0};
  Shard shards_[kShards] = {};
  std::atomic<std::uint64_t> globs_[2][GlobList::kMaxGlobs] = {};
};

}  // namespace jitcorral

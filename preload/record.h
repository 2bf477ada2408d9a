// What happened, counted.
//
// The first threads each have a shard of counters to themselves, which they count up without a
// locked instruction; the others share one.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/arch.h"
#include "decide.h"
#include "fork_mark.h"
#include "jitcorral/jitcorral.h"
#include "ring_writer.h"

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
    return since_reset(kPassed + static_cast<std::size_t>(reason));
  }
  std::uint64_t glob_matches(bool include, std::size_t index) const {
    return globs_[include ? 0 : 1][index].load(std::memory_order_relaxed);
  }
  // What totals() says begins at zero again; what the recorder reads goes on.
  void reset();
  // In a forked child: its counts are its own.
  void forget();
  // From now on counts go to the ring of this process, where they survive it; what was counted
  // before is copied there.
  void move_to(ring::Header& header);

  // The process leaves that ring for another; what late threads still count there goes on counting.
  void leave(void* ring) { left_.store(ring, std::memory_order_release); }
  // The ring that was left last is about to go: its counts are taken over.
  void fold();
  // What was counted before and beside the ring of that header.
  void copy_before(ring::Header& header) const;

  // Mappings that were steered, were to be, or would have been.
  std::uint64_t placements() const { return sum(kSteered) + sum(kFellBack) + sum(kWouldSteer); }
  // All that was counted, in the order of ring.h.
  void copy_to(std::uint64_t (&out)[ring::kCounters]) const;

 private:
  static constexpr std::size_t kReasons = static_cast<std::size_t>(PassReason::kCount);
  static constexpr std::size_t kSteered = ring::kSteered;
  static constexpr std::size_t kFellBack = ring::kFellBack;
  static constexpr std::size_t kFailed = ring::kFailed;
  static constexpr std::size_t kWouldSteer = ring::kWouldSteer;
  static constexpr std::size_t kGivenBack = ring::kGivenBack;
  static constexpr std::size_t kPassed = ring::kPassed;
  struct alignas(64) Shard {
    std::uint64_t counters[ring::kCounters];
  };
  static constexpr std::uint32_t kShards = ring::kShards;
  static constexpr std::uint32_t kShared = 0;  // the shard of all threads without one of their own

  // Relaxed throughout: counts order nothing.
  void count(std::size_t index) {
    const std::uint32_t shard = own_shard_ != 0 ? own_shard_ - 1U : take_shard();
    auto* ring = static_cast<unsigned char*>(ring_of_this_process());
    std::uint64_t& counter = ring == nullptr ? shards_[shard].counters[index]
                                             : RingWriter(ring).shards()[shard].counters[index];
    if (shard != kShared) [[likely]]
      arch::count_own(counter);
    else
      __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
  }
  std::uint32_t take_shard();
  std::uint64_t sum(std::size_t index) const;
  // Without the ring of this process.
  std::uint64_t sum_before(std::size_t index) const;
  std::uint64_t since_reset(std::size_t index) const { return sum(index) - reset_at_[index]; }

  static constinit thread_local std::uint8_t own_shard_;  // 1 + index; 0: none taken yet
  std::atomic<std::uint32_t> taken_{0};
  Shard shards_[kShards] = {};
  std::uint64_t reset_at_[ring::kCounters] = {};
  std::uint64_t folded_[ring::kCounters] = {};
  std::atomic<void*> left_{nullptr};
  std::atomic<std::uint64_t> globs_[2][GlobList::kMaxGlobs] = {};
};

}  // namespace jitcorral

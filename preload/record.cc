#include "record.h"

namespace jitcorral {

constinit std::atomic<ForkMark*> fork_mark{nullptr};
constinit thread_local std::uint8_t Record::own_shard_ = 0;

std::uint32_t Record::take_shard() {
  const std::uint32_t mine = taken_.load(std::memory_order_relaxed) + 1 >= kShards
                                 ? kShared
                                 : taken_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint32_t shard = mine < kShards ? mine : kShared;
  own_shard_ = static_cast<std::uint8_t>(shard + 1);
  return shard;
}

std::uint64_t Record::sum(std::size_t index) const {
  std::uint64_t total = 0;
  for (const Shard& s : shards_) total += __atomic_load_n(&s.counters[index], __ATOMIC_RELAXED);
  if (void* ring = ring_of_this_process()) {
    const ring::Shard* shards = RingWriter(ring).shards();
    for (std::uint32_t i = 0; i < kShards; ++i)
      total += __atomic_load_n(&shards[i].counters[index], __ATOMIC_RELAXED);
  }
  return total;
}

jitcorral_counters Record::totals() const {
  jitcorral_counters c = {};
  c.steered = since_reset(kSteered);
  c.fell_back = since_reset(kFellBack);
  c.failed = since_reset(kFailed);
  c.would_steer = since_reset(kWouldSteer);
  c.given_back = since_reset(kGivenBack);
  for (std::size_t reason = 0; reason < kReasons; ++reason)
    c.passed += since_reset(kPassed + reason);
  return c;
}

void Record::copy_to(std::uint64_t (&out)[ring::kCounters]) const {
  for (std::size_t i = 0; i < ring::kCounters; ++i) out[i] = sum(i);
}

void Record::move_to(ring::Header& header) {
  // The ring is published already, so what is still counted here is what threads were at the moment
  // about to count: it is in the totals, and not in what the recorder reads.
  for (std::size_t i = 0; i < ring::kCounters; ++i) {
    std::uint64_t before = 0;
    for (const Shard& s : shards_) before += __atomic_load_n(&s.counters[i], __ATOMIC_RELAXED);
    header.counters_before[i] = before;
  }
}

void Record::reset() {
  for (std::size_t i = 0; i < ring::kCounters; ++i) reset_at_[i] = sum(i);
  for (auto& list : globs_)
    for (auto& counter : list) counter.store(0, std::memory_order_relaxed);
}

void Record::forget() {
  for (Shard& s : shards_)
    for (std::uint64_t& counter : s.counters) __atomic_store_n(&counter, 0, __ATOMIC_RELAXED);
  for (std::uint64_t& before : reset_at_) before = 0;
  for (auto& list : globs_)
    for (auto& counter : list) counter.store(0, std::memory_order_relaxed);
}

}  // namespace jitcorral

#include "record.h"

namespace jitcorral {

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
  return total;
}

jitcorral_counters Record::totals() const {
  jitcorral_counters c = {};
  c.steered = sum(kSteered);
  c.fell_back = sum(kFellBack);
  c.failed = sum(kFailed);
  c.would_steer = sum(kWouldSteer);
  c.given_back = sum(kGivenBack);
  for (std::size_t reason = 0; reason < kReasons; ++reason) c.passed += sum(kPassed + reason);
  return c;
}

void Record::reset() {
  for (Shard& s : shards_)
    for (unsigned long& counter : s.counters) __atomic_store_n(&counter, 0, __ATOMIC_RELAXED);
  for (auto& list : globs_)
    for (auto& counter : list) counter.store(0, std::memory_order_relaxed);
}

}  // namespace jitcorral

#include "record.h"

namespace jitcorral {

std::uint64_t Record::passed_for(PassReason reason) const {
  std::uint64_t sum = 0;
  for (const Shard& s : shards_)
    sum += s.passed[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  return sum;
}

jitcorral_counters Record::totals() const {
  jitcorral_counters c = {};
  for (const Shard& s : shards_) {
    c.steered += s.steered.load(std::memory_order_relaxed);
    c.fell_back += s.fell_back.load(std::memory_order_relaxed);
    c.failed += s.failed.load(std::memory_order_relaxed);
    c.would_steer += s.would_steer.load(std::memory_order_relaxed);
    c.given_back += s.given_back.load(std::memory_order_relaxed);
    for (const Counter& passed : s.passed) c.passed += passed.load(std::memory_order_relaxed);
  }
  return c;
}

void Record::reset() {
  for (Shard& s : shards_) {
    for (Counter* c : {&s.steered, &s.fell_back, &s.failed, &s.would_steer, &s.given_back})
      c->store(0, std::memory_order_relaxed);
    for (Counter& c : s.passed) c.store(0, std::memory_order_relaxed);
  }
  for (auto& list : globs_)
    for (Counter& c : list) c.store(0, std::memory_order_relaxed);
}

}  // namespace jitcorral

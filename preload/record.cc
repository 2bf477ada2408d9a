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

namespace {

std::uint64_t sum_in(void* ring, std::size_t index) {
  const ring::Shard* shards = RingWriter(ring).shards();
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < ring::kShards; ++i)
    total += __atomic_load_n(&shards[i].counters[index], __ATOMIC_RELAXED);
  return total;
}

}  // namespace

std::uint64_t Record::sum_before(std::size_t index) const {
  std::uint64_t total = __atomic_load_n(&folded_[index], __ATOMIC_RELAXED);
  for (const Shard& s : shards_) total += __atomic_load_n(&s.counters[index], __ATOMIC_RELAXED);
  void* left = left_.load(std::memory_order_acquire);
  if (left != nullptr && left != ring_of_this_process()) total += sum_in(left, index);
  return total;
}

std::uint64_t Record::sum(std::size_t index) const {
  void* ring = ring_of_this_process();
  return sum_before(index) + (ring == nullptr ? 0 : sum_in(ring, index));
}

void Record::fold() {
  void* left = left_.exchange(nullptr, std::memory_order_acq_rel);
  if (left == nullptr) return;
  for (std::size_t i = 0; i < ring::kCounters; ++i)
    __atomic_fetch_add(&folded_[i], sum_in(left, i), __ATOMIC_RELAXED);
}

void Record::copy_before(ring::Header& header) const {
  for (std::size_t i = 0; i < ring::kCounters; ++i) header.counters_before[i] = sum_before(i);
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
  copy_before(header);
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
  for (std::uint64_t& before : folded_) before = 0;
  left_.store(nullptr, std::memory_order_relaxed);
  for (auto& list : globs_)
    for (auto& counter : list) counter.store(0, std::memory_order_relaxed);
}

}  // namespace jitcorral

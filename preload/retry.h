// When to look again for what was not there: after 1 s, then each time after twice as long, up to
// 60 s. Times are nanoseconds; 0 is none.
#pragma once

#include <atomic>
#include <cstdint>

namespace jitcorral {

class Retry {
 public:
  static constexpr std::uint64_t kSecond = 1'000'000'000;
  static constexpr std::uint64_t kFirst = kSecond, kMost = 60 * kSecond;

  bool is_due(std::uint64_t now) const { return now >= next_.load(std::memory_order_relaxed); }
  // It is due, and the caller is the one to look; the next time is settled.
  bool claim(std::uint64_t now) {
    std::uint64_t next = next_.load(std::memory_order_relaxed);
    if (now < next) return false;
    const std::uint64_t last = wait_.load(std::memory_order_relaxed);
    const std::uint64_t wait = last == 0 ? kFirst : (last < kMost / 2 ? last * 2 : kMost);
    if (!next_.compare_exchange_strong(next, now + wait, std::memory_order_relaxed)) return false;
    wait_.store(wait, std::memory_order_relaxed);
    return true;
  }
  void forget() {
    next_.store(0, std::memory_order_relaxed);
    wait_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> wait_{0};
};

}  // namespace jitcorral

// A bitmap over the window's pages that many threads and signal handlers change at once, a word at
// a time, without locks.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "jitcorral/units.h"

namespace jitcorral {

template <std::uint32_t kBits>
class AtomicBitmap {
 public:
  static_assert(kBits % 64 == 0);
  static constexpr std::uint32_t kWords = kBits / 64;

  std::uint64_t word(std::uint32_t n) const { return words_[n].load(std::memory_order_acquire); }

  bool test(PageIndex p) const { return (word(p.value / 64) >> (p.value % 64) & 1) != 0; }

  // Sets every bit of the run if all were clear; else leaves all as they were and returns false.
  // Acquire: pairs with the release in clear(), so that whoever claims a page sees all that its
  // last owner did to it.
  bool try_set(PageRun run) {
    for (Walk w(run); !w.done(); w.next()) {
      std::uint64_t old = words_[w.index()].load(std::memory_order_relaxed);
      do {
        if ((old & w.mask()) != 0) {
          clear({run.first, w.position() - run.first});
          return false;
        }
      } while (!words_[w.index()].compare_exchange_weak(
          old, old | w.mask(), std::memory_order_acquire, std::memory_order_relaxed));
    }
    return true;
  }

  // Acq_rel on both: pairs with itself and with try_set on the same word.
  void set(PageRun run) {
    for (Walk w(run); !w.done(); w.next())
      words_[w.index()].fetch_or(w.mask(), std::memory_order_acq_rel);
  }
  void clear(PageRun run) {
    // Bits that are clear already stay unwritten: most clears of the rarer bitmaps are of nothing.
    for (Walk w(run); !w.done(); w.next())
      if ((word(w.index()) & w.mask()) != 0)
        words_[w.index()].fetch_and(~w.mask(), std::memory_order_acq_rel);
  }

  bool any(PageRun run) const {
    for (Walk w(run); !w.done(); w.next())
      if ((word(w.index()) & w.mask()) != 0) return true;
    return false;
  }

  bool all(PageRun run) const {
    for (Walk w(run); !w.done(); w.next())
      if ((word(w.index()) & w.mask()) != w.mask()) return false;
    return true;
  }

  // Sets the bits of the run that are clear, and calls `visit` with each stretch that this call
  // set.
  template <typename Visit>
  void set_clear_ones(PageRun run, Visit visit) {
    for (Walk w(run); !w.done(); w.next()) {
      const std::uint64_t old = words_[w.index()].fetch_or(w.mask(), std::memory_order_acq_rel);
      visit_stretches(w.index(), ~old & w.mask(), visit);
    }
  }
  // Clears the bits of the run that are set, and calls `visit` with each stretch that this call
  // cleared: of two threads, each bit is visited by one.
  template <typename Visit>
  void take(PageRun run, Visit visit) {
    for (Walk w(run); !w.done(); w.next()) {
      if ((word(w.index()) & w.mask()) == 0) continue;
      const std::uint64_t old = words_[w.index()].fetch_and(~w.mask(), std::memory_order_acq_rel);
      visit_stretches(w.index(), old & w.mask(), visit);
    }
  }

  // First page in [from, end) whose bit is `value`; `end` if there is none.
  PageIndex next(bool value, PageIndex from, PageIndex end) const {
    for (Walk w({from, end - from}); !w.done(); w.next()) {
      const std::uint64_t bits = (value ? word(w.index()) : ~word(w.index())) & w.mask();
      if (bits != 0) return {w.index() * 64 + static_cast<std::uint32_t>(std::countr_zero(bits))};
    }
    return end;
  }

  // One past the last page in [begin, end) whose bit is `value`; `begin` if there is none.
  PageIndex previous_end(bool value, PageIndex begin, PageIndex end) const {
    while (begin < end) {
      const std::uint32_t index = (end.value - 1) / 64;
      const std::uint32_t low = index * 64 < begin.value ? begin.value % 64 : 0;
      const std::uint32_t high = (end.value - 1) % 64;
      const std::uint64_t mask = (~0ULL << low) & (~0ULL >> (63 - high));
      const std::uint64_t bits = (value ? word(index) : ~word(index)) & mask;
      if (bits != 0) return {index * 64 + 64 - static_cast<std::uint32_t>(std::countl_zero(bits))};
      end = {index * 64 < begin.value ? begin.value : index * 64};
    }
    return begin;
  }

 private:
  template <typename Visit>
  static void visit_stretches(std::uint32_t index, std::uint64_t bits, Visit visit) {
    while (bits != 0) {
      const auto first = static_cast<std::uint32_t>(std::countr_zero(bits));
      const auto length = static_cast<std::uint32_t>(std::countr_one(bits >> first));
      visit(PageRun{{index * 64 + first}, Pages{length}});
      bits = first + length == 64 ? 0 : bits & (~0ULL << (first + length));
    }
  }

  // The words that a run touches, with the bits of it that lie in each.
  class Walk {
   public:
    explicit Walk(PageRun run) : at_(run.first.value), end_(run.end().value) {}
    bool done() const { return at_ >= end_; }
    std::uint32_t index() const { return at_ / 64; }
    PageIndex position() const { return {at_}; }
    std::uint64_t mask() const {
      const std::uint32_t low = at_ % 64;
      const std::uint32_t left = end_ - at_;
      const std::uint64_t ones = left >= 64 ? ~0ULL : (1ULL << left) - 1;
      return ones << low;
    }
    void next() { at_ = (at_ / 64 + 1) * 64; }

   private:
    std::uint32_t at_;
    std::uint32_t end_;
  };

  std::atomic<std::uint64_t> words_[kWords] = {};
};

}  // namespace jitcorral

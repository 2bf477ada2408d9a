#include "page_map.h"

namespace jitcorral {

constexpr std::uint64_t PageMap::pack(Summary s, std::uint64_t version) {
  const std::uint64_t start = kChunkPages - s.start;
  const std::uint64_t longest = kChunkPages - s.longest;
  const std::uint64_t end = kChunkPages - s.end;
  return start | longest << 13 | end << 26 | version << 39;
}

constexpr PageMap::Summary PageMap::unpack(std::uint64_t packed) {
  constexpr std::uint64_t kMask = (1U << 13) - 1;
  return {static_cast<std::uint32_t>(kChunkPages - (packed & kMask)),
          static_cast<std::uint32_t>(kChunkPages - (packed >> 13 & kMask)),
          static_cast<std::uint32_t>(kChunkPages - (packed >> 26 & kMask))};
}

namespace {

// Longest run of set bits: each step shortens every run by the same amount until none is left.
constexpr std::uint32_t longest_ones(std::uint64_t bits, std::uint32_t at_least) {
  // Shrink by `at_least` first: most words cannot beat what was already found.
  for (std::uint32_t left = at_least; left > 0 && bits != 0;) {
    const std::uint32_t step = left < 32 ? left : 32;
    for (std::uint32_t done = 0; done < step && bits != 0;) {
      // Doubling: a run of n bits survives n - 1 shifts by one.
      const std::uint32_t shift = done == 0 ? 1 : (done < step - done ? done : step - done);
      bits &= bits >> shift;
      done += shift;
    }
    left -= step;
  }
  std::uint32_t length = at_least;
  while (bits != 0) {
    bits &= bits >> 1;
    ++length;
  }
  return length;
}
static_assert(longest_ones(0b0111'0110, 0) == 3 && longest_ones(0b0111'0110, 2) == 3);
static_assert(longest_ones(0b0111'0110, 5) == 5 && longest_ones(~0ULL, 7) == 64);

}  // namespace

PageMap::Summary PageMap::summarize(std::uint32_t chunk) const {
  constexpr std::uint32_t kChunkWords = kChunkPages / 64;
  Summary s{kChunkPages, 0, 0};
  std::uint32_t run = 0;  // free pages up to here
  for (std::uint32_t i = 0; i < kChunkWords; ++i) {
    const std::uint64_t claimed = claimed_.word(chunk * kChunkWords + i);
    if (claimed == 0) {
      run += 64;
      continue;
    }
    run += static_cast<std::uint32_t>(std::countr_zero(claimed));
    if (s.start == kChunkPages) s.start = run;
    if (s.longest < run) s.longest = run;
    if (s.longest < 62) s.longest = longest_ones(~claimed, s.longest);
    run = static_cast<std::uint32_t>(std::countl_zero(claimed));
  }
  s.end = run;
  if (s.longest < run) s.longest = run;
  return s;
}

// Brings the summary of a chunk up to date. Whoever swaps last has read the bitmap
// after the swap before it, so a change is never lost: a writer that computed from older bits holds
// an older version, fails, and computes again. Acq_rel: the load must see the bits that the thread
// of the previous version changed before its swap.
void PageMap::refresh(std::uint32_t chunk) {
  std::uint64_t old = summaries_[chunk].load(std::memory_order_acquire);
  while (!summaries_[chunk].compare_exchange_strong(old, pack(summarize(chunk), (old >> 39) + 1),
                                                    std::memory_order_acq_rel,
                                                    std::memory_order_acquire)) {
  }
}

// A claim leaves the summaries alone: they then promise too much, which costs the search that is
// disappointed one look, and it corrects them.
bool PageMap::claim_exact(PageRun run) {
  if (run.end().value > kMaxPages) return false;
  if (claimed_.try_set(run)) return true;
  // What was set for a moment and taken back may have been seen by somebody's summary.
  if (!run.empty())
    for (std::uint32_t chunk = run.first.value / kChunkPages;
         chunk <= (run.end().value - 1) / kChunkPages; ++chunk)
      refresh(chunk);
  return false;
}

// A release must never leave a summary that promises too little. The new version makes whoever
// computed from the bits before fail and compute again.
void PageMap::release(PageRun run) {
  if (run.empty()) return;
  claimed_.clear(run);
  const std::uint32_t last = (run.end().value - 1) / kChunkPages;
  for (std::uint32_t chunk = run.first.value / kChunkPages; chunk <= last; ++chunk) {
    const Summary s = unpack(summaries_[chunk].fetch_add(1ULL << 39, std::memory_order_acq_rel));
    // Empty as far as it says: nothing can be promised beyond that.
    if (s.longest == kChunkPages) continue;
    const PageIndex begin{chunk * kChunkPages};
    const PageIndex end{begin.value + kChunkPages};
    const PageIndex from = run.first < begin ? begin : run.first;
    const PageIndex to = end < run.end() ? end : run.end();
    // The free run that the released pages are now part of.
    const PageIndex low = claimed_.previous_end(true, begin, from);
    const PageIndex high = claimed_.next(true, to, end);
    const std::uint32_t length = (high - low).count;
    if (length > s.longest || (low == begin && length > s.start) || (high == end && length > s.end))
      refresh(chunk);
  }
}

std::optional<PageRun> PageMap::claim(const Wanted& wanted) {
  if (wanted.length.count == 0 || wanted.length > wanted.capacity) return std::nullopt;
  // Another thread may take what was found before it is claimed. Each lost race is that thread's
  // progress; the bound is for a host with more threads than sense.
  constexpr int kMaxRaces = 256;
  for (int race = 0; race < kMaxRaces; ++race) {
    // No second look at the bitmap: summaries never promise too little.
    const auto run = find(wanted);
    if (!run) return std::nullopt;
    if (claim_exact(*run)) return run;
  }
  return std::nullopt;
}

std::optional<PageRun> PageMap::find(const Wanted& wanted) {
  return wanted.from == End::kLow ? find_low(wanted) : find_high(wanted);
}

namespace {

constexpr std::uint32_t align_up(std::uint32_t p, const PageMap::Wanted& w) {
  return ((p + w.phase + w.alignment - 1) & ~(w.alignment - 1)) - w.phase;
}

// The last aligned page at or below p; wraps to a huge number when there is none at or above 0.
constexpr std::uint32_t align_down(std::uint32_t p, const PageMap::Wanted& w) {
  return ((p + w.phase) & ~(w.alignment - 1)) - w.phase;
}

}  // namespace

std::optional<PageRun> PageMap::find_low(const Wanted& wanted) {
  const std::uint32_t need = wanted.length.count;
  const PageIndex limit{wanted.capacity.count};
  PageIndex open{0};  // begin of the free run that reaches up to the current chunk
  for (std::uint32_t chunk = 0; chunk * kChunkPages < limit.value; ++chunk) {
    const PageIndex begin{chunk * kChunkPages};
    const PageIndex end{begin.value + kChunkPages};
    const Summary s = unpack(summaries_[chunk].load(std::memory_order_acquire));
    if ((begin - open).count + s.start < need && s.longest < need) {
      if (s.start < kChunkPages) open = {end.value - s.end};
      continue;
    }
    // Runs that begin in or before this chunk; they may go on beyond it.
    for (PageIndex p = open; p < end && p < limit;) {
      p = claimed_.next(false, p, limit < end ? limit : end);
      if (p >= end || p >= limit) break;
      const std::uint32_t first = align_up(p.value, wanted);
      const std::uint64_t stop_wanted = std::uint64_t{first} + need;
      if (stop_wanted > limit.value) return std::nullopt;
      const PageIndex stop = claimed_.next(true, p, {static_cast<std::uint32_t>(stop_wanted)});
      if (stop.value == stop_wanted) return PageRun{{first}, wanted.length};
      p = stop;
    }
    // It promised in vain. (Where alignment is what was missing, it may well have been right.)
    if (wanted.alignment == 1) refresh(chunk);
    open = claimed_.previous_end(true, open, end);
  }
  return std::nullopt;
}

std::optional<PageRun> PageMap::find_high(const Wanted& wanted) {
  const std::uint32_t need = wanted.length.count;
  const PageIndex limit{wanted.capacity.count};
  PageIndex open = limit;  // end of the free run that reaches down to the current chunk
  for (std::uint32_t chunk = (limit.value + kChunkPages - 1) / kChunkPages; chunk-- > 0;) {
    const PageIndex begin{chunk * kChunkPages};
    const PageIndex end{begin.value + kChunkPages < limit.value ? begin.value + kChunkPages
                                                                : limit.value};
    // The summary of a chunk that capacity cuts says nothing about where its end is: look.
    const bool whole = end.value == begin.value + kChunkPages;
    if (whole) {
      const Summary s = unpack(summaries_[chunk].load(std::memory_order_acquire));
      if ((open - end).count + s.end < need && s.longest < need) {
        if (s.end < kChunkPages) open = {begin.value + s.start};
        continue;
      }
    }
    for (PageIndex p = open; p > begin;) {
      p = claimed_.previous_end(false, begin, p);
      if (p <= begin) break;
      if (p.value < need) return std::nullopt;
      const std::uint32_t first = align_down(p.value - need, wanted);
      if (first > p.value) return std::nullopt;  // no aligned page below
      const PageIndex stop = claimed_.previous_end(true, {first}, p);
      if (stop.value == first) return PageRun{{first}, wanted.length};
      p = {stop.value - 1};
    }
    if (wanted.alignment == 1) refresh(chunk);
    open = claimed_.next(true, begin, open);
  }
  return std::nullopt;
}

}  // namespace jitcorral

// Which pages of the window are taken, and where the next run goes.
//
// The bitmap is the truth; it is changed by compare-and-swap a word at a time, so an operation that
// is torn by a kill or a signal only leaks pages. A summary per chunk of 4096 pages (free pages at
// its start, longest free run, free pages at its end, as in Go's runtime/mpagealloc.go) lets a
// search skip full chunks. A summary may promise too much, and is corrected by the search that it
// disappoints; it never promises too little. Address-ordered first fit from either end: at most 128
// summaries and, but for requests with an alignment of their own, the words of one chunk for a
// request that fits, whatever the number of live extents.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "bitmap.h"
#include "jitcorral/units.h"

namespace jitcorral {

// The end of the window from which a search begins.
enum class End : std::uint8_t { kLow, kHigh };

class PageMap {
 public:
  static constexpr std::uint32_t kMaxPages = 1U << 19;  // 2 GiB of 4 KiB pages

  // What to find: `length` free pages below `capacity`, the first of them `(p + phase) % alignment
  // == 0`; alignment is a power of two.
  struct Wanted {
    Pages length;
    Pages capacity;
    std::uint32_t alignment = 1;
    std::uint32_t phase = 0;
    End from = End::kHigh;
  };

  // Claims a run for the caller, or nothing if none is free. Lock-free.
  std::optional<PageRun> claim(const Wanted& wanted);
  // Claims exactly this run, or nothing of it.
  bool claim_exact(PageRun run);
  // Claims whatever of the run is still free, for mappings that the host placed by itself; calls
  // `visit` with each stretch that was.
  template <typename Visit>
  void occupy(PageRun run, Visit visit) {
    claimed_.set_clear_ones(run, visit);
  }
  void occupy(PageRun run) {
    occupy(run, [](PageRun) {});
  }
  // Frees the run, whole or part of what was claimed; pages that were free stay so.
  void release(PageRun run);

  bool is_claimed(PageIndex p) const { return claimed_.test(p); }
  bool any_claimed(PageRun run) const { return claimed_.any(run); }

 private:
  static constexpr std::uint32_t kChunkPages = 4096;
  static constexpr std::uint32_t kChunks = kMaxPages / kChunkPages;

  // Free pages at the start, longest free run, free pages at the end; 13 bits each, and a version
  // that makes a stale writer's compare-and-swap fail. Stored inverted, so that all-zero memory
  // says "all free".
  struct Summary {
    std::uint32_t start, longest, end;
  };
  static constexpr std::uint64_t pack(Summary s, std::uint64_t version);
  static constexpr Summary unpack(std::uint64_t packed);

  Summary summarize(std::uint32_t chunk) const;
  void refresh(std::uint32_t chunk);
  std::optional<PageRun> find(const Wanted& wanted);
  std::optional<PageRun> find_low(const Wanted& wanted);
  std::optional<PageRun> find_high(const Wanted& wanted);

  AtomicBitmap<kMaxPages> claimed_;
  std::atomic<std::uint64_t> summaries_[kChunks] = {};
};

}  // namespace jitcorral

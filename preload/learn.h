// What earlier mappings became, by fingerprint: the protection that a block of an engine gets later
// tells what the next block of the same call path is for. Lock-free, fixed size, signal-safe;
// a lost or torn entry costs a guess, never correctness.
//
// Silence teaches late: an engine may map thousands of blocks before it protects the first
// (cranelift-jit until finalize_definitions, MCJIT until finalizeObject). Only a block that stayed
// as it was while others became code is data.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "window.h"

namespace jitcorral {

class Learner {
 public:
  static constexpr std::uint16_t kNoSlot = 0xffff;

  // The slot of a fingerprint, made on first sight; kNoSlot when the table is full.
  std::uint16_t slot_for(std::uint64_t fingerprint);
  // What a mapping of this slot is for: by the names on its call path if they say it, else judged
  // by what its forerunners became.
  Kind kind_of(std::uint16_t slot) const;

  // Whether the names on the slot's call path were looked at; false also for kNoSlot.
  bool is_named(std::uint16_t slot) const;
  // What they say; kUnknown: nothing.
  void name(std::uint16_t slot, Kind kind);

  // Most of what this slot mapped never became code, after a fair trial: a caller that was learned
  // to be a JIT from one mapping, but maps its heap through the same place.
  bool is_mostly_data(std::uint16_t slot) const;

  // A mapping of `slot` was placed at `pages` of the window (or of anything numbered alike).
  void placed(std::uint16_t slot, PageRun pages);
  // A part of what was placed got this protection.
  void protected_as(PageRun pages, int prot);

 private:
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::size_t kRecent = 64;

  struct Slot {
    std::atomic<std::uint64_t> fingerprint{0};
    std::atomic<std::uint16_t> mapped{0};
    std::atomic<std::uint16_t> became_code{0};
    std::atomic<std::uint16_t> became_rodata{0};
    std::atomic<std::uint16_t> silent{0};  // stayed as they were while others became code
    std::atomic<std::uint8_t> named{0};    // kind + 1, once the names were looked at
    // Its oldest mapping that nothing is known of yet, so that a call path whose mappings are all
    // older than the latest 64 is learned too: pages, epoch. 0: none.
    std::atomic<std::uint64_t> sample{0};
  };
  // first page (20 bits) | pages (20) | slot + 1, or epoch (16) | votes given (2): one word, so
  // never torn.
  static std::uint64_t pack(std::uint16_t tag, PageRun pages);
  template <typename Visit>
  void each_sampled(Visit visit);
  void sample(Slot& s, PageRun pages);
  bool vote(std::atomic<std::uint64_t>& entry, PageRun pages, Slot& s, bool code);

  Slot slots_[kSlots];
  std::atomic<std::uint64_t> recent_[kRecent] = {};
  std::atomic<std::uint32_t> next_{0};
  // The first slots that were made, in order: those whose samples are looked at.
  std::atomic<std::uint16_t> order_[kRecent] = {};
  std::atomic<std::uint32_t> made_{0};
  // Counts blocks that became code; 0 is skipped.
  std::atomic<std::uint16_t> epoch_{1};
};

// The latest mappings of callers that are not known to be JITs, outside the window: the backstop
// that finds a JIT by what its memory becomes. What was placed before stays where it is.
class Suspects {
 public:
  void mapped(AddressRange range, const void* site);
  // This range is somebody else's by now: known, and not to be suspected.
  void forget(AddressRange range);
  // The mapping that holds the address, and whose it was; null if it is not among the latest.
  struct Suspect {
    const void* site = nullptr;
    AddressRange range;
  };
  Suspect holder_of(Address address) const;
  const void* site_of(Address address) const { return holder_of(address).site; }

 private:
  static constexpr std::size_t kCount = 64;
  struct Entry {
    std::atomic<std::uint64_t> begin{0};
    std::atomic<std::uint64_t> end{0};
    std::atomic<const void*> site{nullptr};
  };
  Entry entries_[kCount];
  std::atomic<std::uint32_t> next_{0};
};

}  // namespace jitcorral

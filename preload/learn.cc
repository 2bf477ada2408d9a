#include "learn.h"

#include <sys/mman.h>

namespace jitcorral {
namespace {

void count_up(std::atomic<std::uint16_t>& n) {
  // Saturating and racy on purpose: a vote more or less changes nothing.
  const std::uint16_t now = n.load(std::memory_order_relaxed);
  if (now < 0xffff) n.store(static_cast<std::uint16_t>(now + 1), std::memory_order_relaxed);
}

}  // namespace

std::uint16_t Learner::slot_for(std::uint64_t fingerprint) {
  if (fingerprint == 0) return kNoSlot;
  for (std::size_t probe = 0; probe < 16; ++probe) {
    const std::size_t i = (fingerprint + probe) % kSlots;
    std::uint64_t seen = slots_[i].fingerprint.load(std::memory_order_relaxed);
    if (seen == 0 &&
        slots_[i].fingerprint.compare_exchange_strong(seen, fingerprint, std::memory_order_relaxed))
      seen = fingerprint;
    if (seen == fingerprint) return static_cast<std::uint16_t>(i);
  }
  return kNoSlot;
}

Kind Learner::kind_of(std::uint16_t slot) const {
  if (slot == kNoSlot) return Kind::kUnknown;
  // How many forerunners without any change of protection make read-write data: LLVM never protects
  // the pages of GOTs and variables, but protects everything else before the code can run.
  constexpr std::uint16_t kSilent = 8;
  const Slot& s = slots_[slot];
  const std::uint16_t code = s.became_code.load(std::memory_order_relaxed);
  const std::uint16_t rodata = s.became_rodata.load(std::memory_order_relaxed);
  if (code > 0) return code >= rodata ? Kind::kCode : Kind::kMixed;
  if (rodata > 0) return Kind::kRodata;
  return s.mapped.load(std::memory_order_relaxed) >= kSilent ? Kind::kRwdata : Kind::kUnknown;
}

bool Learner::is_mostly_data(std::uint16_t slot) const {
  constexpr std::uint16_t kFairTrial = 32;
  if (slot == kNoSlot) return false;
  const std::uint16_t mapped = slots_[slot].mapped.load(std::memory_order_relaxed);
  return mapped >= kFairTrial &&
         slots_[slot].became_code.load(std::memory_order_relaxed) < mapped / 4;
}

std::uint64_t Learner::pack(std::uint16_t slot, PageRun pages) {
  return std::uint64_t{pages.first.value} | std::uint64_t{pages.length.count} << 20 |
         (std::uint64_t{slot} + 1) << 40;
}

namespace {

constexpr std::uint64_t kVotedCode = 1ULL << 56;
constexpr std::uint64_t kVotedRodata = 1ULL << 57;

PageRun pages_in(std::uint64_t word) {
  return {{static_cast<std::uint32_t>(word & 0xfffff)},
          Pages{static_cast<std::uint32_t>(word >> 20 & 0xfffff)}};
}
std::size_t slot_in(std::uint64_t word) {
  return (word >> 40 & 0xffff) - 1;
}
bool overlap(PageRun a, PageRun b) {
  return a.first < b.end() && b.first < a.end();
}

}  // namespace

void Learner::placed(std::uint16_t slot, PageRun pages) {
  if (slot == kNoSlot || pages.empty()) return;
  count_up(slots_[slot].mapped);
  // What was here before is gone: what becomes of these pages says nothing of it any more.
  for (std::atomic<std::uint64_t>& entry : recent_) {
    const std::uint64_t word = entry.load(std::memory_order_relaxed);
    if (word != 0 && overlap(pages_in(word), pages)) entry.store(0, std::memory_order_relaxed);
  }
  const std::uint32_t at = next_.fetch_add(1, std::memory_order_relaxed) % kRecent;
  recent_[at].store(pack(slot, pages), std::memory_order_relaxed);
}

void Learner::protected_as(PageRun pages, int prot) {
  if ((prot & PROT_WRITE) != 0 && (prot & PROT_EXEC) == 0) return;  // on its way, not there yet
  if (prot == PROT_NONE) return;
  const bool code = (prot & PROT_EXEC) != 0;
  const std::uint64_t voted = code ? kVotedCode : kVotedRodata;
  for (std::atomic<std::uint64_t>& entry : recent_) {
    const std::uint64_t word = entry.load(std::memory_order_relaxed);
    // A block votes once for each kind, however often and in how many parts it is protected.
    if (word == 0 || (word & voted) != 0 || !overlap(pages_in(word), pages)) continue;
    entry.store(word | voted, std::memory_order_relaxed);
    Slot& s = slots_[slot_in(word)];
    count_up(code ? s.became_code : s.became_rodata);
  }
}

void Suspects::mapped(AddressRange range, const void* site) {
  // Not a read-modify-write: two threads at once may share an entry, and lose one of two guesses.
  const std::uint32_t at = next_.load(std::memory_order_relaxed);
  next_.store(at + 1, std::memory_order_relaxed);
  Entry& e = entries_[at % kCount];
  // A reader between these stores sees an empty range, or at worst a wrong site: a guess, no more.
  e.end.store(0, std::memory_order_relaxed);
  e.begin.store(range.begin.value, std::memory_order_relaxed);
  e.site.store(site, std::memory_order_relaxed);
  e.end.store(range.end.value, std::memory_order_release);  // pairs with the acquire in site_of
}

void Suspects::forget(AddressRange range) {
  for (Entry& e : entries_) {
    const AddressRange seen{{e.begin.load(std::memory_order_relaxed)},
                            {e.end.load(std::memory_order_relaxed)}};
    if (seen.overlaps(range)) e.end.store(0, std::memory_order_relaxed);
  }
}

Suspects::Suspect Suspects::holder_of(Address address) const {
  // The latest first: an address may have been mapped, unmapped and mapped again by another.
  const std::uint32_t next = next_.load(std::memory_order_relaxed);
  for (std::uint32_t age = 1; age <= kCount; ++age) {
    const Entry& e = entries_[(next - age) % kCount];
    const std::uint64_t end = e.end.load(std::memory_order_acquire);  // pairs with mapped()
    const AddressRange range{{e.begin.load(std::memory_order_relaxed)}, {end}};
    if (range.contains(address)) return {e.site.load(std::memory_order_relaxed), range};
  }
  return {};
}

}  // namespace jitcorral

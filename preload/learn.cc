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
    if (seen == 0 && slots_[i].fingerprint.compare_exchange_strong(seen, fingerprint,
                                                                   std::memory_order_relaxed)) {
      seen = fingerprint;
      const std::uint32_t at = made_.fetch_add(1, std::memory_order_relaxed);
      if (at < kRecent)
        order_[at].store(static_cast<std::uint16_t>(i + 1), std::memory_order_relaxed);
    }
    if (seen == fingerprint) return static_cast<std::uint16_t>(i);
  }
  return kNoSlot;
}

bool Learner::is_named(std::uint16_t slot) const {
  return slot != kNoSlot && slots_[slot].named.load(std::memory_order_relaxed) != 0;
}

void Learner::name(std::uint16_t slot, Kind kind) {
  if (slot == kNoSlot) return;
  slots_[slot].named.store(static_cast<std::uint8_t>(static_cast<unsigned>(kind) + 1),
                           std::memory_order_relaxed);
}

Kind Learner::kind_of(std::uint16_t slot) const {
  if (slot == kNoSlot) return Kind::kUnknown;
  // How many forerunners without any change of protection, while others became code, make
  // read-write data: LLVM never protects the pages of GOTs and variables.
  constexpr std::uint16_t kSilent = 8;
  const Slot& s = slots_[slot];
  const std::uint8_t named = s.named.load(std::memory_order_relaxed);
  if (named > 1) return static_cast<Kind>(named - 1);
  const std::uint16_t code = s.became_code.load(std::memory_order_relaxed);
  const std::uint16_t rodata = s.became_rodata.load(std::memory_order_relaxed);
  if (code > 0) return code >= rodata ? Kind::kCode : Kind::kMixed;
  if (rodata > 0) return Kind::kRodata;
  return s.silent.load(std::memory_order_relaxed) >= kSilent ? Kind::kRwdata : Kind::kUnknown;
}

bool Learner::is_mostly_data(std::uint16_t slot) const {
  constexpr std::uint16_t kFairTrial = 32;
  if (slot == kNoSlot) return false;
  const std::uint16_t mapped = slots_[slot].mapped.load(std::memory_order_relaxed);
  return mapped >= kFairTrial &&
         slots_[slot].became_code.load(std::memory_order_relaxed) < mapped / 4;
}

std::uint64_t Learner::pack(std::uint16_t tag, PageRun pages) {
  return std::uint64_t{pages.first.value} | std::uint64_t{pages.length.count} << 20 |
         std::uint64_t{tag} << 40;
}

namespace {

constexpr std::uint64_t kVotedCode = 1ULL << 56;
constexpr std::uint64_t kVotedRodata = 1ULL << 57;

PageRun pages_in(std::uint64_t word) {
  return {{static_cast<std::uint32_t>(word & 0xfffff)},
          Pages{static_cast<std::uint32_t>(word >> 20 & 0xfffff)}};
}
std::uint16_t tag_in(std::uint64_t word) {
  return static_cast<std::uint16_t>(word >> 40 & 0xffff);
}
bool overlap(PageRun a, PageRun b) {
  return a.first < b.end() && b.first < a.end();
}

}  // namespace

// Calls `visit` with each slot that was made early, until it returns true.
template <typename Visit>
void Learner::each_sampled(Visit visit) {
  const std::uint32_t made = made_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < made && i < kRecent; ++i) {
    const std::uint16_t slot = order_[i].load(std::memory_order_relaxed);
    if (slot != 0 && visit(slots_[slot - 1U])) return;
  }
}

// Takes this mapping for the slot's sample if the one it has said what it became, or had its
// chance: others became code meanwhile, and it stayed as it was.
void Learner::sample(Slot& s, PageRun pages) {
  const std::uint64_t word = s.sample.load(std::memory_order_relaxed);
  const std::uint16_t now = epoch_.load(std::memory_order_relaxed);
  const bool voted = (word & (kVotedCode | kVotedRodata)) != 0;
  const bool waits = word != 0 && !voted && tag_in(word) == now;
  if (waits) return;
  if (word != 0 && !voted && tag_in(word) != now) count_up(s.silent);
  s.sample.store(pack(now, pages), std::memory_order_relaxed);
}

void Learner::placed(std::uint16_t slot, PageRun pages) {
  if (slot == kNoSlot || pages.empty()) return;
  count_up(slots_[slot].mapped);
  // What was here before is gone: what becomes of these pages says nothing of it any more.
  for (std::atomic<std::uint64_t>& entry : recent_) {
    const std::uint64_t word = entry.load(std::memory_order_relaxed);
    if (word != 0 && overlap(pages_in(word), pages)) entry.store(0, std::memory_order_relaxed);
  }
  each_sampled([&](Slot& s) {
    const std::uint64_t word = s.sample.load(std::memory_order_relaxed);
    if (word != 0 && overlap(pages_in(word), pages)) s.sample.store(0, std::memory_order_relaxed);
    return false;
  });
  const std::uint32_t at = next_.fetch_add(1, std::memory_order_relaxed) % kRecent;
  recent_[at].store(pack(static_cast<std::uint16_t>(slot + 1), pages), std::memory_order_relaxed);
  sample(slots_[slot], pages);
}

// A block votes once for each kind, however often and in how many parts it is protected.
bool Learner::vote(std::atomic<std::uint64_t>& entry, PageRun pages, Slot& s, bool code) {
  const std::uint64_t voted = code ? kVotedCode : kVotedRodata;
  const std::uint64_t word = entry.load(std::memory_order_relaxed);
  if (word == 0 || (word & voted) != 0 || !overlap(pages_in(word), pages)) return false;
  entry.store(word | voted, std::memory_order_relaxed);
  count_up(code ? s.became_code : s.became_rodata);
  return true;
}

void Learner::protected_as(PageRun pages, int prot) {
  if ((prot & PROT_WRITE) != 0 && (prot & PROT_EXEC) == 0) return;  // on its way, not there yet
  if (prot == PROT_NONE) return;
  const bool code = (prot & PROT_EXEC) != 0;
  bool counted = false;
  for (std::atomic<std::uint64_t>& entry : recent_) {
    const std::uint64_t word = entry.load(std::memory_order_relaxed);
    if (word != 0) counted |= vote(entry, pages, slots_[tag_in(word) - 1U], code);
  }
  // What fell out of the latest ones votes by its sample.
  if (!counted) {
    each_sampled([&](Slot& s) {
      counted = vote(s.sample, pages, s, code);
      return counted;
    });
  }
  if (!code || !counted) return;
  // A lost step of two threads at once is made by the next block.
  const auto next = static_cast<std::uint16_t>(epoch_.load(std::memory_order_relaxed) + 1);
  epoch_.store(next == 0 ? std::uint16_t{1} : next, std::memory_order_relaxed);
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

#include "succession.h"

namespace jitcorral::succession {
namespace {

// Above the three that ring.h knows: what nobody can claim. Readers pass it.
constexpr std::uint64_t kRetired = 3;

// From the last word to the first: what says that a text is ready comes before it, and must be seen
// last.
void copy_texts(RingWriter from, RingWriter to) {
  const std::uint32_t used =
      from.header().texts_used.load(std::memory_order_relaxed) & ~ring::kTextsLeft;
  auto* source = reinterpret_cast<std::uint64_t*>(from.texts());
  auto* target = reinterpret_cast<std::uint64_t*>(to.texts());
  for (std::uint32_t i = (used < ring::kTextsSize ? used : ring::kTextsSize) / 8; i-- > 0;)
    __atomic_store_n(&target[i], __atomic_load_n(&source[i], __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

void copy_body(ring::Slot& from, ring::Slot& to) {
  for (int i = 0; i < 7; ++i)
    __atomic_store_n(&to.body[i], __atomic_load_n(&from.body[i], __ATOMIC_RELAXED),
                     __ATOMIC_RELAXED);
}

}  // namespace

std::uint64_t leave(RingWriter ring) {
  ring::Header& h = ring.header();
  // Sequentially consistent, as the writers' own: who comes later finds the mark.
  const std::uint64_t taken = h.taken.fetch_or(ring::kLeft, std::memory_order_seq_cst);
  h.left_at.store(taken + 1, std::memory_order_release);  // pairs with RingReader::taken
  // Second, so that who gets no room here gets no ticket either.
  h.texts_used.fetch_or(ring::kTextsLeft, std::memory_order_acq_rel);
  return taken;
}

void open(RingWriter ring, std::uint64_t taken) {
  ring::Header& h = ring.header();
  h.texts_used.fetch_and(~ring::kTextsLeft, std::memory_order_relaxed);
  h.left_at.store(0, std::memory_order_release);
  // What was added meanwhile is nobody's ticket.
  h.taken.store(taken, std::memory_order_seq_cst);
}

void copy(RingWriter from, RingWriter to, std::uint64_t taken) {
  ring::Header& old = from.header();
  ring::Header& h = to.header();
  h.hello_offset = old.hello_offset;
  h.late = old.late;
  h.first_ticket = taken;
  h.dropped.store(old.dropped.load(std::memory_order_relaxed), std::memory_order_relaxed);
  h.texts_lost.store(old.texts_lost.load(std::memory_order_relaxed), std::memory_order_relaxed);
  h.texts_used.store(old.texts_used.load(std::memory_order_relaxed) | ring::kTextsLeft,
                     std::memory_order_relaxed);
  h.state.store(old.state.load(std::memory_order_relaxed), std::memory_order_relaxed);
  copy_texts(from, to);
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) {
    ring::Slot& slot = from.slots()[i];
    // A reader that lives after all may free it under us, and a late writer claim it. One that does
    // nothing else must not hold us: what is not copied counts as unfinished.
    constexpr int kRounds = 16;
    std::uint64_t state = slot.state.load(std::memory_order_acquire);
    for (int round = 0; round < kRounds; ++round) {
      if ((state & 3) == ring::kCommitted) copy_body(slot, to.slots()[i]);
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      const std::uint64_t again = slot.state.load(std::memory_order_relaxed);
      if (again == state) {
        to.slots()[i].state.store(state, std::memory_order_relaxed);
        break;
      }
      state = again;
    }
  }
  h.left_at.store(taken + 1, std::memory_order_relaxed);
  // Release: pairs with the reader's look at what was given out.
  h.taken.store(taken | ring::kLeft, std::memory_order_release);
}

bool copy_late(RingWriter from, RingWriter to) {
  copy_texts(from, to);
  bool all = true;
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) {
    ring::Slot& slot = to.slots()[i];
    const std::uint64_t state = slot.state.load(std::memory_order_relaxed);
    // Whose writer was at it when it was copied, and is so still in the copy: nobody else's.
    if ((state & 3) != ring::kClaimed || (state >> 2) >= to.header().first_ticket) continue;
    const std::uint64_t committed = ring::state_word(state >> 2, ring::kCommitted);
    if (from.slots()[i].state.load(std::memory_order_acquire) != committed) {
      all = false;
      continue;
    }
    copy_body(from.slots()[i], slot);
    slot.state.store(committed, std::memory_order_release);  // pairs with the reader's acquire
  }
  return all;
}

bool retire(RingWriter ring) {
  bool all = true;
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) {
    std::uint64_t state = ring::kFree;
    if (ring.slots()[i].state.compare_exchange_strong(state, kRetired, std::memory_order_acq_rel))
      continue;
    if ((state & 3) == ring::kClaimed) all = false;
  }
  return all;
}

}  // namespace jitcorral::succession

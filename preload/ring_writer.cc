#include "ring_writer.h"

#include <cstring>

namespace jitcorral {

void RingWriter::format(std::uint32_t page_size, std::uint32_t pid) {
  ring::Header& h = header();
  ring::describe_layout(h);
  h.page_size = page_size;
  h.pid = pid;
  h.wake_at.store(ring::kNobodyWaits, std::memory_order_relaxed);
  h.texts_used.store(ring::kFirstText, std::memory_order_relaxed);
}

std::uint64_t RingWriter::append(Event& event) {
  ring::Header& h = header();
  // Sequentially consistent, as are the look at wake_at that follows and the reader's two in
  // wait_for and has_news: either we see that it waits, or it sees that there is news.
  const std::uint64_t ticket = h.taken.fetch_add(1, std::memory_order_seq_cst);
  if ((ticket & ring::kLeft) != 0) [[unlikely]]
    return kMovedOn;
  ring::Slot* const slots = this->slots();
  ring::Slot& slot = slots[ticket % ring::kSlots];
  // The reader wrote to the slots ahead when it freed them: fetch them before they are waited for.
  __builtin_prefetch(&slots[(ticket + 2) % ring::kSlots], 1);
  std::uint64_t expected = ring::kFree;
  // Acquire: pairs with the reader's release when it frees the slot, so that its copy is complete
  // before we write.
  if (!slot.state.compare_exchange_strong(expected, ring::state_word(ticket, ring::kClaimed),
                                          std::memory_order_acquire, std::memory_order_relaxed)) {
    h.dropped.fetch_add(1, std::memory_order_relaxed);
    return kDropped;
  }
  event.ticket = ticket;
  // Word by word: a wider load would wait for the stores of the fields to leave the processor. A
  // reader may look at a slot that is being written; it sees no commit and comes back.
  for (std::size_t i = 0; i < 7; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&event) + (i + 1) * sizeof word, sizeof word);
    __atomic_store_n(&slot.body[i], word, __ATOMIC_RELAXED);
  }
  // Release: pairs with the reader's acquire of the state, which makes the body readable.
  slot.state.store(ring::state_word(ticket, ring::kCommitted), std::memory_order_release);
  return ticket;
}

std::uint32_t RingWriter::reserve(std::uint32_t size) {
  ring::Header& h = header();
  const std::uint32_t whole = (size + 7) & ~7U;
  // Compared before it is added: what is full stays full without ever wrapping round.
  std::uint32_t at = h.texts_used.load(std::memory_order_relaxed);
  do {
    // The reader can write here too: whatever it did, nothing is written outside or unaligned.
    if ((at & ring::kTextsLeft) != 0 && is_left()) return 0;
    if (at % 8 != 0 || whole > ring::kTextsSize || at > ring::kTextsSize - whole) {
      h.texts_lost.fetch_add(1, std::memory_order_relaxed);
      return 0;
    }
  } while (!h.texts_used.compare_exchange_weak(at, at + whole, std::memory_order_relaxed));
  return at;
}

std::uint32_t RingWriter::add_text(std::string_view text) {
  if (text.empty()) return 0;
  const auto length = static_cast<std::uint32_t>(
      text.size() < ring::kLongestText ? text.size() : ring::kLongestText);
  const std::uint32_t at = reserve(static_cast<std::uint32_t>(sizeof(ring::Text)) + length);
  if (at == 0) return 0;
  auto* head = reinterpret_cast<ring::Text*>(memory_ + ring::kTextsOffset + at);
  head->length = length;
  std::memcpy(memory_ + ring::kTextsOffset + at + sizeof(ring::Text), text.data(), length);
  // Release: pairs with the reader's acquire. A writer that dies before leaves a text that is never
  // ready.
  head->ready.store(ring::kTextReady, std::memory_order_release);
  return at;
}

std::uint32_t RingWriter::add_site(const void* address, std::uint64_t offset,
                                   std::uint64_t identity, Role role, std::uint32_t module,
                                   std::uint32_t symbol) {
  const std::uint32_t at = reserve(sizeof(ring::Site));
  if (at == 0) return 0;
  auto* site = reinterpret_cast<ring::Site*>(memory_ + ring::kTextsOffset + at);
  site->role = role;
  site->address = reinterpret_cast<std::uint64_t>(address);
  site->offset = offset;
  site->identity = identity;
  site->module = module;
  site->symbol = symbol;
  site->ready.store(ring::kSiteReady, std::memory_order_release);  // pairs as above
  return at;
}

std::uint32_t RingWriter::add_bytes(const void* bytes, std::uint32_t size) {
  const std::uint32_t at = reserve(size);
  if (at != 0) std::memcpy(memory_ + ring::kTextsOffset + at, bytes, size);
  return at;
}

}  // namespace jitcorral

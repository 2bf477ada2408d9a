// The writers' side of a ring (jitcorral/ring.h). Over plain memory, so that it is tested without a
// process. Lock-free, allocates nothing, makes no system call, signal-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "jitcorral/ring.h"

namespace jitcorral {

class RingWriter {
 public:
  static constexpr std::uint64_t kDropped = UINT64_MAX;
  // Of a ring that was left: the event belongs into the process's next one.
  static constexpr std::uint64_t kMovedOn = UINT64_MAX - 1;

  RingWriter() = default;
  // `memory`: ring::kSize zeroed bytes (format()), or a ring that was formatted before.
  explicit RingWriter(void* memory) : memory_(static_cast<unsigned char*>(memory)) {}
  explicit operator bool() const { return memory_ != nullptr; }

  // Makes zeroed memory an empty ring.
  void format(std::uint32_t page_size, std::uint32_t pid);

  // Writes one event; its ticket is filled in and returned, or kDropped, or kMovedOn.
  std::uint64_t append(Event& event);

  // Copies a text; its offset, or 0 if it does not fit or is empty.
  std::uint32_t add_text(std::string_view text);
  std::uint32_t add_site(const void* address, std::uint64_t offset, std::uint64_t identity,
                         Role role, std::uint32_t module, std::uint32_t symbol);
  // Copies bytes, for what is no text; their offset, or 0.
  std::uint32_t add_bytes(const void* bytes, std::uint32_t size);

  // Whether no event and no text is taken here any more.
  bool is_left() const {
    return (header().taken.load(std::memory_order_acquire) & ring::kLeft) != 0;
  }

  ring::Header& header() const { return *reinterpret_cast<ring::Header*>(memory_); }
  ring::Slot* slots() const { return reinterpret_cast<ring::Slot*>(memory_ + ring::kSlotsOffset); }
  unsigned char* texts() const { return memory_ + ring::kTextsOffset; }
  void* memory() const { return memory_; }
  ring::Shard* shards() const {
    return reinterpret_cast<ring::Shard*>(memory_ + ring::kShardsOffset);
  }

 private:
  // Room of `size` bytes in the texts, 8-byte aligned: its offset, or 0.
  std::uint32_t reserve(std::uint32_t size);

  unsigned char* memory_ = nullptr;
};

}  // namespace jitcorral

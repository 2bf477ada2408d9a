// The ring: how one process hands its events to one reader through shared memory (a sealed memfd,
// or a file). Many writers, also in signal handlers; one reader; nobody ever waits.
//
// Layout, in bytes from the beginning: Header | Shards | texts | slots. Everything is little-endian
// and naturally aligned; zero bytes are a valid empty ring behind the header.
//
// A writer takes a ticket by one fetch_add, claims the slot ticket % slots by a compare-and-swap
// from free, writes it, and commits by a release store. A slot that is not free (the reader is
// behind, or a writer died in it) costs the event: it is counted as dropped. The reader takes
// committed slots in the order of their tickets, passes the others and comes back to them, copies
// each once, checks the copy, and frees it. Books that balance: taken = consumed + dropped +
// claimed.
//
// Texts are append-only and never reused: a site, a path or a symbol travels once.
//
// A process whose reader seems to have died leaves its ring for another one, which begins as a
// copy: the same tickets, sites and slots. Who still comes to a ring that was left goes on to the
// next.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "jitcorral/event.h"

namespace jitcorral::ring {

// What memfd_create(2) calls a ring; the kernel's lists of mappings put "/memfd:" before it.
inline constexpr char kMemoryName[] = "jitcorral-ring";
inline constexpr std::uint64_t kMagic = 0x31676e6972636a89;  // "\x89jcring1"
// Readers refuse another major version; minor versions only append to the header.
inline constexpr std::uint16_t kMajor = 1;
inline constexpr std::uint16_t kMinor = 1;

inline constexpr std::uint32_t kSlots = 8192;
inline constexpr std::uint32_t kHeaderSize = 4096;
inline constexpr std::uint32_t kShards = 64;
inline constexpr std::uint32_t kShardSize = 256;
inline constexpr std::uint32_t kTextsSize = 44 * 1024;
inline constexpr std::uint32_t kShardsOffset = kHeaderSize;
inline constexpr std::uint32_t kTextsOffset = kShardsOffset + kShards * kShardSize;
inline constexpr std::uint32_t kSlotsOffset = kTextsOffset + kTextsSize;
inline constexpr std::uint32_t kSize = kSlotsOffset + kSlots * 64;
static_assert(kSize == 589824 && kSize % 65536 == 0, "whole pages of every page size, below 1 MiB");

// What a slot's first word says. The low two bits are the state, the others the ticket.
inline constexpr std::uint64_t kFree = 0;
inline constexpr std::uint64_t kClaimed = 1;
inline constexpr std::uint64_t kCommitted = 2;
constexpr std::uint64_t state_word(std::uint64_t ticket, std::uint64_t state) {
  return ticket << 2 | state;
}

// In `taken` and `texts_used` of a ring that was left: what else these say means nothing then.
inline constexpr std::uint64_t kLeft = std::uint64_t{1} << 61;
inline constexpr std::uint32_t kTextsLeft = std::uint32_t{1} << 31;

// An event in its slot: the ticket's place is taken by the state word.
struct alignas(64) Slot {
  std::atomic<std::uint64_t> state;
  std::uint64_t body[7];
};
static_assert(sizeof(Slot) == sizeof(Event));

// Counters, in the order of the shim's Record; a thread has a shard to itself where it can.
struct alignas(64) Shard {
  std::uint64_t counters[kShardSize / 8];
};
// Indices into Shard::counters and Header::counters_before.
inline constexpr std::size_t kSteered = 0;
inline constexpr std::size_t kFellBack = 1;
inline constexpr std::size_t kFailed = 2;
inline constexpr std::size_t kWouldSteer = 3;
inline constexpr std::size_t kGivenBack = 4;
inline constexpr std::size_t kPassed = 5;  // one for each PassReason
inline constexpr std::size_t kCounters = kPassed + static_cast<std::size_t>(PassReason::kCount);
static_assert(kCounters <= kShardSize / 8);

inline constexpr std::uint64_t kNobodyWaits = UINT64_MAX;  // Header::wake_at

// Header::state.
inline constexpr std::uint32_t kEndedByExit = 1;  // the process came to its destructors
inline constexpr std::uint32_t kFiltered = 2;  // a seccomp filter arrived: no times, no doorbells
inline constexpr std::uint32_t kWindowReserved = 1;  // Header::window_flags
inline constexpr std::uint32_t kWindowCodeAtHighEnd = 2;

struct Header {
  std::uint64_t magic;
  std::uint16_t major;
  std::uint16_t minor;
  std::uint32_t size;  // of the whole ring
  std::uint32_t header_size;
  std::uint32_t shards_offset, shards, shard_size;
  std::uint32_t texts_offset, texts_size;
  std::uint32_t slots_offset, slots;
  std::uint32_t page_size;
  std::uint32_t pid;
  std::uint32_t hello_offset;  // into the texts: a Hello (hello.h), as it was sent; 0: none
  std::uint32_t unused;
  std::uint64_t counters_before[kCounters];  // what was counted before the ring was opened

  // The window; valid once window_known is 1 (release).
  std::uint64_t window_base, window_size, anchor_begin, anchor_end;
  std::atomic<std::uint32_t> window_flags;
  std::atomic<std::uint32_t> window_known;

  // Writers' lines.
  alignas(64) std::atomic<std::uint64_t> taken;       // tickets given out
  alignas(64) std::atomic<std::uint64_t> dropped;     // events lost since their slot was not free
  alignas(64) std::atomic<std::uint32_t> texts_used;  // bytes; may run past texts_size
  std::atomic<std::uint32_t> texts_lost;              // texts that did not fit
  std::atomic<std::uint32_t> state;                   // kEndedByExit, kFiltered

  // The reader's line.
  // Who takes this ticket or a later one rings the doorbell (hello.h), and writes kNobodyWaits.
  alignas(64) std::atomic<std::uint64_t> wake_at;
  std::atomic<std::uint32_t> reader_beats;  // counts up while a reader lives

  // Since minor version 1; zero before.
  std::atomic<std::uint32_t> acknowledged;  // 1, by the reader: the ring outlives the reader
  std::uint64_t first_ticket;  // those below were copied from an earlier ring of the process
  std::uint64_t late;          // placements that were made before the record began
  std::atomic<std::uint64_t> left_at;  // 1 + the tickets given out, when the ring was left
};
static_assert(sizeof(Header) <= kHeaderSize);

// What every ring of this version says of its layout.
constexpr void describe_layout(Header& h) {
  h.magic = kMagic;
  h.major = kMajor;
  h.minor = kMinor;
  h.size = kSize;
  h.header_size = kHeaderSize;
  h.shards_offset = kShardsOffset;
  h.shards = kShards;
  h.shard_size = kShardSize;
  h.texts_offset = kTextsOffset;
  h.texts_size = kTextsSize;
  h.slots_offset = kSlotsOffset;
  h.slots = kSlots;
}

// A call site, in the texts. `ready` is stored last (release).
inline constexpr std::uint32_t kSiteReady = 0x53495445;  // "SITE"
inline constexpr std::uint32_t kTextReady = 0x54455854;  // "TEXT"
struct Site {
  std::atomic<std::uint32_t> ready;
  Role role;
  std::uint8_t unused[3];
  std::uint64_t address;   // the return address
  std::uint64_t offset;    // the same, as link-time address in the module
  std::uint64_t identity;  // of the module: hash of its build-id, or of its name
  std::uint32_t module;    // offset of a Text: the module's path; 0: unknown
  std::uint32_t symbol;    // offset of a Text: the calling function; 0: unknown
};
struct Text {
  std::atomic<std::uint32_t> ready;
  std::uint32_t length;  // of the bytes that follow
};
inline constexpr std::uint32_t kLongestText = 1024;  // bytes; what is longer is cut
// Offsets of texts begin here, so that 0 is none.
inline constexpr std::uint32_t kFirstText = 8;

}  // namespace jitcorral::ring

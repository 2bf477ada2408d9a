// How the events of a segment are kept in the database: as they are, or made small. Pure.
//
// A record is rewritten by nobody and read seldom, but its bytes go to the disk twice (SQLite's
// log, then the database): of 64 bytes an event some three are left (SCHEMA.md says how to read
// them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "jitcorral/event.h"

namespace jitcorral::store {

inline constexpr std::size_t kSegmentEvents = 1024;  // 64 KiB

// The column segment.encoding. Numbers are never reused.
enum class Encoding : std::int64_t {
  kPlain = 0,   // 64 bytes an event, as in event.h
  kPlanes = 1,  // an LZ4 block of 64 planes: byte i of every event, for each i from 0 to 63;
                // tickets and times, before that, as differences from the event before
};

struct Encoded {
  Encoding encoding = Encoding::kPlain;
  std::span<const std::byte> bytes;
};

// Makes segments small; keeps the room that it needs for that.
class SegmentEncoder {
 public:
  // Of 1 to kSegmentEvents events. Valid until the next call, and as long as `events` are: what
  // would not become smaller stays as it is.
  Encoded encode(std::span<const Event> events);

 private:
  std::vector<std::byte> planes_;
  std::vector<std::byte> small_;
  std::vector<std::uint64_t> state_;  // LZ4's
};

// The events of a segment, as many as `count` says, behind those in `into`; false, and `into` stays
// as it was, if it is none: hostile bytes and counts are told by that, and cost no more than
// kSegmentEvents would. Events themselves are not looked at (is_plausible).
bool decode(std::int64_t encoding, std::int64_t count, std::span<const std::byte> bytes,
            std::vector<Event>& into);

}  // namespace jitcorral::store

// What a reader asks a daemon, and its answer: one message each on a connection of its own
// (AF_UNIX, SOCK_SEQPACKET). Little-endian, both on one machine; new fields are appended.
#pragma once

#include <cstdint>
#include <type_traits>

namespace jitcorral::model {

struct Query {
  static constexpr std::uint32_t kMagic = 0x7265756a;  // "juer"
  enum class What : std::uint8_t { kRun, kPid, kLatest, kLiving, kSince, kCount };
  std::uint32_t magic = kMagic;
  std::uint16_t size = 0;  // sizeof(Query) of the sender
  What what = What::kLatest;
  std::uint8_t rows_only = 0;  // 1: no events, only what the rows of the runs say
  std::int64_t number = 0;     // run, pid, how many, -, WallTime; by `what`
};
static_assert(std::is_trivially_copyable_v<Query> && sizeof(Query) == 16);

// With kDone a descriptor travels: a sealed memfd that holds a SQLite database (store/image.h) of
// the wanted runs that the asker may see: his own; root: all.
struct Answer {
  static constexpr std::uint32_t kMagic = 0x72776e61;  // "anwr"
  // kTooMuch: refused, and less would be given.
  enum class Status : std::uint8_t { kDone, kRefused, kTooMuch, kCount };
  std::uint32_t magic = kMagic;
  std::uint16_t size = 0;
  Status status = Status::kRefused;
  std::uint8_t unused = 0;
  char reason[240] = {};  // kRefused, kTooMuch: one line, 0-terminated
  char version[16] = {};  // the daemon's
};
static_assert(std::is_trivially_copyable_v<Answer>);

}  // namespace jitcorral::model

// A copy of some of a database's runs, as the bytes of a SQLite database: what is handed to
// somebody who may not read the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/run.h"
#include "store/database.h"

namespace jitcorral::store {

// Larger images are not made: several copies of one are in memory for a moment, and whoever asks
// must not drive out those that are recorded.
inline constexpr std::uint64_t kLargestImage = std::uint64_t{128} << 20;
// Nor read: a daemon of another version may allow more.
inline constexpr std::uint64_t kLargestRead = std::uint64_t{1} << 30;

// The wanted runs are too much for one image.
class TooMuch : public Error {
 public:
  using Error::Error;
};

// Which runs.
struct Wanted {
  enum class What : std::uint8_t { kRun, kPid, kLatest, kLiving, kSince };
  What what = What::kLatest;
  // The run; the pid; how many of the latest; nothing; the time (WallTime) since which they began.
  std::int64_t number = 0;
  // Only of this user; none: of all.
  std::optional<std::uint32_t> uid;
  // Without events, sites and what was not explained: only what the rows of the runs say.
  bool rows_only = false;
  std::uint64_t most_bytes = kLargestImage;
};

// The wanted runs with those that they were forked from (a user's own only), and their sessions.
// `path`: a database that may be written at the same time. Throws Error; TooMuch.
std::string image_of(const std::string& path, const Wanted& wanted);

}  // namespace jitcorral::store

#include "store/encoding.h"

#include <lz4.h>

#include <array>
#include <bit>
#include <cstring>

namespace jitcorral::store {
namespace {

static_assert(std::endian::native == std::endian::little, "events are stored as they are");

constexpr std::size_t kWords = sizeof(Event) / sizeof(std::uint64_t);
constexpr std::size_t kDifferences = 2;  // words that are stored as differences: ticket and time
static_assert(offsetof(Event, ticket) == 0 && offsetof(Event, time) == 8);

using Column = std::array<std::uint64_t, kSegmentEvents>;

std::uint64_t word_of(const Event& event, std::size_t word) {
  std::uint64_t value;
  std::memcpy(&value, reinterpret_cast<const std::byte*>(&event) + word * sizeof value,
              sizeof value);
  return value;
}

// The eight planes of one word of every event. Most are of one byte only: fingerprints, flags, the
// upper halves of addresses.
void split(const Column& column, std::size_t count, std::byte* planes) {
  std::uint64_t varies = 0;
  for (std::size_t i = 0; i < count; ++i) varies |= column[i] ^ column[count - 1];
  for (unsigned shift = 0; shift < 64; shift += 8, planes += count) {
    if ((varies >> shift & 0xff) == 0) {
      std::memset(planes, static_cast<int>(column[0] >> shift & 0xff), count);
    } else {
      for (std::size_t i = 0; i < count; ++i) planes[i] = std::byte(column[i] >> shift & 0xff);
    }
  }
}

void split(std::span<const Event> events, std::byte* planes) {
  std::array<std::uint64_t, kWords> varies = {};
  for (const Event& event : events)
    for (std::size_t word = 0; word < kWords; ++word)
      varies[word] |= word_of(event, word) ^ word_of(events[0], word);
  const std::size_t count = events.size();
  Column column;
  for (std::size_t word = 0; word < kWords; ++word, planes += count * sizeof(std::uint64_t)) {
    if (word < kDifferences) {
      std::uint64_t before = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t value = word_of(events[i], word);
        column[i] = value - before;
        before = value;
      }
    } else if (varies[word] == 0) {
      for (unsigned byte = 0; byte < 8; ++byte)
        std::memset(planes + byte * count,
                    static_cast<int>(word_of(events[0], word) >> byte * 8 & 0xff), count);
      continue;
    } else {
      for (std::size_t i = 0; i < count; ++i) column[i] = word_of(events[i], word);
    }
    split(column, count, planes);
  }
}

void join(const std::byte* planes, std::span<Event> events) {
  const std::size_t count = events.size();
  for (std::size_t word = 0; word < kWords; ++word) {
    Column column = {};
    for (unsigned shift = 0; shift < 64; shift += 8, planes += count)
      for (std::size_t i = 0; i < count; ++i)
        column[i] |= std::to_integer<std::uint64_t>(planes[i]) << shift;
    if (word < kDifferences)
      for (std::size_t i = 1; i < count; ++i) column[i] += column[i - 1];
    for (std::size_t i = 0; i < count; ++i)
      std::memcpy(reinterpret_cast<std::byte*>(&events[i]) + word * sizeof(std::uint64_t),
                  &column[i], sizeof column[i]);
  }
}

}  // namespace

Encoded SegmentEncoder::encode(std::span<const Event> events) {
  const Encoded plain = {Encoding::kPlain, std::as_bytes(events)};
  const std::size_t size = events.size_bytes();
  if (state_.empty()) {
    planes_.resize(kSegmentEvents * sizeof(Event));
    small_.resize(kSegmentEvents * sizeof(Event));
    state_.resize(static_cast<std::size_t>(LZ4_sizeofState()) / sizeof state_[0] + 1);
  }
  if (size == 0 || size > planes_.size()) return plain;
  split(events, planes_.data());
  // Room for less than it was: what does not fit is not worth it.
  const int length =
      LZ4_compress_fast_extState(state_.data(), reinterpret_cast<const char*>(planes_.data()),
                                 reinterpret_cast<char*>(small_.data()), static_cast<int>(size),
                                 static_cast<int>(size - 1), 1);
  if (length <= 0) return plain;
  return {Encoding::kPlanes, std::span(small_).first(static_cast<std::size_t>(length))};
}

bool decode(std::int64_t encoding, std::int64_t count, std::span<const std::byte> bytes,
            std::vector<Event>& into) {
  constexpr std::size_t kMost = kSegmentEvents * sizeof(Event);
  const std::size_t before = into.size();
  if (bytes.empty() || bytes.size() > kMost) return false;
  switch (encoding) {
    case static_cast<std::int64_t>(Encoding::kPlain):
      if (bytes.size() % sizeof(Event) != 0) return false;
      into.resize(before + bytes.size() / sizeof(Event));
      std::memcpy(&into[before], bytes.data(), bytes.size());
      return true;
    case static_cast<std::int64_t>(Encoding::kPlanes): {
      if (count <= 0 || count > std::int64_t{kSegmentEvents}) return false;
      std::array<std::byte, kMost> planes;
      const auto size = static_cast<std::size_t>(count) * sizeof(Event);
      if (LZ4_decompress_safe(
              reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(planes.data()),
              static_cast<int>(bytes.size()), static_cast<int>(size)) != static_cast<int>(size))
        return false;
      into.resize(before + static_cast<std::size_t>(count));
      join(planes.data(), std::span(into).subspan(before));
      return true;
    }
    default:
      return false;
  }
}

}  // namespace jitcorral::store

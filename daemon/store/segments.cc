#include "store/segments.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <vector>

namespace jitcorral::store {
namespace {

// What a segment's events are made of, if they can be a segment's: what is none or too much is not
// even loaded. Before version 3 all of them were plain, and no column said so.
#define EVENTS(encoding)                                                   \
  "SELECT " encoding                                                       \
  ", count, CASE WHEN typeof(events) = 'blob' AND length(events) <= 65536" \
  " THEN events END FROM segment WHERE "
constexpr std::string_view kById = EVENTS("encoding") "id = ?";
constexpr std::string_view kByRun[] = {EVENTS("encoding") "run = ? ORDER BY id",
                                       EVENTS("0") "run = ? ORDER BY id"};
// Segments of version 1 do not say where they end.
constexpr std::string_view kSince[] = {
    EVENTS("encoding") "run = ? AND (last_ticket IS NULL OR last_ticket >= ?)",
    EVENTS("0") "run = ? AND (last_ticket IS NULL OR last_ticket >= ?)"};
#undef EVENTS

bool is_before_3(Connection& connection) {
  return connection.number("PRAGMA user_version") < 3;
}

// Puts the events of such a row behind `events`: 0; or how many could not be read.
std::uint64_t read(Statement& row, std::vector<Event>& events) {
  const std::int64_t encoding = row.number();
  const std::int64_t count = row.number();
  if (decode(encoding, count, row.blob(), events)) return 0;
  return std::bit_cast<std::uint64_t>(
      std::clamp(count, std::int64_t{1}, std::int64_t{kSegmentEvents}));
}

// The youngest segments of a run that `total` more events are merged with, youngest first.
//
// Every batch must stand on its own when we are killed, so nothing is held back in memory. Segments
// merge like the digits of a binary counter: with the last as long as it is no longer than what is
// added. An event is moved ten times at most, and a run of n events has n / 512 rows and some ten.
// Measured, a batch of 1 / 64 / 512 events each in its transaction, in us (2 cores, ext4, 2026):
//   merging 22 / 50 / 131; growing the last row up to 64 KiB 95 / 89 / 138 (a rewritten row is 32
//   KiB on average); a row a batch 14 / 38 / 107, but 20,000 rows for 20,000 events, against 21.
// Unpacking and packing them anew costs less than it saves: merging plain ones 27 / 46 / 143,
// packed ones 29 / 39 / 118 (medians, by turns).
std::vector<std::int64_t> mergeable(Connection& connection, model::RunId run, std::size_t total) {
  Statement row =
      connection.prepare("SELECT id, count FROM segment WHERE run = ? ORDER BY id DESC");
  row.bind(run);
  std::vector<std::int64_t> ids;
  while (total < kSegmentEvents && row.step()) {
    const std::int64_t id = row.number();
    const std::uint64_t count = row.word();
    if (count == 0 || count > total || count > kSegmentEvents - total) break;
    total += count;
    ids.push_back(id);
  }
  return ids;
}

void insert_segment(Connection& connection, SegmentEncoder& encoder, model::RunId run,
                    std::span<const Event> events) {
  const auto by_ticket = [](const Event& a, const Event& b) { return a.ticket < b.ticket; };
  const auto [first, last] = std::minmax_element(events.begin(), events.end(), by_ticket);
  const Encoded encoded = encoder.encode(events);
  Statement row = connection.prepare(
      "INSERT INTO segment(run, first_ticket, last_ticket, count, encoding, events)"
      " VALUES(?,?,?,?,?,?)");
  row.bind(run).bind(first->ticket).bind(last->ticket).bind(events.size());
  row.bind(encoded.encoding).bind(encoded.bytes).run();
}

// Puts the events of these segments, the oldest last, behind `merged` and takes the segments away.
// One that is not what it says stays, and so do those before it.
void take_segments(Connection& connection, std::vector<std::int64_t> ids,
                   std::vector<Event>& merged) {
  std::vector<std::vector<Event>> parts;
  for (const std::int64_t id : ids) {
    std::vector<Event> events;
    {
      Statement row = connection.prepare(kById);
      if (!row.bind(id).step() || read(row, events) != 0) break;
    }
    connection.prepare("DELETE FROM segment WHERE id = ?").bind(id).run();
    parts.push_back(std::move(events));
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    merged.insert(merged.end(), part->begin(), part->end());
}

}  // namespace

void append(Connection& connection, SegmentEncoder& encoder, model::RunId run,
            std::span<const Event> events) {
  if (events.empty()) return;
  std::vector<Event> merged;
  take_segments(connection, mergeable(connection, run, events.size()), merged);
  if (!merged.empty()) {
    merged.insert(merged.end(), events.begin(), events.end());
    events = merged;
  }
  for (; !events.empty(); events = events.subspan(std::min(events.size(), kSegmentEvents)))
    insert_segment(connection, encoder, run, events.first(std::min(events.size(), kSegmentEvents)));
}

std::vector<std::uint64_t> tickets_since(Connection& connection, model::RunId run,
                                         std::uint64_t first) {
  Statement row = connection.prepare(kSince[is_before_3(connection)]);
  row.bind(run).bind(first);
  std::vector<std::uint64_t> tickets;
  std::vector<Event> events;
  while (row.step()) {
    events.clear();
    read(row, events);
    for (const Event& event : events)
      if (event.ticket >= first) tickets.push_back(event.ticket);
  }
  std::sort(tickets.begin(), tickets.end());
  return tickets;
}

void each_segment(Connection& connection, model::RunId run,
                  const std::function<void(const std::vector<Event>&)>& take) {
  Statement row = connection.prepare(kByRun[is_before_3(connection)]);
  row.bind(run);
  std::vector<Event> events;
  while (row.step()) {
    events.clear();
    read(row, events);
    std::erase_if(events, [](const Event& event) { return !is_plausible(event); });
    take(events);
  }
}

void load_events(Connection& connection, model::Record& record) {
  Statement row = connection.prepare(kByRun[is_before_3(connection)]);
  row.bind(record.run.id);
  std::vector<Event>& events = record.events;
  while (row.step()) {
    const auto before = std::ssize(events);
    record.run.torn += read(row, events);
    const auto senseless = std::remove_if(events.begin() + before, events.end(),
                                          [](const Event& event) { return !is_plausible(event); });
    record.run.torn += static_cast<std::uint64_t>(std::distance(senseless, events.end()));
    events.erase(senseless, events.end());
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.ticket < b.ticket; });
}

}  // namespace jitcorral::store

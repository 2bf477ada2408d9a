#include "store/segments.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace jitcorral::store {
namespace {

static_assert(std::endian::native == std::endian::little, "events are stored as they are");

// The youngest segments of a run that `events` more are to be merged with, youngest first.
//
// Every batch must stand on its own when we are killed, so nothing is held back in memory. Segments
// merge like the digits of a binary counter: with the last as long as it is no longer than what is
// added. An event is moved ten times at most, and a run of n events has n / 512 rows and some ten.
// Measured, a batch of 1 / 64 / 512 events each in its transaction, in us (2 cores, ext4, 2026):
//   merging 22 / 50 / 131; growing the last row up to 64 KiB 95 / 89 / 138 (a rewritten row is 32
//   KiB on average); a row a batch 14 / 38 / 107, but 20,000 rows for 20,000 events, against 21.
std::vector<std::int64_t> mergeable(Connection& connection, model::RunId run, std::size_t& total) {
  Statement row =
      connection.prepare("SELECT id, length(events) FROM segment WHERE run = ? ORDER BY id DESC");
  row.bind(run);
  std::vector<std::int64_t> ids;
  while (total < kSegmentEvents && row.step()) {
    const std::int64_t id = row.number();
    const std::uint64_t size = row.word();
    const std::size_t count = size / sizeof(Event);
    if (size % sizeof(Event) != 0 || count > total || count + total > kSegmentEvents) break;
    total += count;
    ids.push_back(id);
  }
  return ids;
}

void insert_segment(Connection& connection, model::RunId run, std::span<const Event> events) {
  const auto by_ticket = [](const Event& a, const Event& b) { return a.ticket < b.ticket; };
  const auto [first, last] = std::minmax_element(events.begin(), events.end(), by_ticket);
  Statement row = connection.prepare(
      "INSERT INTO segment(run, first_ticket, last_ticket, count, events) VALUES(?,?,?,?,?)");
  row.bind(run).bind(first->ticket).bind(last->ticket).bind(events.size());
  row.bind(std::as_bytes(events)).run();
}

// Puts the events of the segment behind `merged` and takes the segment away.
void take_segment(Connection& connection, std::int64_t id, std::vector<Event>& merged) {
  {
    Statement row = connection.prepare("SELECT events FROM segment WHERE id = ?");
    if (row.bind(id).step()) {
      const auto bytes = row.blob();
      const std::size_t before = merged.size();
      merged.resize(before + bytes.size() / sizeof(Event));
      std::memcpy(merged.data() + before, bytes.data(), (merged.size() - before) * sizeof(Event));
    }
  }
  connection.prepare("DELETE FROM segment WHERE id = ?").bind(id).run();
}

}  // namespace

void append(Connection& connection, model::RunId run, std::span<const Event> events) {
  if (events.empty()) return;
  std::size_t total = events.size();
  const std::vector<std::int64_t> ids = mergeable(connection, run, total);
  if (ids.empty()) {
    for (; !events.empty(); events = events.subspan(std::min(events.size(), kSegmentEvents)))
      insert_segment(connection, run, events.first(std::min(events.size(), kSegmentEvents)));
    return;
  }
  std::vector<Event> merged;
  merged.reserve(total);
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) take_segment(connection, *id, merged);
  merged.insert(merged.end(), events.begin(), events.end());
  insert_segment(connection, run, merged);
}

std::vector<std::uint64_t> tickets_since(Connection& connection, model::RunId run,
                                         std::uint64_t first) {
  // Segments of version 1 do not say where they end.
  Statement row = connection.prepare(
      "SELECT events FROM segment WHERE run = ? AND (last_ticket IS NULL OR last_ticket >= ?)");
  row.bind(run).bind(first);
  std::vector<std::uint64_t> tickets;
  while (row.step()) {
    const auto bytes = row.blob();
    for (std::size_t at = 0; at + sizeof(Event) <= bytes.size(); at += sizeof(Event)) {
      Event event;
      std::memcpy(&event, bytes.data() + at, sizeof event);
      if (event.ticket >= first) tickets.push_back(event.ticket);
    }
  }
  std::sort(tickets.begin(), tickets.end());
  return tickets;
}

void each_segment(Connection& connection, model::RunId run,
                  const std::function<void(const std::vector<Event>&)>& take) {
  Statement row = connection.prepare("SELECT events FROM segment WHERE run = ? ORDER BY id");
  row.bind(run);
  std::vector<Event> events;
  while (row.step()) {
    const auto bytes = row.blob();
    events.clear();
    for (std::size_t at = 0; at + sizeof(Event) <= bytes.size(); at += sizeof(Event)) {
      Event event;
      std::memcpy(&event, bytes.data() + at, sizeof event);
      if (is_plausible(event)) events.push_back(event);
    }
    take(events);
  }
}

void load_events(Connection& connection, model::Record& record) {
  // A value that cannot be a segment is not even loaded.
  Statement row = connection.prepare(
      "SELECT count, CASE WHEN typeof(events) = 'blob' AND length(events) <= 65536 THEN events END"
      " FROM segment WHERE run = ? ORDER BY id");
  row.bind(record.run.id);
  while (row.step()) {
    const std::int64_t claimed = row.number();
    const auto bytes = row.blob();
    if (bytes.empty() || bytes.size() % sizeof(Event) != 0) {
      record.run.torn += std::bit_cast<std::uint64_t>(
          std::clamp(claimed, std::int64_t{1}, std::int64_t{kSegmentEvents}));
      continue;
    }
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Event)) {
      Event event;
      std::memcpy(&event, bytes.data() + at, sizeof event);
      if (is_plausible(event)) {
        record.events.push_back(event);
      } else {
        ++record.run.torn;
      }
    }
  }
  std::stable_sort(record.events.begin(), record.events.end(),
                   [](const Event& a, const Event& b) { return a.ticket < b.ticket; });
}

}  // namespace jitcorral::store

#include "store/retention.h"

namespace jitcorral::store {
namespace {

std::uint64_t changes(const Connection& connection) {
  return static_cast<std::uint64_t>(sqlite3_changes(connection.handle()));
}

std::uint64_t delete_old(Connection& connection, const Retention& retention) {
  Statement row = connection.prepare(
      "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE state <> 0 AND"
      " coalesce(ended, started) < ? ORDER BY id LIMIT ?)");
  row.bind(retention.oldest).bind(retention.at_once).run();
  return changes(connection);
}

// Of the user whose runs hold most, so that nobody's records are driven out by another's. A row
// itself takes about as much as 16 events: many empty runs are much, too. One run may be most of
// the database; of small ones as many at once as are little together.
std::uint64_t delete_of_greatest(Connection& connection, unsigned at_once) {
  Statement row = connection.prepare(
      "DELETE FROM run WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER oldest AS number,"
      " sum(recorded + 16) OVER oldest AS together FROM run WHERE state <> 0 AND uid IS"
      " (SELECT uid FROM run WHERE state <> 0 GROUP BY uid ORDER BY sum(recorded + 16) DESC"
      " LIMIT 1) WINDOW oldest AS (ORDER BY coalesce(ended, started), id))"
      " WHERE number = 1 OR (number <= ? AND together <= 4096))");
  row.bind(at_once).run();
  return changes(connection);
}

// Of the run that holds most now: what it ever recorded may be deleted already.
std::uint64_t delete_segments(Connection& connection, unsigned at_once) {
  Statement row = connection.prepare(
      "DELETE FROM segment WHERE id IN (SELECT id FROM segment WHERE run ="
      " (SELECT run FROM segment GROUP BY run ORDER BY count(*) DESC LIMIT 1)"
      " ORDER BY id LIMIT ?)");
  row.bind(at_once).run();
  return changes(connection);
}

}  // namespace

std::uint64_t size_of(Connection& connection) {
  const auto pages = connection.number("PRAGMA page_count");
  const auto unused = connection.number("PRAGMA freelist_count");
  const auto size = connection.number("PRAGMA page_size");
  return static_cast<std::uint64_t>((pages - unused) * size);
}

Removed retain(Connection& connection, const Retention& retention) {
  Removed removed;
  Transaction transaction(connection, Transaction::For::kWriting);
  if (retention.oldest != 0) removed.runs = delete_old(connection, retention);
  if (removed.runs == 0 && retention.most_bytes != 0 &&
      size_of(connection) > retention.most_bytes) {
    removed.runs = delete_of_greatest(connection, retention.at_once);
    if (removed.runs == 0) removed.segments = delete_segments(connection, retention.at_once);
  }
  if (removed.runs == 0 && removed.segments == 0) return removed;
  connection.execute(
      "DELETE FROM session WHERE ended IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM run WHERE run.session = session.id)");
  transaction.commit();
  removed.more = true;
  return removed;
}

}  // namespace jitcorral::store

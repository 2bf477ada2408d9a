#include "store/image.h"

#include <array>
#include <memory>

#include "store/opening.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace jitcorral::store {
namespace {

// Parameters: ?1 the number, ?2 the user or NULL.
const char* selection(Wanted::What what) {
  switch (what) {
    case Wanted::What::kRun:
      return "SELECT id FROM source.run WHERE id = ?1 AND (?2 IS NULL OR uid = ?2)";
    case Wanted::What::kPid:
      return "SELECT id FROM source.run WHERE pid = ?1 AND (?2 IS NULL OR uid = ?2)"
             " ORDER BY state = 0 DESC, id DESC LIMIT 1";
    case Wanted::What::kLatest:
      return "SELECT id FROM source.run WHERE (?2 IS NULL OR uid = ?2)"
             " ORDER BY id DESC LIMIT CASE WHEN ?1 <= 0 THEN -1 ELSE ?1 END";
    case Wanted::What::kLiving:
      return "SELECT id FROM source.run WHERE state = 0 AND ?1 = ?1 AND (?2 IS NULL OR uid = ?2)";
    case Wanted::What::kSince:
      return "SELECT id FROM source.run WHERE started >= ?1 AND (?2 IS NULL OR uid = ?2)";
  }
  return "SELECT id FROM source.run WHERE 0 AND ?1 = ?2";
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

// All rows of `table` that `where` names, columns by name: a database that was migrated has them in
// another order than a new one.
void copy(Connection& image, const std::string& table, const std::string& where) {
  std::string columns;
  {
    sqlite3_stmt* statement = nullptr;
    const std::string sql = "SELECT name FROM pragma_table_info('" + table + "', 'main')";
    if (sqlite3_prepare_v2(image.handle(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      image.fail(sqlite3_extended_errcode(image.handle()));
    // Goes after `row`, whose destructor still resets it.
    const std::unique_ptr<sqlite3_stmt, Finalize> owner(statement);
    Statement row(image.path(), statement);
    while (row.step())
      (columns += columns.empty() ? "" : ",") += "\"" + std::string(row.text()) + "\"";
  }
  image.execute(("INSERT INTO main." + table + "(" + columns + ") SELECT " + columns +
                 " FROM source." + table + " WHERE " + where)
                    .c_str());
}

void choose(Connection& image, const Wanted& wanted) {
  image.execute("CREATE TEMP TABLE chosen(id INTEGER PRIMARY KEY)");
  static const auto texts = [] {
    std::array<std::string, 5> all;
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] =
          std::string("INSERT OR IGNORE INTO chosen ") + selection(static_cast<Wanted::What>(i));
    return all;
  }();
  {
    Statement row = image.prepare(texts.at(static_cast<std::size_t>(wanted.what)));
    row.bind(wanted.number).bind(wanted.uid).run();
  }
  if (wanted.rows_only) return;
  // What a forked process had at its fork is in its parent's record. A parent is older than its
  // child: a damaged file's circles end here.
  Statement row = image.prepare(
      "WITH RECURSIVE older(id, parent) AS (SELECT id, parent FROM source.run WHERE id IN chosen"
      " UNION SELECT run.id, run.parent FROM source.run AS run JOIN older ON run.id = older.parent"
      " WHERE run.id < older.id AND (?1 IS NULL OR run.uid = ?1))"
      " INSERT OR IGNORE INTO chosen SELECT id FROM older");
  row.bind(wanted.uid).run();
}

}  // namespace

std::string image_of(const std::string& path, const Wanted& wanted) {
  // By the checks of every reader; then once more by name, beside the image's own tables.
  const auto checked = open_for_reading(path);
  Connection image(path, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  image.execute("PRAGMA temp_store = MEMORY");
  make_tables(image);
  {
    Statement row = image.prepare("ATTACH ?1 AS source");
    const std::string name = sqlite3_db_filename(checked->handle(), "main");
    row.bind(std::string_view(name)).run();
  }
  image.execute("PRAGMA source.query_only = ON; PRAGMA query_only = OFF");
  if (checked->number("PRAGMA user_version") != kSchemaVersion)
    throw Error(shown(path) + ": is of an older version and can't be read through the daemon yet");
  {
    Transaction moment(image, Transaction::For::kReading);
    choose(image, wanted);
    // A row of a run takes about 1 KiB.
    std::int64_t bytes = image.number("SELECT count(*) * 1024 FROM chosen");
    if (!wanted.rows_only)
      bytes += image.number(
          "SELECT (SELECT coalesce(sum(length(events)), 0) FROM source.segment WHERE run IN chosen)"
          " + (SELECT count(*) * 64 FROM source.unseen WHERE run IN chosen)");
    if (static_cast<std::uint64_t>(bytes) > wanted.most_bytes)
      throw TooMuch("these runs are " + std::to_string(bytes >> 20) +
                    " MiB, which is too much for one answer: ask for fewer");
    copy(image, "session", "id IN (SELECT session FROM source.run WHERE id IN chosen)");
    copy(image, "run", "id IN chosen");
    if (!wanted.rows_only)
      for (const char* table : {"site", "unseen", "segment"}) copy(image, table, "run IN chosen");
    moment.commit();
  }
  image.execute("DETACH source");
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(
      sqlite3_serialize(image.handle(), "main", &size, 0), sqlite3_free);
  if (!bytes) throw Error(shown(path) + ": not enough memory for a copy");
  return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

}  // namespace jitcorral::store

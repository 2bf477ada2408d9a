#include "store/schema.h"

#include <time.h>

#include <string>

#include "store/place.h"

namespace jitcorral::store {
namespace {

// One entry a version; never changed once released, new ones are appended. Times are nanoseconds
// since 1970 (UTC); addresses and counts are 64 bits, shown negative from 2^63 on; enumerations are
// the numbers of vocabulary.h, policy.h and model/run.h. AUTOINCREMENT: a number that was shown to
// somebody never comes to mean another run.
constexpr const char* kMigrations[] = {R"sql(
CREATE TABLE session(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  started INTEGER NOT NULL, ended INTEGER,
  command TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL, status INTEGER);
CREATE TABLE run(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
  parent INTEGER REFERENCES run(id) ON DELETE SET NULL,
  pid INTEGER NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL, executable TEXT NOT NULL,
  isa INTEGER NOT NULL, page_size INTEGER NOT NULL, mode INTEGER NOT NULL, near INTEGER NOT NULL,
  version TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
  exit_code INTEGER, signal INTEGER, fork_time INTEGER NOT NULL,
  window_begin INTEGER, window_end INTEGER, anchor_begin INTEGER, anchor_end INTEGER,
  window_reserved INTEGER,
  counters TEXT,
  has_ring INTEGER NOT NULL, recorded INTEGER NOT NULL, position INTEGER NOT NULL,
  dropped INTEGER NOT NULL, torn INTEGER NOT NULL, texts_lost INTEGER NOT NULL,
  filter_arrived INTEGER NOT NULL, samples INTEGER NOT NULL, verdict TEXT NOT NULL);
CREATE INDEX run_of_session ON run(session);
CREATE INDEX run_of_parent ON run(parent);
CREATE TABLE site(
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  id INTEGER NOT NULL, role INTEGER NOT NULL,
  address INTEGER NOT NULL, offset INTEGER NOT NULL, identity INTEGER NOT NULL,
  module TEXT NOT NULL, symbol TEXT NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY(run, id)) WITHOUT ROWID;
CREATE TABLE unseen(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  ticket INTEGER NOT NULL, range_begin INTEGER NOT NULL, range_end INTEGER NOT NULL,
  permissions TEXT NOT NULL);
CREATE INDEX unseen_of_run ON unseen(run);
CREATE TABLE segment(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  first_ticket INTEGER NOT NULL, count INTEGER NOT NULL, events BLOB NOT NULL);
CREATE INDEX segment_of_run ON segment(run);

CREATE VIEW sessions_readable AS SELECT id,
  datetime(started / 1000000000, 'unixepoch') AS started_utc,
  datetime(ended / 1000000000, 'unixepoch') AS ended_utc,
  command, host, version, status,
  (SELECT count(*) FROM run WHERE run.session = session.id) AS runs
  FROM session;
CREATE VIEW runs_readable AS SELECT id, session, parent, pid, executable,
  CASE state WHEN 0 THEN 'running' WHEN 1 THEN 'ended' WHEN 2 THEN 'replaced'
    WHEN 3 THEN 'not loaded' ELSE state END AS state,
  CASE WHEN signal IS NOT NULL THEN 'signal ' || signal
    WHEN exit_code IS NOT NULL THEN 'exit ' || exit_code END AS how,
  verdict, reason,
  CASE isa WHEN 0 THEN 'unknown' WHEN 1 THEN 'x86-64' WHEN 2 THEN 'aarch64' ELSE isa END AS isa,
  CASE mode WHEN 0 THEN 'off' WHEN 1 THEN 'observe' WHEN 2 THEN 'auto' WHEN 3 THEN 'exec-only'
    WHEN 4 THEN 'all' WHEN 5 THEN 'scatter' ELSE mode END AS policy,
  CASE near WHEN 0 THEN 'auto' WHEN 1 THEN 'exe' WHEN 2 THEN 'none' WHEN 3 THEN 'low'
    WHEN 4 THEN 'library' WHEN 5 THEN 'address' ELSE near END AS near,
  datetime(started / 1000000000, 'unixepoch') AS started_utc,
  datetime(ended / 1000000000, 'unixepoch') AS ended_utc,
  printf('0x%x-0x%x', window_begin, window_end) AS "window",
  json_extract(counters, '$[0]') AS steered, json_extract(counters, '$[1]') AS fell_back,
  json_extract(counters, '$[2]') AS failed, json_extract(counters, '$[3]') AS would_steer,
  recorded, dropped, torn, texts_lost, filter_arrived, version
  FROM run;
CREATE VIEW sites_readable AS SELECT run, id,
  CASE role WHEN 0 THEN 'none' WHEN 1 THEN 'LLVM' WHEN 2 THEN 'Julia' WHEN 3 THEN 'Cranelift'
    WHEN 4 THEN 'arena' WHEN 5 THEN 'learned' ELSE role END AS engine,
  printf('0x%x', address) AS address, printf('0x%x', offset) AS offset, module, symbol, version
  FROM site;
)sql",
                                       R"sql(
ALTER TABLE run ADD COLUMN uid INTEGER;
ALTER TABLE run ADD COLUMN identity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN start_ticks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN container TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN slurm_job TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN placed_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN last_ticket INTEGER;
CREATE INDEX run_of_identity ON run(identity) WHERE identity <> 0;
CREATE INDEX run_living ON run(pid) WHERE state = 0;
DROP VIEW runs_readable;
CREATE VIEW runs_readable AS SELECT id, session, parent, uid, pid, executable, unit, container, slurm_job, label,
  CASE state WHEN 0 THEN 'running' WHEN 1 THEN 'ended' WHEN 2 THEN 'replaced'
    WHEN 3 THEN 'not loaded' ELSE state END AS state,
  CASE WHEN signal IS NOT NULL THEN 'signal ' || signal
    WHEN exit_code IS NOT NULL THEN 'exit ' || exit_code END AS how,
  verdict, reason,
  CASE isa WHEN 0 THEN 'unknown' WHEN 1 THEN 'x86-64' WHEN 2 THEN 'aarch64' ELSE isa END AS isa,
  CASE mode WHEN 0 THEN 'off' WHEN 1 THEN 'observe' WHEN 2 THEN 'auto' WHEN 3 THEN 'exec-only'
    WHEN 4 THEN 'all' WHEN 5 THEN 'scatter' ELSE mode END AS policy,
  CASE near WHEN 0 THEN 'auto' WHEN 1 THEN 'exe' WHEN 2 THEN 'none' WHEN 3 THEN 'low'
    WHEN 4 THEN 'library' WHEN 5 THEN 'address' ELSE near END AS near,
  datetime(started / 1000000000, 'unixepoch') AS started_utc,
  datetime(ended / 1000000000, 'unixepoch') AS ended_utc,
  printf('0x%x-0x%x', window_begin, window_end) AS "window",
  json_extract(counters, '$[0]') AS steered, json_extract(counters, '$[1]') AS fell_back,
  json_extract(counters, '$[2]') AS failed, json_extract(counters, '$[3]') AS would_steer,
  recorded, dropped, torn, texts_lost, filter_arrived, version
  FROM run;
)sql",
                                       R"sql(
ALTER TABLE segment ADD COLUMN encoding INTEGER NOT NULL DEFAULT 0;
)sql"};
static_assert(std::size(kMigrations) == kSchemaVersion);

// The file says whose it is before anything else, in a transaction of one page and without WAL: so
// whoever reads the first bytes of any state of it (check_header) knows it, also after a kill.
void sign(Connection& connection) {
  if (connection.number("PRAGMA application_id") == kApplicationId) return;
  Transaction transaction(connection, Transaction::For::kWriting);
  if (connection.number("PRAGMA application_id") == kApplicationId) return;
  if (connection.number("SELECT count(*) FROM sqlite_schema") != 0)
    throw Error(
        shown(connection.path()) +
        ": is a SQLite database of another program, not of jitcorral; name another by --db");
  connection.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  transaction.commit();
}

// The change to WAL needs the file alone, and SQLite does not wait for that (of two that want it,
// waiting, neither would ever get it): so it is tried again, in no step with the others.
void enter_wal(Connection& connection) {
  timespec begun;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  while (true) {
    const int code = connection.attempt("PRAGMA journal_mode = WAL");
    if (code == SQLITE_OK) break;
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t waited =
        (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
    if ((code & 0xff) != SQLITE_BUSY || waited >= kWaitMilliseconds) connection.fail(code);
    const timespec pause{0, 1000000 + now.tv_nsec % 4000000};
    nanosleep(&pause, nullptr);
  }
  Statement mode = connection.prepare("PRAGMA journal_mode");
  if (!mode.step() || mode.text() != "wal")
    throw Error(shown(connection.path()) +
                ": its file system cannot share memory, which SQLite's WAL mode needs; name a "
                "database on a local disk by --db");
}

void migrate(Connection& connection) {
  const auto version = [&] {
    const std::int64_t found = connection.number("PRAGMA user_version");
    if (found > kSchemaVersion) throw Error(too_new(connection.path(), found));
    return found < 0 ? 0 : found;
  };
  if (version() == kSchemaVersion) return;
  Transaction transaction(connection, Transaction::For::kWriting);
  for (std::int64_t v = version(); v < kSchemaVersion; ++v)  // another process may have done it
    connection.execute(kMigrations[v]);
  connection.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  transaction.commit();
}

}  // namespace

void protect(Connection& connection) {
  sqlite3* handle = connection.handle();
  // A file of unknown origin: no triggers, no views in the place of tables, no functions with side
  // effects in its schema, and no value larger than any that we write.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 << 20);
  // NORMAL: a commit is written to the WAL, but the disk is waited for only when the WAL goes into
  // the database. What a killed process committed stands, since the kernel has it; a power failure
  // may cost the latest commits, never the database.
  connection.execute(
      "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
      "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216");
}

void make_tables(Connection& connection) {
  connection.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  migrate(connection);
}

void settle(Connection& connection) {
  sign(connection);
  enter_wal(connection);
  migrate(connection);
}

void check_tables(Connection& connection) {
  for (const char* sql :
       {"SELECT id, started, status FROM session LIMIT 0",
        "SELECT id, session, counters, verdict FROM run LIMIT 0",
        "SELECT run, id, address, version FROM site LIMIT 0",
        "SELECT run, ticket, permissions FROM unseen LIMIT 0",
        "SELECT id, run, first_ticket, count, events FROM segment LIMIT 0",
        connection.number("PRAGMA user_version") < 3 ? ""
                                                     : "SELECT encoding FROM segment LIMIT 0"}) {
    const int code = connection.attempt(sql);
    if (code == SQLITE_ERROR)
      throw Error(shown(connection.path()) + ": is damaged: it lacks a table of jitcorral's (" +
                  shown(sqlite3_errmsg(connection.handle())) + "); move it away");
    if (code != SQLITE_OK) connection.fail(code);
  }
}

}  // namespace jitcorral::store

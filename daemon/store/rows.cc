#include "store/rows.h"

#include <string>
#include <utility>

#include "store/columns.h"

namespace jitcorral::store {
namespace {

model::Session read_session(Statement& row) {
  model::Session session;
  session.id = row.number();
  session.started = row.number();
  session.ended = row.maybe_number();
  session.command = text(row);
  session.host = text(row);
  session.version = text(row);
  session.status = maybe_int(row);
  return session;
}

}  // namespace

model::SessionId insert(Connection& connection, const model::Session& session) {
  Statement row = connection.prepare(
      "INSERT INTO session(started, ended, command, host, version, status) VALUES(?,?,?,?,?,?)");
  row.bind(session.started).bind(session.ended).bind(storable(session.command));
  row.bind(storable(session.host)).bind(storable(session.version)).bind(session.status);
  row.run();
  return sqlite3_last_insert_rowid(connection.handle());
}

void update(Connection& connection, const model::Session& session) {
  Statement row = connection.prepare(
      "UPDATE session SET started=?, ended=?, command=?, host=?, version=?, status=? WHERE id=?");
  row.bind(session.started).bind(session.ended).bind(storable(session.command));
  row.bind(storable(session.host)).bind(storable(session.version)).bind(session.status);
  row.bind(session.id).run();
  expect_change(connection, "session", session.id);
}

void insert(Connection& connection, model::RunId run, const model::Site& site) {
  Statement row = connection.prepare(
      "INSERT INTO site(run, id, role, address, offset, identity, module, symbol, version)"
      " VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(run, id) DO UPDATE SET role=excluded.role,"
      " address=excluded.address, offset=excluded.offset, identity=excluded.identity,"
      " module=excluded.module, symbol=excluded.symbol, version=excluded.version");
  row.bind(run).bind(site.id).bind(site.role).bind(site.address).bind(site.offset);
  row.bind(site.identity).bind(storable(site.module, kLongestName));
  row.bind(storable(site.symbol, kLongestName)).bind(storable(site.version, kLongestName)).run();
}

void insert(Connection& connection, model::RunId run, const model::Unseen& unseen) {
  Statement row = connection.prepare(
      "INSERT INTO unseen(run, ticket, range_begin, range_end, permissions) VALUES(?,?,?,?,?)");
  row.bind(run).bind(unseen.ticket).bind(unseen.range.begin.value).bind(unseen.range.end.value);
  row.bind(storable(unseen.permissions, kLongestName)).run();
}

std::vector<model::Session> load_sessions(Connection& connection) {
  Statement row = connection.prepare(
      "SELECT id, started, ended, command, host, version, status FROM session"
      " ORDER BY started DESC, id DESC");
  std::vector<model::Session> sessions;
  while (row.step()) sessions.push_back(read_session(row));
  return sessions;
}

std::optional<model::Session> load_session(Connection& connection, model::SessionId id) {
  Statement row = connection.prepare(
      "SELECT id, started, ended, command, host, version, status FROM session WHERE id = ?");
  if (!row.bind(id).step()) return std::nullopt;
  return read_session(row);
}

std::optional<model::SessionId> latest_session(Connection& connection) {
  Statement row =
      connection.prepare("SELECT id FROM session ORDER BY started DESC, id DESC LIMIT 1");
  if (!row.step()) return std::nullopt;
  return row.number();
}

void load_sites(Connection& connection, model::Record& record) {
  Statement row = connection.prepare(
      "SELECT id, role, address, offset, identity, module, symbol, version FROM site"
      " WHERE run = ? ORDER BY id");
  row.bind(record.run.id);
  while (row.step()) {
    const std::int64_t id = row.number();
    model::Site site;
    site.role = enumerator(row.number(), before(Role::kCount), Role::kNone);
    site.address = row.word();
    site.offset = row.word();
    site.identity = row.word();
    bool short_enough = true;
    for (std::string* name : {&site.module, &site.symbol, &site.version}) {
      const std::string_view found = row.text();
      short_enough = short_enough && found.size() <= kLongestName;
      if (short_enough) *name = found;
    }
    if (!short_enough || !fits<std::uint32_t>(id)) {
      ++record.run.torn;
      continue;
    }
    site.id = static_cast<std::uint32_t>(id);
    record.sites.push_back(std::move(site));
  }
}

void load_unseen(Connection& connection, model::Record& record) {
  Statement row = connection.prepare(
      "SELECT ticket, range_begin, range_end, permissions FROM unseen WHERE run = ? ORDER BY id");
  row.bind(record.run.id);
  while (row.step()) {
    model::Unseen unseen;
    unseen.ticket = row.word();
    unseen.range.begin = Address{row.word()};
    unseen.range.end = Address{row.word()};
    const std::string_view permissions = row.text();
    if (unseen.range.end < unseen.range.begin || permissions.size() > kLongestName) {
      ++record.run.torn;
      continue;
    }
    unseen.permissions = permissions;
    record.unseen.push_back(std::move(unseen));
  }
}

}  // namespace jitcorral::store

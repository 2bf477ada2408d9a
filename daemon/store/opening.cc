#include "store/opening.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "store/place.h"
#include "store/schema.h"

namespace jitcorral::store {
namespace {

// "file:" and the path, with what has a meaning in a URI escaped.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x20) {
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    } else {
      uri += c;
    }
  }
  return uri;
}

// The first real look, by which SQLite reads the WAL and every table's definition.
int look(Connection& connection) {
  return connection.attempt("SELECT count(*) FROM sqlite_schema");
}

// Beside the file nothing can be written, so SQLite cannot share an index of the WAL. Nobody writes
// then: a writer would have made that index. So no lock is needed; without a WAL the file is all
// there is, with one (its writer was killed, and the files were copied) the index is kept in
// memory. `name`: the file itself, not a link to it, since the WAL is beside the file.
std::unique_ptr<Connection> open_unshared(const std::string& path, const std::string& name) {
  struct stat wal;
  if (stat((name + "-wal").c_str(), &wal) != 0 || wal.st_size == 0)
    return std::make_unique<Connection>(path, uri_of(name) + "?immutable=1",
                                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  auto connection = std::make_unique<Connection>(path, name, SQLITE_OPEN_READONLY, "unix-none");
  connection->execute("PRAGMA locking_mode = EXCLUSIVE");
  return connection;
}

bool is_refused(int code) {
  return (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY;
}

void refuse_empty(const Connection& connection) {
  throw Error(shown(connection.path()) +
              ": is empty, nothing has been recorded into it; record by `jitcorral run`, or name "
              "another database by --db");
}

}  // namespace

std::unique_ptr<Connection> open_for_writing(const std::string& path) {
  const std::string name = absolute(path);
  take_place(name);
  auto connection = std::make_unique<Connection>(path, name, SQLITE_OPEN_READWRITE);
  if (sqlite3_db_readonly(connection->handle(), "main") != 0)
    throw Error(shown(path) +
                ": cannot be written (no permission, or a read-only file system); give "
                "write access, or name another database by --db");
  if (check_header(*connection) == Header::kEmpty) {
    // Ours from now on, so private: -wal and -shm take its mode over. Never made wider.
    struct stat status;
    if (stat(name.c_str(), &status) == 0 && (status.st_mode & 0777 & ~0600U) != 0)
      chmod(name.c_str(), status.st_mode & 0600);
  }
  protect(*connection);
  settle(*connection);
  check_tables(*connection);
  return connection;
}

std::unique_ptr<Connection> open_for_reading(const std::string& path) {
  const std::string name = absolute(path);
  expect_file(name);
  auto connection = std::make_unique<Connection>(path, name, SQLITE_OPEN_READONLY);
  if (check_header(*connection) == Header::kEmpty) refuse_empty(*connection);
  int code = look(*connection);
  const std::string file = sqlite3_db_filename(connection->handle(), "main");
  if (is_refused(code) && access(file.substr(0, file.rfind('/') + 1).c_str(), W_OK) != 0) {
    connection = open_unshared(path, file);
    code = look(*connection);
  }
  if (code != SQLITE_OK) connection->fail(code);
  protect(*connection);
  const std::int64_t version = connection->number("PRAGMA user_version");
  if (version > kSchemaVersion) throw Error(too_new(path, version));
  if (version <= 0) refuse_empty(*connection);  // its making has begun, no more
  check_tables(*connection);
  return connection;
}

std::unique_ptr<Connection> open_image(std::string bytes, const std::string& name) {
  auto connection =
      std::make_unique<Connection>(name, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  // SQLite's own memory, so that it goes with the connection.
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
  if (copy == nullptr) throw Error(shown(name) + ": not enough memory to read it");
  std::memcpy(copy, bytes.data(), bytes.size());
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  const int code =
      sqlite3_deserialize(connection->handle(), "main", copy, size, size,
                          SQLITE_DESERIALIZE_READONLY | SQLITE_DESERIALIZE_FREEONCLOSE);
  if (code != SQLITE_OK) connection->fail(code);
  if (const int looked = look(*connection); looked != SQLITE_OK) connection->fail(looked);
  if (connection->number("PRAGMA application_id") != kApplicationId)
    throw Error(shown(name) + ": is not a database of jitcorral");
  protect(*connection);
  const std::int64_t version = connection->number("PRAGMA user_version");
  if (version > kSchemaVersion) throw Error(too_new(name, version));
  check_tables(*connection);
  return connection;
}

}  // namespace jitcorral::store

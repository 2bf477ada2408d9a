#include "store/sqlite.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace jitcorral::store {
namespace {

// Other processes hold the lock for about a millisecond each. SQLite's own handler ends up asking
// ten times a second, so that of many writers the unlucky wait out their 5 s; asking often, and not
// in step, lets all of them through.
int wait_for_others(void*, int times) {
  static thread_local timespec begun;
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (times == 0) begun = now;
  const std::int64_t waited =
      (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
  if (waited >= kWaitMilliseconds) return 0;
  const auto spread = (static_cast<std::uint64_t>(now.tv_nsec) / 64 +
                       static_cast<std::uint64_t>(getpid()) * 2654435761U) %
                      8;
  const timespec pause{0, static_cast<long>((1 + (times < 4 ? 0 : spread)) * 1000000)};
  nanosleep(&pause, nullptr);
  return 1;
}

// errno of what failed, or 0. sqlite3_system_errno knows none of a commit's: the file that failed
// does, the WAL or the database.
int system_error(sqlite3* handle, int code) {
  const int known = sqlite3_system_errno(handle);
  if (known != 0 || (code & 0xff) != SQLITE_IOERR) return known;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int found = 0;
    if (sqlite3_file_control(handle, "main", which, &file) == SQLITE_OK && file != nullptr &&
        file->pMethods != nullptr &&
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &found) == SQLITE_OK &&
        found != 0)
      return found;
  }
  return 0;
}

}  // namespace

std::string shown(std::string_view path) {
  std::string line(path);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return line;
}

std::string explain(const std::string& path, int code, int error_number, const char* said) {
  const std::string name = shown(path);
  // SQLite quotes the definitions of damaged tables, of any length and with line breaks.
  const std::string message = shown(std::string_view(said).substr(0, 160));
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return name + ": no space is left to write it; free some, or name another database by --db";
    case SQLITE_IOERR:
      if (full)
        return name + ": no space is left to write it (" + std::strerror(error_number) +
               "); free some, or name another database by --db";
      return name + ": the file system failed (" +
             (error_number != 0 ? std::strerror(error_number) : message.c_str()) +
             "); look at its device, or name another database by --db";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return name + ": another process has held it for 5 s; try again when that is done";
    case SQLITE_CORRUPT:
      return name + ": is damaged (" + message +
             "); move it away, `sqlite3 FILE .recover` shows what is left";
    case SQLITE_NOTADB:
      return name +
             ": is not a SQLite database; jitcorral writes only to its own files, name "
             "another by --db";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return name + ": cannot be opened or written, nor its -wal and -shm beside it (" +
             (error_number != 0 ? std::strerror(error_number) : message.c_str()) +
             "); give access to the file and its folder, or name another database by --db";
    case SQLITE_CONSTRAINT:
      return name + ": the session or run that this belongs to is not in it (" + message + ")";
    case SQLITE_TOOBIG:
      return name + ": holds a value too large to be jitcorral's; it is damaged, move it away";
    default:
      return name + ": SQLite says: " + message;
  }
}

Statement::~Statement() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::check(int code) {
  if (code == SQLITE_OK) return;
  sqlite3* handle = sqlite3_db_handle(statement_);
  const int extended = sqlite3_extended_errcode(handle);
  throw Error(explain(path_, extended, system_error(handle, extended), sqlite3_errmsg(handle)));
}

Statement& Statement::bind_number(std::int64_t number) {
  check(sqlite3_bind_int64(statement_, parameter_++, number));
  return *this;
}

Statement& Statement::bind_null() {
  check(sqlite3_bind_null(statement_, parameter_++));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would be NULL
  check(
      sqlite3_bind_text64(statement_, parameter_++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::span<const std::byte> blob) {
  check(sqlite3_bind_blob64(statement_, parameter_++, blob.data(), blob.size(), SQLITE_STATIC));
  return *this;
}

bool Statement::step() {
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) check(code);
  return code == SQLITE_ROW;
}

void Statement::run() {
  while (step()) {
  }
}

bool Statement::null() const {
  return sqlite3_column_type(statement_, column_) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::maybe_number() {
  if (null()) {
    ++column_;
    return std::nullopt;
  }
  return number();
}

std::string_view Statement::text() {
  const void* data = sqlite3_column_text(statement_, column_);
  const int size = sqlite3_column_bytes(statement_, column_++);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::span<const std::byte> Statement::blob() {
  const void* data = sqlite3_column_blob(statement_, column_);
  const int size = sqlite3_column_bytes(statement_, column_++);
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

Connection::Connection(std::string path, const std::string& name, int flags, const char* vfs)
    : path_(std::move(path)) {
  const int code = sqlite3_open_v2(name.c_str(), &handle_,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (code == SQLITE_OK) {
    sqlite3_busy_handler(handle_, wait_for_others, nullptr);
    return;
  }
  const std::string line = explain(path_, code, handle_ ? sqlite3_system_errno(handle_) : 0,
                                   handle_ ? sqlite3_errmsg(handle_) : "out of memory");
  sqlite3_close_v2(handle_);
  throw Error(line);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

void Connection::fail(int code) const {
  throw Error(explain(path_, code, system_error(handle_, code), sqlite3_errmsg(handle_)));
}

Statement Connection::prepare(std::string_view sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return {path_, found->second};
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  statements_.emplace(sql, statement);
  return {path_, statement};
}

void Connection::execute(const char* sql) {
  const int code = attempt(sql);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::number(const char* sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.number() : 0;
}

Transaction::Transaction(Connection& connection, For purpose) : connection_(connection) {
  connection_.execute(purpose == For::kWriting ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  // After some errors (a full disk) SQLite has rolled back by itself.
  if (connection_.in_transaction()) connection_.attempt("ROLLBACK");
}

void Transaction::commit() {
  connection_.execute("COMMIT");
}

}  // namespace jitcorral::store

// SQLite behind two types: a Connection, and a Statement that is prepared once and used often. Both
// throw store::Error; the text is one line that begins with the database's path.
#pragma once

#include <sqlite3.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "store/database.h"

namespace jitcorral::store {

// How long a database that another process holds is waited for.
inline constexpr int kWaitMilliseconds = 5000;

// A statement in use; goes back to its connection, reset, when it is destroyed. Parameters are
// bound and columns are read in their order. What is bound must outlive the statement: nothing is
// copied.
class Statement {
 public:
  Statement(const std::string& path, sqlite3_stmt* statement)
      : path_(path), statement_(statement) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  // SQLite knows no unsigned numbers: 64 bits are stored as they are, so that addresses of 2^63 and
  // above are negative there and come back whole.
  template <std::integral Number>
  Statement& bind(Number number) {
    if constexpr (std::is_same_v<Number, std::uint64_t>) {
      return bind_number(std::bit_cast<std::int64_t>(number));
    } else {
      return bind_number(std::int64_t{number});
    }
  }
  template <typename Enum>
  requires std::is_enum_v<Enum> Statement& bind(Enum value) {
    return bind_number(static_cast<std::int64_t>(value));
  }
  template <typename T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }
  Statement& bind(std::string_view text);
  Statement& bind(std::span<const std::byte> blob);
  Statement& bind_null();

  // Whether there is a (next) row.
  bool step();
  // To the end; any rows are passed over.
  void run();

  // The next column. What does not fit its type comes back as nothing, or cut, never as an error: a
  // database can hold anything.
  bool null() const;
  std::int64_t number() { return sqlite3_column_int64(statement_, column_++); }
  std::uint64_t word() { return std::bit_cast<std::uint64_t>(number()); }
  std::optional<std::int64_t> maybe_number();
  std::string_view text();  // until the next step
  std::span<const std::byte> blob();

 private:
  Statement& bind_number(std::int64_t number);
  void check(int code);

  const std::string& path_;
  sqlite3_stmt* statement_;
  int parameter_ = 1;
  int column_ = 0;
};

class Connection {
 public:
  // `path` is what errors say; `name` what SQLite is given: a path, or a URI with SQLITE_OPEN_URI.
  Connection(std::string path, const std::string& name, int flags, const char* vfs = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

  // `sql` must be a literal: its address stays in the cache.
  Statement prepare(std::string_view sql);
  // Runs statements without a cache; returns SQLite's code, throws nothing.
  int attempt(const char* sql) { return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); }
  void execute(const char* sql);
  // The one number that `sql` asks for.
  std::int64_t number(const char* sql);
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  [[noreturn]] void fail(int code) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<std::string_view, sqlite3_stmt*> statements_;
};

// BEGIN now, COMMIT when told to, ROLLBACK when it goes without.
class Transaction {
 public:
  enum class For { kReading, kWriting };
  Transaction(Connection& connection, For purpose);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
};

// Error's line for what SQLite answered; `error_number`: errno where it is known,
// or 0; `said`: SQLite's message.
std::string explain(const std::string& path, int code, int error_number, const char* said);
// The path as one line can show it.
std::string shown(std::string_view path);

}  // namespace jitcorral::store

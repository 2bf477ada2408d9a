// What lies at a database's path before SQLite looks at it, by names alone: opening a file and
// closing it again would drop the locks that another Database of this process holds on it (POSIX).
#pragma once

#include <cstdint>
#include <string>

#include "store/sqlite.h"

namespace jitcorral::store {

// The path as SQLite cannot misread it (":memory:", "file:..."): absolute.
std::string absolute(const std::string& path);

// Makes an empty file (0600) and its missing folders (0700) where there is nothing; refuses what is
// no regular file. After it there is a file.
void take_place(const std::string& path);
// The same, without making anything.
void expect_file(const std::string& path);

// What the first bytes of an opened database say. Reads past SQLite's locks and changes nothing, so
// that another program's file is left exactly as it is, even one that would need recovery.
enum class Header { kEmpty, kOurs };
Header check_header(const Connection& connection);

// The line for a database whose schema is of `version`, above ours.
std::string too_new(const std::string& path, std::int64_t version);

}  // namespace jitcorral::store

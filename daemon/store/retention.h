// What is deleted, so that a database of months stays within its bounds. The file does not shrink:
// what comes later takes the pages (SQLite's auto_vacuum writes a first page before it is signed,
// so that another process would take the file for a stranger's).
#pragma once

#include <cstdint>

#include "store/database.h"
#include "store/sqlite.h"

namespace jitcorral::store {

// Deletes one portion, in a transaction of its own: what is too old, then, while the database is
// too large, the oldest of what has ended, of the user who holds most; then the oldest segments.
Removed retain(Connection& connection, const Retention& retention);
// Of the pages in use.
std::uint64_t size_of(Connection& connection);

}  // namespace jitcorral::store

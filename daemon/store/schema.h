// The tables, and how a file of ours comes to have those of this version.
#pragma once

#include "store/sqlite.h"

namespace jitcorral::store {

// Makes the file ours, in WAL mode, with the tables of kSchemaVersion: whether it is empty, of an
// older version, or just being made by another process. Each step is atomic and may be repeated, so
// a process killed in between leaves what the next one finishes.
void settle(Connection& connection);

// The tables in a database of our own, in memory, that nobody else sees.
void make_tables(Connection& connection);

// Settings of a connection: what may not last, and what protects from a hostile file.
void protect(Connection& connection);

// Throws unless the tables are there, with the columns that this version uses.
void check_tables(Connection& connection);

}  // namespace jitcorral::store

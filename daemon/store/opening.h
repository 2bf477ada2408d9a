// From a path to a connection that can be used, or to the one line that says why not.
#pragma once

#include <memory>
#include <string>

#include "store/sqlite.h"

namespace jitcorral::store {

std::unique_ptr<Connection> open_for_writing(const std::string& path);
std::unique_ptr<Connection> open_for_reading(const std::string& path);
// The bytes of a database, read from memory; `name` is what errors say.
std::unique_ptr<Connection> open_image(std::string bytes, const std::string& name);

}  // namespace jitcorral::store

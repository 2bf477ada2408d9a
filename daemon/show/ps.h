// The living processes, a line each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "show/html.h"
#include "show/show.h"

namespace jitcorral::show {

struct Living {
  std::uint32_t pid = 0;
  std::string name;
  std::string executable;
  std::optional<Detailed> record;  // none: nobody records it, or nobody who answers
  bool jits = false;               // a JIT of it made calls
};

struct Processes {
  std::vector<Living> all;
  bool daemon = false;       // whether one answered
  std::string database;      // where the records are from; empty: none was found
  std::uint64_t closed = 0;  // processes that may not be looked at
  std::uint64_t silent = 0;  // processes without a JIT's calls that are not among `all`
};

// Bytes of a JIT's memory inside the window, as far as is known now.
Bytes filled(const Detailed& run);

std::string processes_text(const Processes& processes, const TextOptions& options);
Json processes_json(const Processes& processes);

}  // namespace jitcorral::show

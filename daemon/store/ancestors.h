// The records of the processes that a run was forked from.
#pragma once

#include <map>
#include <memory>

#include "store/database.h"

namespace jitcorral::store {

// Records are kept, since one parent often has many children, as long as this lives.
class Ancestors {
 public:
  explicit Ancestors(const Database& database) : database_(database) {}
  // With its own parents; null if it was not forked, or they are not known.
  const model::Record* parent_of(const model::Run& run);

 private:
  const Database& database_;
  std::map<model::RunId, std::unique_ptr<model::Record>> kept_;
};

}  // namespace jitcorral::store

#include "store/ancestors.h"

#include <utility>
#include <vector>

namespace jitcorral::store {
namespace {

// Forks deeper than this lose what their oldest ancestors had mapped; a file may say anything.
constexpr std::size_t kDeepest = 64;

}  // namespace

const model::Record* Ancestors::parent_of(const model::Run& run) {
  // Up to the first that is there already, then down again, so that each finds its own parent.
  std::vector<std::unique_ptr<model::Record>> chain;
  const model::Record* above = nullptr;
  model::RunId child = run.id;
  std::optional<model::RunId> next = run.parent;
  // A parent is known before its child: other ids are a damaged file's, and may go in circles.
  while (next && *next < child && chain.size() < kDeepest) {
    const auto known = kept_.find(*next);
    if (known != kept_.end()) {
      above = known->second.get();
      break;
    }
    auto record = database_.record(*next);
    if (!record) break;
    child = *next;
    next = record->run.parent;
    chain.push_back(std::make_unique<model::Record>(std::move(*record)));
  }
  while (!chain.empty()) {
    chain.back()->parent = above;
    above = chain.back().get();
    kept_[above->run.id] = std::move(chain.back());
    chain.pop_back();
  }
  return above;
}

}  // namespace jitcorral::store

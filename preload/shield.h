// Which free pages of the window are held by a PROT_NONE mapping of ours.
//
// Kept as the difference from how the window began, where either all pages were held or none: so
// opening a window is one store, of the word that says which, and cannot be left half done by a
// handler that leaves by longjmp, forks, or opens the window itself.
#pragma once

#include "bitmap.h"

namespace jitcorral {

template <std::uint32_t kBits>
class Shield {
 public:
  Shield(AtomicBitmap<kBits>& changed, bool all_at_first)
      : changed_(changed), all_at_first_(all_at_first) {}

  void set(PageRun run) const {
    if (all_at_first_)
      changed_.clear(run);
    else
      changed_.set(run);
  }
  void clear(PageRun run) const {
    if (all_at_first_)
      changed_.set(run);
    else
      changed_.clear(run);
  }
  bool test(PageIndex p) const { return changed_.test(p) != all_at_first_; }
  bool any(PageRun run) const { return all_at_first_ ? !changed_.all(run) : changed_.any(run); }
  bool all(PageRun run) const { return all_at_first_ ? !changed_.any(run) : changed_.all(run); }
  // As AtomicBitmap::next.
  PageIndex next(bool held, PageIndex from, PageIndex end) const {
    return changed_.next(held != all_at_first_, from, end);
  }

 private:
  AtomicBitmap<kBits>& changed_;
  bool all_at_first_;
};

}  // namespace jitcorral

#include "serve/limits.h"

#include <algorithm>

namespace jitcorral::serve {

void Budget::refill(Time now) {
  if (filled_ == Time{}) filled_ = now;
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  if (seconds <= 0) return;
  left_ = std::min(most_, left_ + seconds * rate_);
  filled_ = now;
}

bool Budget::take(double n, Time now) {
  refill(now);
  if (left_ <= 0) return false;
  left_ -= n;
  return true;
}

Budget::Time Budget::next(Time now) const {
  if (left_ > 0) return now;
  const double seconds = std::min(60.0, (1 - left_) / std::max(1.0, rate_));
  return now + std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace jitcorral::serve

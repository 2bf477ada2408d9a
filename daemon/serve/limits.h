// What one user may ask of a daemon that serves all. Pure: time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace jitcorral::serve {

// Allows `per_second` on average, and as many at once, or `at_once`.
class Budget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Budget(double per_second) : Budget(per_second, per_second) {}
  Budget(double per_second, double at_once) : rate_(per_second), most_(at_once), left_(at_once) {}
  void set_rate(double per_second) { rate_ = most_ = per_second; }
  // Whether there is anything left; then `n` are taken, which may leave a debt: how many events a
  // ring holds is known only when they were read.
  bool take(double n, Time now);
  // When there is something left again.
  Time next(Time now) const;

 private:
  void refill(Time now);

  double rate_;
  double most_;
  double left_;
  Time filled_{};
};

// A user's processes, messages and events.
struct User {
  explicit User(double events_per_second) : events(events_per_second) {}
  unsigned rings = 0;
  Budget events;
  Budget messages{20'000};
  // Each costs looks into /proc and a row; what a large machine starts at once is no flood.
  Budget processes{200, 5'000};
  // Seconds of ours for rings that are offered anew: each is stored, and compared with what is. A
  // process offers one after five seconds at the earliest.
  Budget offers{0.2, 2};
  bool said_too_many = false;
};

}  // namespace jitcorral::serve

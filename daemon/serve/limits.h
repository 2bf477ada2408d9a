// What one user may ask of a daemon that serves all. Pure: time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace jitcorral::serve {

// Allows `per_second` on average, and as many at once.
class Budget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Budget(double per_second) : rate_(per_second), left_(per_second) {}
  void set_rate(double per_second) { rate_ = per_second; }
  // Whether there is anything left; then `n` are taken, which may leave a debt: how many events a
  // ring holds is known only when they were read.
  bool take(double n, Time now);
  // When there is something left again.
  Time next(Time now) const;

 private:
  void refill(Time now);

  double rate_;
  double left_;
  Time filled_{};
};

// A user's processes, messages and events.
struct User {
  explicit User(double events_per_second) : events(events_per_second) {}
  unsigned rings = 0;
  Budget events;
  Budget messages{20'000};
  bool said_too_many = false;
};

}  // namespace jitcorral::serve

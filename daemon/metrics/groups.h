// The groups that processes are counted under, bounded: whatever names a machine's users think of,
// a scrape stays small, and so does this.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "metrics/snapshot.h"

namespace jitcorral::metrics {

// What a group is called in the metrics.
struct Labels {
  std::string unit;
  std::string executable;
  auto operator<=>(const Labels&) const = default;
};
inline constexpr std::string_view kOther = "other";
inline constexpr std::size_t kLongestLabel = 128;  // bytes

// A systemd unit as a label: what differs from one transient scope to the next ("session-7.scope",
// "docker-4f0c….scope") becomes "*", so that the group outlives it. Empty: "none".
std::string unit_label(std::string_view unit);
// An executable's path as a label: its last part, since paths hold users' names.
std::string executable_label(std::string_view path);

// First come, first kept: a group that is there stays, or its counters would jump. Above `most`
// groups the rest is one, `unit="other", executable="other"`; above `most_of_unit` in one unit the
// rest of that unit is one, so that a user who invents names takes none from others.
//
// Keep one that holds what ended; call `of` when a process begins, so that its group is there; for
// a snapshot copy it, and add to the copy what the living have counted so far.
class Groups {
 public:
  static constexpr std::size_t kMost = 500;
  static constexpr std::size_t kMostOfUnit = 50;

  explicit Groups(std::size_t most = kMost, std::size_t most_of_unit = kMostOfUnit)
      : most_(most), most_of_unit_(most_of_unit) {}

  // By unit and path as they are; labels are made here.
  Group& of(std::string_view unit, std::string_view executable);

  const std::map<Labels, Group>& all() const { return groups_; }

 private:
  std::size_t most_;
  std::size_t most_of_unit_;
  std::map<Labels, Group> groups_;
  std::map<std::string, std::size_t> of_unit_;  // executables under each unit
};

// All that a scrape shows.
struct Snapshot {
  Daemon daemon;
  Groups groups = Groups();
};
// Asked on the server's thread.
using Source = std::function<Snapshot()>;

}  // namespace jitcorral::metrics

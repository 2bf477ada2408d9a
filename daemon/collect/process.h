// One process of a session, while its recorder follows it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "collect/proc.h"
#include "collect/ring_reader.h"

namespace jitcorral::collect {

using Clock = std::chrono::steady_clock;

// A set of addresses, as merged ranges.
class AddressSet {
 public:
  void add(AddressRange range);
  void remove(AddressRange range);
  std::size_t size() const { return ranges_.size(); }  // pieces
  bool covers(AddressRange range) const;
  void add(const AddressSet& other);

 private:
  std::map<Address, Address> ranges_;  // begin -> end
};

struct Process {
  pid_t pid = 0;
  std::uint64_t identity = 0;  // of its record (Hello)
  Descriptor pidfd;
  model::Run run;                         // id 0: not stored yet
  std::shared_ptr<const Process> parent;  // that forked it, if it was recorded here
  std::optional<RingReader> ring;
  bool ended = false;  // nothing more will come
  Clock::time_point ended_at{};
  bool changed = true;  // the row is to be written

  // Not stored yet.
  std::vector<Event> events;
  std::vector<model::Site> sites;
  std::vector<model::Unseen> unseen;

  // Whether files that the process names may be opened. Of another user's process only what lies
  // where no user can mount anything: a file system of his own could make us wait for ever.
  bool may_open(const std::string& path) const;
  bool is_trusted = true;

  static constexpr std::uint32_t kSiteStep = 8;  // sites lie at multiples of it
  std::vector<bool> known_sites;                 // by id / kSiteStep
  AddressSet explained;  // every range that an event mapped or made executable
  // Executable memory that no event explained when it was last looked for. An event may be on its
  // way, so it takes two looks.
  std::vector<proc::Mapping> suspects;
  bool missed_ring = false;  // it was not in the list that was read last
  AddressSet reported;
  std::size_t reports = 0;
  Clock::time_point next_sample{};
  Clock::duration sample_interval = std::chrono::milliseconds(50);

  // Takes what is in the ring. False if there was nothing.
  bool read_ring(bool thorough);
  // By these events, which were stored, what they mapped is explained.
  void explain(const std::vector<Event>& stored);
  // Looks for executable memory that no event explains, and for the ring itself. False: the process
  // has called exec since, and what it is now has not said hello; there is no more to come.
  bool sample(Clock::time_point now);
  // Whether the process is gone.
  bool has_ended() const;
  // It is gone, or became another program: reads the rest and closes the row.
  void close(model::RunState state, std::optional<proc::Exit> exit);
  // All of it is stored, and nothing more will be: only what its children ask for is kept.
  void let_go();

 private:
  // By events of its own, and of those that it was forked from.
  AddressSet all_explained() const;
  void report(const proc::Mapping& mapping, std::uint64_t ticket);
};

}  // namespace jitcorral::collect

// What lay where, over time: a live set of extents that mappings, protections and moves split.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "jitcorral/range.h"

namespace jitcorral::analyze {

// Where in the replay something happened; 0: before its first event.
using Step = std::uint32_t;
inline constexpr Step kStillThere = UINT32_MAX;

// A piece of one mapping, all bytes of which had one history. A piece that is split becomes several
// that all existed from its beginning.
struct Extent {
  AddressRange range;
  std::uint64_t ticket = 0;   // of the event that mapped it
  std::uint32_t mapping = 0;  // index of who mapped it, and how
  Step born = 0;
  Step died = kStillThere;
  std::uint8_t prot = 0;         // now, or when it died
  bool ever_executable = false;  // what it became
  bool ever_read_only = false;
  bool ever_accessible = false;
  bool ever_writable = false;
  bool moved = false;  // it died by a move: the same bytes go on in another extent

  bool live() const { return died == kStillThere; }
};

class AddressSpace {
 public:
  // Maps a range; what lay there goes.
  void map(AddressRange range, std::uint32_t mapping, int prot, std::uint64_t ticket, Step step);
  // Takes a range away.
  void unmap(AddressRange range, Step step);
  // Changes the protection of what is mapped there. Parts of the range where nothing is are
  // appended to `gaps`.
  void protect(AddressRange range, int prot, std::vector<AddressRange>* gaps);

  // The pieces of a range, cut to it, in order of address.
  std::vector<Extent> pieces(AddressRange range);
  // The same, and takes them away.
  std::vector<Extent> move_out(AddressRange range, Step step);
  // Maps `piece` with its history at another place.
  void move_in(AddressRange range, const Extent& piece, std::uint64_t ticket, Step step);

  // Forgets what is gone, and that what is there had a beginning: where a forked child starts.
  void start_over();

  const std::vector<Extent>& extents() const { return extents_; }
  // Extents looked at so far: what bounds the work on a hostile record.
  std::uint64_t visited() const { return visited_; }

 private:
  using Live = std::map<std::uint64_t, std::uint32_t>;  // first byte -> index into extents_

  // The first live extent at or behind `at`, after splitting the one that it lies inside of.
  Live::iterator cut(Address at);
  void add(const Extent& extent);

  std::vector<Extent> extents_;
  Live live_;
  std::uint64_t visited_ = 0;
};

}  // namespace jitcorral::analyze

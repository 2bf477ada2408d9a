// What a daemon and its holder send each other: one message each, with descriptors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collect/ring_reader.h"

namespace jitcorral::serve {

struct Parcel {
  enum class What : char {
    kKeep = 'K',     // to the holder: these descriptors, under this name
    kForget = 'F',   // to the holder
    kList = 'L',     // to the holder: everything, please
    kBarrier = 'B',  // to the holder, and back when all before it is done
    kEntry = 'E',    // from the holder: one that it keeps
    kLast = 'Z',     // from the holder: that was all
  };
  What what = What::kBarrier;
  std::string name;
  std::vector<collect::Descriptor> descriptors;
};

inline constexpr std::size_t kLongestName = 200;
inline constexpr std::size_t kMostDescriptors = 4;

// False: the other side is gone, or errno is EAGAIN.
bool send_parcel(int socket, Parcel::What what, const std::string& name = {},
                 const std::vector<int>& descriptors = {});
// None: the other side is gone, it sent what is none, or errno is EAGAIN.
std::optional<Parcel> receive_parcel(int socket);

}  // namespace jitcorral::serve

// What a process says to a recorder: one message on a connection of its own (AF_UNIX,
// SOCK_SEQPACKET), which the process never waits for and never reads from.
//
// A ring's descriptor travels with kRing (SCM_RIGHTS). Sender and uid are what the kernel says of
// the connection; what the message says of them is for lines only.
#pragma once

#include <cstdint>
#include <type_traits>

#include "jitcorral/policy.h"
#include "jitcorral/ring.h"

namespace jitcorral {

struct Hello {
  static constexpr std::uint32_t kMagic = 0x6f6c6c68;  // "hllo"
  enum class Subject : std::uint8_t {
    kBegin,     // the shim is loaded; from its constructor
    kRing,      // the first event is there, and its ring
    kDoorbell,  // there are events, and the reader said that it waits
    kEnd,       // exit without a ring: the counts
    kCannot,    // events were to be recorded, but can't be; `reason` is a Cannot
    kCount,
  };
  // Why no ring could be made.
  enum class Cannot : std::uint8_t {
    kNone,
    kFilter,      // a seccomp filter is in force
    kMemory,      // memfd_create, fallocate or mmap refused (`error`)
    kFileLimit,   // RLIMIT_FSIZE is smaller than a ring
    kShadow,      // TSan or MSan: the shim steps aside
    kFile,        // the file of JITCORRAL_RECORD=file: can't be made (`error`)
    kFileSystem,  // ... lies where a full disk would cost the host its life
    kCount,
  };
  static constexpr std::string_view kCannotTexts[] = {
      "nothing",
      "a seccomp filter is in force",
      "the kernel gave no memory for the record",
      "RLIMIT_FSIZE is smaller than the record",
      "ThreadSanitizer or MemorySanitizer is at work, so the shim stepped aside",
      "the file can't be made",
      "the file's file system can't reserve its blocks; use ext4, XFS or tmpfs"};
  static_assert(std::size(kCannotTexts) == static_cast<std::size_t>(Cannot::kCount));

  std::uint32_t magic = kMagic;
  std::uint16_t major = ring::kMajor;
  std::uint16_t size = 0;  // sizeof(Hello) of the sender
  Subject subject = Subject::kBegin;
  Cannot reason = Cannot::kNone;
  Mode mode = Mode::kAuto;
  Near near = Near::kAuto;
  Isa isa = kOwnIsa;
  std::uint8_t forked = 0;  // 1: the process was forked, and its parent was under the shim
  std::uint16_t error = 0;  // errno of `reason`
  std::uint32_t pid = 0;
  std::uint32_t unused = 0;
  // Tells records apart where pids do not (namespaces, reuse); random.
  std::uint64_t identity = 0;
  // When forked: the identity of the nearest ancestor with a record, which this one is a copy of as
  // of fork_time.
  std::uint64_t parent = 0;
  std::uint64_t time = 0;                        // CLOCK_MONOTONIC, ns: when this was sent
  std::uint64_t fork_time = 0;                   // CLOCK_MONOTONIC, ns; 0 if not forked
  std::uint64_t seed = 0;                        // JITCORRAL_SEED; 0 if not set
  std::uint64_t window = 0;                      // JITCORRAL_WINDOW
  std::uint64_t max = 0;                         // the largest request that is steered
  std::uint64_t counters[ring::kCounters] = {};  // for kEnd
  char version[16] = {};                         // the shim's, 0-terminated
  char executable[480] = {};                     // its path, 0-terminated; what is longer is cut
};
static_assert(std::is_trivially_copyable_v<Hello> && sizeof(Hello) < 1024);

}  // namespace jitcorral

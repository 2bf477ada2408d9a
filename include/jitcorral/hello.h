// What a process says to a recorder: one message on a connection of its own (AF_UNIX,
// SOCK_SEQPACKET), which the process never waits for and never reads from.
//
// A ring's descriptor travels with kRing (SCM_RIGHTS). Sender and uid are what the kernel says of
// the connection; what the message says of them is for lines only.
//
// A hello only grows at its end. Readers accept shorter ones (what is missing is zero) and longer
// ones (the rest is ignored) of the same major version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "jitcorral/policy.h"
#include "jitcorral/ring.h"

namespace jitcorral {

struct Hello {
  static constexpr std::uint32_t kMagic = 0x6f6c6c68;  // "hllo"
  static constexpr std::size_t kFirstSize = 696;       // of release 0.1.0: the least there is
  static constexpr std::size_t kMostSize = 4096;       // of any release to come
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
  // Since 0.2.0.
  char label[64] = {};      // JITCORRAL_LABEL, 0-terminated
  char slurm_job[32] = {};  // SLURM_JOB_ID, 0-terminated; empty: none, or nothing like one
};
static_assert(std::is_trivially_copyable_v<Hello> && sizeof(Hello) <= Hello::kMostSize);
static_assert(offsetof(Hello, label) == Hello::kFirstSize, "older hellos end here");

// A hello of any size, as one of this release; none if it is too short or not of this major
// version. `bytes` may come from anybody.
inline std::optional<Hello> hello_from(const void* bytes, std::size_t size) {
  if (size < Hello::kFirstSize || size > Hello::kMostSize) return std::nullopt;
  Hello hello;
  std::memcpy(static_cast<void*>(&hello), bytes, size < sizeof hello ? size : sizeof hello);
  if (hello.magic != Hello::kMagic || hello.major != ring::kMajor) return std::nullopt;
  return hello;
}

}  // namespace jitcorral

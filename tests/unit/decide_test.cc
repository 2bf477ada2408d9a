#include "decide.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string_view>

namespace jitcorral {
namespace {

constexpr int kNone = PROT_NONE, kRead = PROT_READ, kRw = PROT_READ | PROT_WRITE;
constexpr int kRx = PROT_READ | PROT_EXEC, kRwx = kRw | PROT_EXEC;
constexpr int kAnon = MAP_PRIVATE | MAP_ANONYMOUS;  // 0x22
constexpr int kNoReserve = kAnon | MAP_NORESERVE;   // 0x4022
constexpr AddressRange kWindow{{0x7f0000000000}, {0x7f0040000000}};
constexpr Bytes kMax = mib(512);

using Verdict = std::optional<PassReason>;
constexpr Verdict kSteer = std::nullopt;

std::string_view name_of(Verdict v) {
  return v ? kPassReasonNames[static_cast<std::size_t>(*v)] : "steer";
}

// Both looks, as the shim takes them.
Verdict judge(const MapCall& call, const Caller& caller, const Policy& policy = {},
              AddressRange window = kWindow) {
  if (const Verdict early = screen(call, policy, window, kMax)) return early;
  return decide(call, caller, Door::kMmap, policy);
}

MapCall anonymous(Bytes length, int prot = kRw, int flags = kAnon) {
  return {{}, length, prot, flags, -1, 0};
}

Policy with(Mode mode) {
  Policy policy;
  policy.mode = mode;
  return policy;
}

struct Row {
  const char* host;
  Role role;
  Bytes length;
  int prot;
  int flags;
  int fd;
  Verdict verdict;
};

TEST(Decide, EveryHostOfTheTableIsTreatedAsItSays) {
  constexpr auto kSignature = PassReason::kSignature;
  const Row kRows[] = {
      {"LLVM section group", Role::kLlvm, kib(4), kRw, kAnon, -1, kSteer},
      {"LLVM reserve variant", Role::kLlvm, mib(40), kRw, kAnon, -1, kSteer},
      {"JITLink slab", Role::kLlvm, mib(16), kRw, kAnon, -1, kSteer},
      {"LLVM RWX at once", Role::kLlvm, kib(64), kRwx, kAnon, -1, kSteer},
      {"LLVM's library, not its memory: none", Role::kLlvm, mib(1), kNone, kAnon, -1, kSignature},
      {"LLVM's library, NORESERVE", Role::kLlvm, mib(1), kRw, kNoReserve, -1, kSignature},
      {"LLVM's library, shared", Role::kLlvm, mib(1), kRw, MAP_SHARED, 3, kSignature},
      {"CPython arena 256 KiB", Role::kNone, kib(256), kRw, kAnon, -1, PassReason::kCaller},
      {"CPython arena 1 MiB", Role::kNone, mib(1), kRw, kAnon, -1, PassReason::kCaller},
      {"Julia cgmemmgr block", Role::kJulia, kib(4) / 4096 + kib(1024), kRw, kAnon, -1, kSteer},
      {"Julia 256 pages", Role::kJulia, mib(1), kRw, kAnon, -1, kSteer},
      {"Julia 255 pages", Role::kJulia, mib(1) - kib(4), kRw, kAnon, -1, kSignature},
      {"Julia slab", Role::kJulia, mib(16), kRw, kAnon, -1, kSteer},
      {"Julia RWX", Role::kJulia, mib(16), kRwx, kAnon, -1, kSignature},
      {"Julia GC heap", Role::kJulia, mib(64) + kib(16), kRw, kNoReserve, -1, kSignature},
      {"Julia GC heap, small", Role::kJulia, mib(1), kRw, kNoReserve, -1, kSignature},
      {"Julia newest, 1 MiB arena", Role::kJulia, mib(1), kNone, kNoReserve, -1, kSteer},
      {"Julia newest, 64 MiB arena", Role::kJulia, mib(64), kNone, kNoReserve, -1, kSteer},
      {"Julia, larger reservation", Role::kJulia, mib(65), kNone, kNoReserve, -1, kSignature},
      {"Julia dual map RW", Role::kJulia, mib(1), kRw, MAP_SHARED, 5, kSteer},
      {"Julia dual map RX", Role::kJulia, mib(1), kRx, MAP_SHARED, 5, kSteer},
      {"Julia anonymous shared", Role::kJulia, mib(1), kRw, MAP_SHARED | MAP_ANONYMOUS, -1,
       kSignature},
      {"Cranelift memmap2", Role::kCranelift, kib(8), kRw, kAnon, -1, kSteer},
      {"Cranelift arena", Role::kCranelift, mib(64), kNone, kAnon, -1, kSteer},
      {"Cranelift arena NORESERVE", Role::kCranelift, mib(64), kNone, kNoReserve, -1, kSteer},
      {"Cranelift arena that does not fit", Role::kCranelift, gib(2), kNone, kAnon, -1,
       PassReason::kSize},
      {"Cranelift host, RX", Role::kCranelift, kib(8), kRx, kAnon, -1, kSignature},
      {"tvm-ffi arena", Role::kArena, mib(64), kNone, kNoReserve, -1, kSteer},
      {"tvm-ffi shared", Role::kArena, mib(64), kRw, MAP_SHARED, 4, kSignature},
      {"learned", Role::kLearned, kib(4), kRw, kAnon, -1, kSteer},
      {"learned, otherwise", Role::kLearned, kib(4), kRwx, kAnon, -1, kSignature},
      {"libffi closure", Role::kNone, kib(4), kRwx, kAnon, -1, PassReason::kCaller},
      {"PostgreSQL shared buffers", Role::kNone, mib(128), kRw, MAP_SHARED | MAP_ANONYMOUS, -1,
       PassReason::kCaller},
      {"shared file", Role::kNone, mib(1), kRw, MAP_SHARED, 3, PassReason::kFile},
      {"private file", Role::kLlvm, mib(1), kRw, MAP_PRIVATE, 3, PassReason::kFile},
      {"private file of Julia", Role::kJulia, mib(1), kRead, MAP_PRIVATE, 3, PassReason::kFile},
  };
  for (const Row& r : kRows) {
    const MapCall call{{}, r.length, r.prot, r.flags, r.fd, 0};
    EXPECT_EQ(name_of(judge(call, {r.role})), name_of(r.verdict)) << r.host;
  }
}

TEST(Decide, NoSignatureIsNoJit) {
  EXPECT_FALSE(has_signature(Role::kNone, anonymous(mib(1))));
}

// decide.h: "Only JIT memfds are ever of interest: shared, writable or executable, not read-only
// data."
TEST(Decide, SharedReadOnlyFilesAreNoJitMemory) {
  const MapCall data{{}, mib(1), kRead, MAP_SHARED, 5, 0};
  EXPECT_NE(judge(data, {Role::kJulia}), kSteer);
}

TEST(Decide, HintsInsideTheWindowOrAtItsEndAreCandidates) {
  MapCall call = anonymous(kib(4));
  for (const Address hint : {Address{}, kWindow.begin, kWindow.end - kib(4), kWindow.end}) {
    call.hint = hint;
    EXPECT_EQ(judge(call, {Role::kLlvm}), kSteer) << std::hex << hint.value;
  }
}

TEST(Decide, ForeignHintsPass) {
  MapCall call = anonymous(kib(4));
  for (const Address hint : {Address{1}, kWindow.begin - Bytes{1}, kWindow.end + Bytes{1},
                             Address{0x10000}, Address{UINT64_MAX}}) {
    call.hint = hint;
    EXPECT_EQ(judge(call, {Role::kLlvm}), PassReason::kHint) << std::hex << hint.value;
    EXPECT_EQ(judge(call, {Role::kLlvm}, {}, {}), PassReason::kHint) << "while it is closed";
    EXPECT_EQ(judge(call, {Role::kNone, 1, 0}), PassReason::kHint) << "even if included";
    EXPECT_EQ(judge(call, {Role::kNone}, with(Mode::kAll)), PassReason::kHint);
  }
}

TEST(Decide, FlagsThatBindTheKernelPassWithTheirReasons) {
  struct Flag {
    int flag;
    PassReason reason;
  };
  constexpr Flag kFlags[] = {
      {MAP_FIXED, PassReason::kFixed},     {MAP_FIXED_NOREPLACE, PassReason::kFixed},
      {MAP_STACK, PassReason::kFlags},     {MAP_HUGETLB, PassReason::kFlags},
      {MAP_GROWSDOWN, PassReason::kFlags},
#ifdef MAP_32BIT
      {MAP_32BIT, PassReason::kFlags},
#endif
  };
  for (const Flag& f : kFlags) {
    MapCall call = anonymous(kib(4), kRw, kAnon | f.flag);
    for (const Mode mode :
         {Mode::kObserve, Mode::kAuto, Mode::kExecOnly, Mode::kAll, Mode::kScatter}) {
      call.hint = kWindow.begin;
      EXPECT_EQ(judge(call, {Role::kLlvm, 1, 0}, with(mode)), f.reason) << std::hex << f.flag;
      call.hint = {};
      EXPECT_EQ(judge(call, {Role::kLlvm, 1, 0}, with(mode)), f.reason) << std::hex << f.flag;
    }
  }
}

TEST(Decide, SizeLimitsAreZeroAndMax) {
  EXPECT_EQ(judge(anonymous(Bytes{0}), {Role::kLlvm}), PassReason::kSize);
  EXPECT_EQ(judge(anonymous(Bytes{1}), {Role::kLlvm}), kSteer);
  EXPECT_EQ(judge(anonymous(kMax), {Role::kLlvm}), kSteer);
  EXPECT_EQ(judge(anonymous(kMax + Bytes{1}), {Role::kLlvm}), PassReason::kSize);
  EXPECT_EQ(judge(anonymous(Bytes{UINT64_MAX}), {Role::kLlvm}), PassReason::kSize);
  EXPECT_EQ(judge(anonymous(kMax + Bytes{1}), {Role::kNone, 1, 0}, with(Mode::kAll)),
            PassReason::kSize);
}

TEST(Decide, ExcludeBeatsIncludeAndEveryMode) {
  const Caller both{Role::kLlvm, 1, 1};
  for (const Mode mode : {Mode::kObserve, Mode::kAuto, Mode::kAll, Mode::kScatter})
    EXPECT_EQ(judge(anonymous(kib(4)), both, with(mode)), PassReason::kExcluded);
  EXPECT_EQ(judge(anonymous(kib(4), kRwx), both, with(Mode::kExecOnly)), PassReason::kExcluded);
  EXPECT_EQ(decide(anonymous(kib(4)), {Role::kCranelift, 0, 16}, Door::kAllocator, {}),
            PassReason::kExcluded);
}

TEST(Decide, IncludeSteersAnyAnonymousPrivateCall) {
  const Caller included{Role::kNone, 16, 0};
  EXPECT_EQ(judge(anonymous(kib(4)), included), kSteer);
  EXPECT_EQ(judge(anonymous(kib(4), kNone, kNoReserve), included), kSteer);
  EXPECT_EQ(judge(anonymous(kib(4), kRw, MAP_SHARED | MAP_ANONYMOUS), included), PassReason::kFile);
  EXPECT_EQ(judge({{}, kib(4), kRw, MAP_SHARED, 3, 0}, included), PassReason::kFile);
}

// policy.h: "also steer private anonymous mmaps, and allocator calls for whole pages, ...".
TEST(Decide, IncludeIsForMmapAndTheAllocator) {
  EXPECT_EQ(decide(anonymous(kib(4)), {Role::kNone, 1, 0}, Door::kAllocator, {}), kSteer);
  EXPECT_EQ(decide(anonymous(kib(4)), {Role::kNone, 0, 0}, Door::kAllocator, {}),
            PassReason::kCaller);
}

TEST(Decide, ExecOnlySteersAnyonesExecutableAnonymousMemoryAndNothingElse) {
  const Policy policy = with(Mode::kExecOnly);
  EXPECT_EQ(judge(anonymous(kib(4), kRwx), {}, policy), kSteer);
  EXPECT_EQ(judge(anonymous(kib(4), kRx), {}, policy), kSteer);
  EXPECT_EQ(judge(anonymous(kib(4)), {Role::kLlvm}, policy), PassReason::kPolicy);
  EXPECT_EQ(judge(anonymous(kib(4)), {Role::kNone, 1, 0}, policy), PassReason::kPolicy);
  EXPECT_EQ(judge({{}, kib(4), kRx, MAP_SHARED, 3, 0}, {Role::kJulia}, policy),
            PassReason::kPolicy);
  EXPECT_EQ(judge({{}, kib(4), kRx, MAP_PRIVATE, 3, 0}, {}, policy), PassReason::kFile);
}

// As in `all`: memory that is shared with forked children is no JIT's, PROT_EXEC or not.
TEST(Decide, ExecOnlyLeavesSharedAnonymousMemoryAlone) {
  const MapCall shared = anonymous(kib(4), kRwx, MAP_SHARED | MAP_ANONYMOUS);
  EXPECT_EQ(judge(shared, {}, with(Mode::kAll)), PassReason::kFile);
  EXPECT_NE(judge(shared, {}, with(Mode::kExecOnly)), kSteer);
}

TEST(Decide, AllSteersEveryAnonymousPrivateMmap) {
  const Policy policy = with(Mode::kAll);
  EXPECT_EQ(judge(anonymous(kib(4)), {}, policy), kSteer);
  EXPECT_EQ(judge(anonymous(mib(64), kRw, kNoReserve), {Role::kJulia}, policy), kSteer);
  EXPECT_EQ(judge({{}, mib(1), kRw, MAP_SHARED, 3, 0}, {}, policy), PassReason::kFile);
  EXPECT_EQ(judge({{}, mib(1), kRw, MAP_PRIVATE, 3, 0}, {}, policy), PassReason::kFile);
}

TEST(Decide, ObserveDecidesAsAutoDoes) {
  for (const Role role :
       {Role::kNone, Role::kLlvm, Role::kJulia, Role::kCranelift, Role::kArena, Role::kLearned}) {
    for (const int prot : {kNone, kRead, kRw, kRx, kRwx}) {
      for (const int flags : {kAnon, kNoReserve, int{MAP_SHARED}, MAP_SHARED | MAP_ANONYMOUS}) {
        const MapCall call{{}, mib(1), prot, flags, (flags & MAP_ANONYMOUS) != 0 ? -1 : 3, 0};
        EXPECT_EQ(judge(call, {role}, with(Mode::kObserve)), judge(call, {role}));
        EXPECT_EQ(judge(call, {role}, with(Mode::kScatter)), judge(call, {role}));
      }
    }
  }
}

TEST(Decide, AllocatorDoorIsForCraneliftOnly) {
  const MapCall call = anonymous(kib(4));
  for (const Mode mode : {Mode::kAuto, Mode::kAll, Mode::kObserve, Mode::kScatter}) {
    const Policy policy = with(mode);
    EXPECT_EQ(decide(call, {Role::kCranelift}, Door::kAllocator, policy), kSteer);
    for (const Role role : {Role::kNone, Role::kLlvm, Role::kJulia, Role::kArena, Role::kLearned})
      EXPECT_EQ(decide(call, {role}, Door::kAllocator, policy), PassReason::kCaller);
  }
}

TEST(Engines, EveryRoleButNoneHasARowAndLearnedNeedsNoFrames) {
  for (const Role role : {Role::kLlvm, Role::kJulia, Role::kCranelift, Role::kArena})
    EXPECT_GT(frames_for(role), 0U);
  EXPECT_EQ(frames_for(Role::kNone), 0U);
  for (const Engine& e : kEngines) EXPECT_FALSE(e.symbol.empty() && e.library.empty());
}

TEST(Engines, InterceptorsOfEveryRuntimeAreKnownByName) {
  for (const std::string_view name :
       {"mmap", "mmap64", "__interceptor_mmap", "___interceptor_mmap64", "posix_memalign",
        "__interceptor_trampoline_mmap", "__interceptor_aligned_alloc"})
    EXPECT_TRUE(is_interceptor(name)) << name;
  for (const std::string_view name :
       {"", "_", "mmap_region", "interceptor_", "my_mmap", "_ZN4llvm3sys6Memory4mmapEv"})
    EXPECT_FALSE(is_interceptor(name)) << name;
}

TEST(Engines, FirstMatchingRowNamesTheRightEngine) {
  const auto role_of = [](std::string_view library) {
    for (const Engine& e : kEngines)
      if (e.symbol.empty() && glob_match(e.library, library)) return e.role;
    return Role::kNone;
  };
  EXPECT_EQ(role_of("libtvm_ffi.so"), Role::kArena);
  EXPECT_EQ(role_of("libtvm.so"), Role::kLlvm);
  EXPECT_EQ(role_of("libllvmlite.so"), Role::kLlvm);
  EXPECT_EQ(role_of("libjulia-codegen.so.1.10"), Role::kJulia);
  EXPECT_EQ(role_of("libjulia.so.1"), Role::kJulia);
  EXPECT_EQ(role_of("libjulia-internal.so.1"), Role::kJulia) << "up to 1.7 not only the heap's";
  EXPECT_EQ(role_of("libc.so.6"), Role::kNone);
  EXPECT_EQ(role_of("libpython3.11.so.1.0"), Role::kNone);
}

}  // namespace
}  // namespace jitcorral

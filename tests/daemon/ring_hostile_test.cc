// Rings of processes that mean ill: the reader neither crashes nor works without end.
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "ring_scratch.h"

#ifndef FALLOC_FL_PUNCH_HOLE
#include <linux/falloc.h>
#endif

namespace jitcorral::ring_test {
namespace {

// Everything that a recorder asks of a ring.
std::size_t ask_all(RingReader& reader) {
  std::size_t got = reader.peek(false).size() + reader.peek(true).size();
  reader.release();
  for (std::uint32_t id = 0; id < 512; id += 4) got += reader.site(id) ? 1 : 0;
  for (std::uint32_t id = ring::kTextsSize - 64; id < ring::kTextsSize + 64; ++id)
    got += reader.site(id) ? 1 : 0;
  reader.hello();
  reader.window();
  reader.counters();
  reader.taken();
  reader.dropped();
  reader.texts_lost();
  reader.unfinished();
  reader.ended_by_exit();
  reader.is_filtered();
  reader.has_news();
  reader.wait_for(1);
  reader.wait_for(ring::kSlots);
  reader.wait_for(0);
  return got;
}

void fill_with(const Ring& ring, std::mt19937_64& random, std::size_t from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(ring.bytes() + from + i, &word, std::min<std::size_t>(8, bytes - i));
  }
}

TEST(RingHostile, TakenMayJumpOrGoBackwards) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  for (const std::uint64_t taken :
       {std::uint64_t{UINT64_MAX}, std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{1} << 63,
        std::uint64_t{UINT64_MAX} - 5, std::uint64_t{ring::kSlots} + 1, std::uint64_t{3}}) {
    ring.header().taken = taken;
    EXPECT_LE(reader.peek(false).size(), ring::kSlots);
    EXPECT_FALSE(reader.has_news());
    reader.unfinished();
    EXPECT_LE(reader.peek(true).size(), ring::kSlots);
    reader.release();
    reader.wait_for(1);
  }
  EXPECT_LE(ask_all(reader), ring::kSlots * 2);
}

TEST(RingHostile, MoreMayBeDroppedThanWasTaken) {
  const Ring ring;
  RingReader reader = ring.open();
  for (const std::uint64_t dropped :
       {std::uint64_t{1}, std::uint64_t{UINT64_MAX}, std::uint64_t{1} << 63}) {
    ring.header().dropped = dropped;
    EXPECT_EQ(reader.unfinished(), 0U);
  }
}

TEST(RingHostile, EventsAreNoMoreThanThereAreSlotsAndAPeekIsBounded) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) ring.append(1, i);
  ring.header().taken = UINT64_MAX;
  EXPECT_EQ(reader.peek(false).size(), ring::kSlots);
  EXPECT_EQ(reader.peek(true).size(), 0U);
}

TEST(RingHostile, SlotsOfRandomBytesGiveOnlyWhatIsPlausible) {
  const Ring ring;
  std::mt19937_64 random(5);
  fill_with(ring, random, ring::kSlotsOffset, ring::kSize - ring::kSlotsOffset);
  ring.header().taken = random();
  RingReader reader = ring.open();
  const auto events = reader.peek(true);
  for (const Event& e : events) EXPECT_TRUE(is_plausible(e));
  EXPECT_GT(reader.implausible(), 1000U);
  EXPECT_TRUE(std::is_sorted(events.begin(), events.end(),
                             [](const Event& a, const Event& b) { return a.ticket < b.ticket; }));
  reader.release();
  EXPECT_EQ(reader.peek(true).size(), 0U);
}

TEST(RingHostile, ATicketThatDoesNotBelongToItsSlotMakesNoSense) {
  const Ring ring;
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  // Of another slot, and of a time that has not come: no shim writes them.
  ring.slot(3).state = ring::state_word(4, ring::kCommitted);
  ring.slot(5).state = ring::state_word(std::uint64_t{ring::kSlots} * 1000 + 5, ring::kCommitted);
  RingReader reader = ring.open();
  std::vector<std::uint64_t> tickets;
  for (const Event& e : reader.peek(true)) tickets.push_back(e.ticket);
  EXPECT_EQ(tickets, (std::vector<std::uint64_t>{0, 1, 2, 4, 6, 7, 8, 9}));
  EXPECT_EQ(reader.implausible(), 2U);
}

TEST(RingHostile, TenThousandRandomRingsAreReadWithoutHarm) {
  const Ring ring;
  std::vector<unsigned char> good(ring.bytes(), ring.bytes() + ring::kSlotsOffset);
  std::mt19937_64 random(6);
  constexpr int kRings = kSanitized ? 1000 : 10'000;
  std::size_t refused = 0;
  for (int i = 0; i < kRings; ++i) {
    std::memcpy(ring.bytes(), good.data(), good.size());
    // Parts of it, so that some of it makes sense.
    const std::size_t fixed = offsetof(ring::Header, page_size);
    fill_with(ring, random, fixed, sizeof(ring::Header) - fixed);
    if (random() % 4 == 0) fill_with(ring, random, 8 * (random() % 6), 8);
    fill_with(ring, random, ring::kTextsOffset, 512);
    for (int k = 0; k < 8; ++k) {
      const auto at = static_cast<std::uint32_t>(random() % 64 * 8);
      const std::uint32_t ready = random() % 2 == 0 ? ring::kSiteReady : ring::kTextReady;
      std::memcpy(ring.texts() + at, &ready, sizeof ready);
      const auto length = static_cast<std::uint32_t>(random() % (2 * ring::kTextsSize));
      if (ready == ring::kTextReady) std::memcpy(ring.texts() + at + 4, &length, sizeof length);
    }
    for (int k = 0; k < 32; ++k)
      fill_with(ring, random, ring::kSlotsOffset + random() % ring::kSlots * 64, 64);
    try {
      RingReader reader = ring.open();
      ASSERT_LE(ask_all(reader), 2 * ring::kSlots + 1000);
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LT(refused, kRings);
}

TEST(RingHostile, AHeaderOfAnotherKindIsRefusedInOneLine) {
  const Ring ring;
  const std::vector<unsigned char> good(ring.bytes(), ring.bytes() + ring::kHeaderSize);
  const auto refused = [&](auto change) {
    change(ring.header());
    const std::string line = refusal([&] { ring.open(); });
    std::memcpy(ring.bytes(), good.data(), good.size());
    EXPECT_NE(line, "");
    EXPECT_EQ(line.find('\n'), std::string::npos);
    return line;
  };
  EXPECT_NE(refused([](ring::Header& h) { h.magic ^= 1; }).find("does not begin"),
            std::string::npos);
  EXPECT_NE(refused([](ring::Header& h) { h.major = 2; }).find("version 2"), std::string::npos);
  refused([](ring::Header& h) { h.size += 64; });
  refused([](ring::Header& h) { h.shards_offset = 0; });
  refused([](ring::Header& h) { h.shards = UINT32_MAX; });
  refused([](ring::Header& h) { h.shard_size = 0; });
  refused([](ring::Header& h) { h.texts_offset = UINT32_MAX; });
  refused([](ring::Header& h) { h.texts_size = UINT32_MAX; });
  refused([](ring::Header& h) { h.slots_offset = 1; });
  refused([](ring::Header& h) { h.slots = 0; });
  EXPECT_EQ(refusal([&] { ring.open(); }), "");
  // A later minor version only appends.
  ring.header().minor = 9;
  EXPECT_EQ(refusal([&] { ring.open(); }), "");
}

TEST(RingHostile, ARefusalOfALayoutDoesNotNameTheVersionThatIsAccepted) {
  const Ring ring;
  ring.header().slots = 1;
  EXPECT_EQ(refusal([&] { ring.open(); }).find("version 1, accepted: 1"), std::string::npos);
}

TEST(RingHostile, ADescriptorThatIsNoRingIsRefused) {
  const auto line = [](int fd) {
    const Descriptor descriptor(fd);
    return refusal([&] { RingReader reader(descriptor, true); });
  };
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Folder folder;
  const int file = open((folder / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(ftruncate(file, ring::kSize), 0);
  const std::size_t before = open_descriptors() - 5;
  for (const int fd : {pipes[0], pipes[1], pair[0], pair[1], file, open("/", O_RDONLY),
                       open("/dev/null", O_RDWR), open("/dev/zero", O_RDWR), -1, 9999})
    EXPECT_NE(line(fd), "");
  EXPECT_EQ(open_descriptors(), before);
}

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

int memfd_of(std::uint64_t size, int seals) {
  const int fd = memfd_create("jitcorral-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const Ring good;
  EXPECT_EQ(pwrite(fd, good.bytes(), std::min<std::uint64_t>(size, ring::kSize), 0) >= 0, true);
  EXPECT_EQ(ftruncate(fd, static_cast<off_t>(size)), 0);
  EXPECT_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
  return fd;
}

TEST(RingHostile, AMemfdMustBeSealedAndOfTheRightSize) {
  const auto line = [](std::uint64_t size, int seals) {
    const Descriptor fd(memfd_of(size, seals));
    return refusal([&] { RingReader reader(fd, true); });
  };
  EXPECT_EQ(line(ring::kSize, kSeals), "");
  EXPECT_NE(line(ring::kSize, 0).find("not sealed"), std::string::npos);
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL})
    EXPECT_NE(line(ring::kSize, kSeals & ~missing).find("not sealed"), std::string::npos);
  EXPECT_NE(line(ring::kSize - 1, kSeals), "");
  EXPECT_NE(line(ring::kSize + 1, kSeals), "");
  EXPECT_NE(line(0, kSeals), "");
  EXPECT_NE(line(std::uint64_t{1} << 40, kSeals), "");
  // Sealed against its reader.
  EXPECT_NE(line(ring::kSize, kSeals | F_SEAL_WRITE), "");
  EXPECT_NE(line(ring::kSize, kSeals | F_SEAL_FUTURE_WRITE), "");
}

TEST(RingHostile, AMemfdThatMayOnlyBeReadIsRefused) {
  const Descriptor fd(memfd_of(ring::kSize, kSeals));
  const Descriptor readonly(
      open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(readonly);
  EXPECT_NE(refusal([&] { RingReader reader(readonly, true); }), "");
}

TEST(RingHostile, ARefusedRingLeavesNoMapping) {
  const Descriptor fd(memfd_of(ring::kSize, kSeals));
  const std::uint16_t major = 2;
  ASSERT_EQ(pwrite(fd.get(), &major, sizeof major, offsetof(ring::Header, major)), 2);
  const std::size_t before = ring_mappings().size();
  for (int i = 0; i < 100; ++i) EXPECT_NE(refusal([&] { RingReader reader(fd, true); }), "");
  EXPECT_EQ(ring_mappings().size(), before);
}

// Between the reader's looks at size and seals, its writer cuts the memfd off and seals it only
// then.
TEST(RingHostile, AMemfdThatIsCutOffBeforeItIsSealedNeverFaultsTheReader) {
  const Descriptor fd(memfd_of(ring::kSize, 0));
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(99);
    raise(SIGSTOP);
    _exit(refusal([&] {
            RingReader reader(fd, true);
            ask_all(reader);
          }) != ""
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) GTEST_SKIP() << "may not trace";
  ASSERT_EQ(ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
            0);
  bool done = false;
  for (long signal = 0;;) {
    ASSERT_EQ(ptrace(PTRACE_SYSCALL, child, nullptr, signal), 0);
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) break;
    signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
    if (signal != 0) continue;
    struct __ptrace_syscall_info info = {};
    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_fcntl &&
        info.entry.args[1] == F_GET_SEALS && !done) {
      done = true;
      ASSERT_EQ(ftruncate(fd.get(), 0), 0);
      ASSERT_EQ(fcntl(fd.get(), F_ADD_SEALS, kSeals), 0);
    }
  }
  EXPECT_TRUE(done);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RingHostile, HolesThatArePunchedWhileItIsReadReadAsZeros) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 100; ++i) ring.append(1, i);
  ASSERT_EQ(fallocate(ring.fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, ring::kSize),
            0);
  ask_all(reader);
  EXPECT_EQ(reader.taken(), 0U);
  std::atomic<bool> stop{false};
  std::thread puncher([&] {
    while (!stop.load())
      fallocate(ring.fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, ring::kSize);
  });
  for (int i = 0; i < (kSanitized ? 20 : 200); ++i)
    ASSERT_LE(ask_all(reader), 2 * ring::kSlots + 1000);
  stop = true;
  puncher.join();
}

TEST(RingHostile, ARingThatIsScribbledOverMeanwhileIsReadInBoundedTime) {
  const Ring ring;
  RingReader reader = ring.open();
  const pid_t scribbler = fork();
  if (scribbler == 0) {
    std::mt19937_64 random(7);
    auto* words = reinterpret_cast<std::atomic<std::uint64_t>*>(ring.bytes());
    for (std::uint64_t i = 0;; ++i) {
      std::uint64_t word = random();
      if (i % 2 == 0) word = (word & ~3ULL) | ring::kCommitted;
      words[i % 4 == 0 ? random() % 128 : random() % (ring::kSize / 8)].store(
          word, std::memory_order_relaxed);
      if (i % 64 == 0)
        words[ring::kTextsOffset / 8 + random() % 64].store(
            ring::kTextReady | (random() % (2 * ring::kTextsSize)) << 32,
            std::memory_order_relaxed);
    }
  }
  ASSERT_GT(scribbler, 0);
  for (int i = 0; i < (kSanitized ? 50 : 1000); ++i)
    ASSERT_LE(ask_all(reader), 2 * ring::kSlots + 1000);
  kill(scribbler, SIGKILL);
  waitpid(scribbler, nullptr, 0);
}

}  // namespace
}  // namespace jitcorral::ring_test

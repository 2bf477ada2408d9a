// From what processes and files say to rows: nothing in it is trusted.
#include "collect/fill_in.h"

#include <sys/stat.h>

#include <fstream>

#include "collect/ring_file.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

using collect::fill_in;
using collect::read_ring_file;

TEST(CollectFillIn, TakesOverWhatAHelloSays) {
  Hello hello;
  hello.mode = Mode::kScatter;
  hello.near = Near::kAddress;
  hello.isa = Isa::kAarch64;
  hello.pid = 77;
  hello.forked = 1;
  hello.fork_time = 123;
  std::strcpy(hello.version, "1.2.3");
  std::strcpy(hello.executable, "/bin/x");
  model::Run run;
  run.started = 5;
  fill_in(run, hello);
  EXPECT_EQ(run.executable, "/bin/x");
  EXPECT_EQ(run.version, "1.2.3");
  EXPECT_EQ(run.mode, Mode::kScatter);
  EXPECT_EQ(run.near, Near::kAddress);
  EXPECT_EQ(run.isa, Isa::kAarch64);
  EXPECT_EQ(run.fork_time, 123U);
  EXPECT_EQ(run.started, 5);
  EXPECT_EQ(run.reason, "");
  hello.forked = 0;
  fill_in(run, hello);
  EXPECT_EQ(run.fork_time, 0U);
}

TEST(CollectFillIn, EndsTextsThatDoNotEnd) {
  // In memory that ends where the Hello does.
  const auto hello = std::make_unique<Hello>();
  std::memset(hello->version, 'v', sizeof hello->version);
  std::memset(hello->executable, 'e', sizeof hello->executable);
  model::Run run;
  fill_in(run, *hello);
  EXPECT_EQ(run.version, std::string(sizeof hello->version, 'v'));
  EXPECT_EQ(run.executable, std::string(sizeof hello->executable, 'e'));
}

TEST(CollectFillIn, TakesNoEnumerationOutOfItsRange) {
  for (const unsigned value : {6U, 7U, 100U, 255U}) {
    Hello hello;
    hello.isa = static_cast<Isa>(value);
    hello.mode = static_cast<Mode>(value);
    hello.near = static_cast<Near>(value);
    hello.reason = static_cast<Hello::Cannot>(value + 1);
    hello.error = 0xffff;
    model::Run run;
    fill_in(run, hello);
    EXPECT_LT(run.isa, Isa::kCount);
    EXPECT_LE(run.mode, Mode::kScatter);
    EXPECT_LE(run.near, Near::kAddress);
    EXPECT_EQ(run.reason, "");
  }
}

TEST(CollectFillIn, SaysWhyThereIsNoRecord) {
  Hello hello;
  hello.reason = Hello::Cannot::kFile;
  hello.error = EACCES;
  model::Run run;
  fill_in(run, hello);
  EXPECT_EQ(run.reason, "the file can't be made (Permission denied)");
  hello.error = 0xffff;
  fill_in(run, hello);
  EXPECT_EQ(run.reason.find('\n'), std::string::npos);
}

TEST(CollectFillIn, TellsTheTimeOfTheWall) {
  const auto before = collect::wall_time_now();
  timespec t = {};
  clock_gettime(CLOCK_MONOTONIC, &t);
  const auto at = collect::wall_time_at(static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
                                        static_cast<std::uint64_t>(t.tv_nsec));
  EXPECT_NEAR(static_cast<double>(at), static_cast<double>(before), 1e9);
}

TEST(CollectFillIn, SurvivesTimesOutOfThisWorld) {
  // -fsanitize=undefined is what sees an overflow.
  for (const std::uint64_t time :
       {std::uint64_t{INT64_MAX}, std::uint64_t{UINT64_MAX}, std::uint64_t{1} << 63}) {
    Hello hello;
    hello.time = time;
    model::Run run;
    fill_in(run, hello);
    EXPECT_GE(run.started, 0) << "no process started before 1970";
    EXPECT_LE(run.started, collect::wall_time_now() + 1'000'000'000) << "nor in the future";
  }
}

TEST(CollectFillIn, TakesOverWhatARingSays) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 3; ++i) ring.append(1, i);
  ring.header().counters_before[ring::kSteered] = 10;
  RingWriter(ring.made.memory).shards()[0].counters[ring::kSteered] = 1;
  RingWriter(ring.made.memory).shards()[ring::kShards - 1].counters[ring::kSteered] = 2;
  ring.header().window_base = 0x10000;
  ring.header().window_size = 0x2000;
  model::Run run;
  fill_in(run, reader);
  EXPECT_FALSE(run.window);
  ring.header().window_known = 1;
  ring.header().window_flags = ring::kWindowReserved;
  fill_in(run, reader);
  EXPECT_TRUE(run.has_ring);
  EXPECT_EQ(run.counters.value()[ring::kSteered], 13U);
  EXPECT_EQ(run.position, 3U);
  EXPECT_EQ(run.window.value().range, range_of({0x10000}, {0x2000}));
  EXPECT_TRUE(run.window->reserved);
  EXPECT_FALSE(run.filter_arrived);
  ring.header().state = ring::kFiltered;
  fill_in(run, reader);
  EXPECT_TRUE(run.filter_arrived) << "kFiltered reaches the row, or blind[] never names it";
}

TEST(CollectFillIn, AWindowThatWrapsAroundTheAddressSpaceIsNone) {
  const Ring ring;
  const RingReader reader = ring.open();
  ring.header().window_known = 1;
  ring.header().window_base = UINT64_MAX - 10;
  ring.header().window_size = 0x2000;
  ring.header().anchor_begin = 9;
  ring.header().anchor_end = 3;
  if (const auto window = reader.window()) {
    EXPECT_LE(window->range.begin.value, window->range.end.value);
    EXPECT_LE(window->anchor.begin.value, window->anchor.end.value);
  }
}

class CollectRingFile : public ::testing::Test {
 protected:
  void SetUp() override {
    made = make_file_ring(path.c_str(), "x");
    if (made.reason == Hello::Cannot::kFileSystem)
      GTEST_SKIP() << "the temporary folder's file system";
    ASSERT_NE(made.memory, nullptr);
    fd = Descriptor(made.fd);
    writer = RingWriter(made.memory);
    writer.format(static_cast<std::uint32_t>(getpagesize()), 4711);
    Hello hello;
    hello.pid = 4711;
    hello.size = sizeof hello;
    std::strcpy(hello.executable, "/bin/x");
    writer.header().hello_offset = writer.add_bytes(&hello, sizeof hello);
    const std::uint32_t module = writer.add_text("/no/such/libLLVM-14.so.1");
    const std::uint32_t site = writer.add_site(nullptr, 1, 2, Role::kLlvm, module, 0);
    for (std::uint64_t i = 0; i < 10; ++i) {
      Event e = event_of(1, i);
      e.site = site;
      writer.append(e);
    }
  }
  void TearDown() override {
    if (made.memory != nullptr) munmap(made.memory, ring::kSize);
  }
  std::string bytes() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Folder folder;
  std::string path = folder / "a.ring";
  RingMemory made;
  Descriptor fd;
  RingWriter writer;
};

TEST_F(CollectRingFile, IsReadAsARun) {
  const std::string before = bytes();
  const auto record = read_ring_file(path);
  EXPECT_EQ(record.events.size(), 10U);
  EXPECT_EQ(record.run.recorded, 10U);
  EXPECT_EQ(record.run.torn, 0U);
  EXPECT_EQ(record.run.pid, 4711U);
  EXPECT_EQ(record.run.executable, "/bin/x");
  ASSERT_EQ(record.sites.size(), 1U);
  EXPECT_EQ(record.sites[0].module, "/no/such/libLLVM-14.so.1");
  EXPECT_EQ(record.sites[0].version, "14");
  EXPECT_EQ(record.run.state, model::RunState::kRunning);
  EXPECT_EQ(bytes(), before) << "the file is left as it is";
  EXPECT_EQ(read_ring_file(path).events.size(), 10U) << "and can be read again";
  writer.header().state = ring::kEndedByExit;
  EXPECT_EQ(read_ring_file(path).run.state, model::RunState::kEnded);
}

TEST_F(CollectRingFile, KnowsThePageSizeOfItsMachine) {
  EXPECT_EQ(read_ring_file(path).run.page_size, static_cast<std::uint32_t>(getpagesize()));
}

TEST_F(CollectRingFile, CountsTheEventThatItsProcessDiedIn) {
  const std::uint64_t ticket = writer.header().taken.fetch_add(1);
  auto* slots =
      reinterpret_cast<ring::Slot*>(static_cast<unsigned char*>(made.memory) + ring::kSlotsOffset);
  slots[ticket].state = ring::state_word(ticket, ring::kClaimed);
  const auto record = read_ring_file(path);
  EXPECT_EQ(record.events.size(), 10U);
  EXPECT_EQ(record.run.torn, 1U) << "an event is missing, and nothing says so";
}

TEST_F(CollectRingFile, ThatIsCutOffIsRefusedByName) {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4096}, std::uint64_t{ring::kSize} - 1,
        std::uint64_t{ring::kSize} + 1}) {
    const std::string cut = folder / ("cut" + std::to_string(size));
    std::filesystem::copy_file(path, cut);
    std::filesystem::resize_file(cut, size);
    const std::string line = refusal([&] { read_ring_file(cut); });
    EXPECT_TRUE(line.starts_with(cut + ": ")) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST_F(CollectRingFile, ThatIsNoneIsRefusedByName) {
  const std::size_t before = open_descriptors();
  std::vector<std::string> paths = {folder / "missing", folder.path(),     "/dev/null",
                                    "/dev/zero",        "/proc/self/maps", ""};
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  paths.push_back(folder / "fifo");
  paths.push_back(folder / "garbage");
  std::mt19937 random(10);
  std::string garbage(ring::kSize, '\0');
  for (char& c : garbage) c = static_cast<char>(random());
  std::ofstream(paths.back(), std::ios::binary) << garbage;
  paths.push_back(folder / "zeros");
  std::ofstream(paths.back(), std::ios::binary) << std::string(ring::kSize, '\0');
  ASSERT_EQ(symlink("loop", (folder / "loop").c_str()), 0);
  paths.push_back(folder / "loop");
  for (const std::string& bad : paths) {
    const std::string line = refusal([&] { read_ring_file(bad); });
    EXPECT_TRUE(line.starts_with(bad + ": ")) << bad << " -> " << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(line.find("-1 bytes"), std::string::npos) << line;
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(CollectRingFile, OfRandomBytesBehindItsHeaderIsReadWithoutHarm) {
  std::string all = bytes();
  std::mt19937 random(11);
  for (int i = 0; i < 20; ++i) {
    for (std::size_t at = offsetof(ring::Header, page_size); at < all.size(); ++at)
      all[at] = static_cast<char>(random());
    const std::string bad = folder / "bad.ring";
    std::ofstream(bad, std::ios::binary) << all;
    const auto record = read_ring_file(bad);
    EXPECT_LE(record.events.size(), ring::kSlots);
    for (const Event& e : record.events) EXPECT_TRUE(is_plausible(e));
  }
}

}  // namespace
}  // namespace jitcorral::ring_test

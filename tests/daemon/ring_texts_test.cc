// Texts and sites: what is written once, and what a reader makes of what is half or wrong.
#include <atomic>
#include <cstdio>
#include <set>
#include <thread>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

std::uint32_t add_site(const Ring& ring, std::uint32_t module, std::uint32_t symbol,
                       Role role = Role::kLlvm) {
  return RingWriter(ring.made.memory)
      .add_site(reinterpret_cast<const void*>(0x1234), 0x34, 0x5678, role, module, symbol);
}
// A text with head and bytes, by hand.
void put_text(const Ring& ring, std::uint32_t at, std::uint32_t length, std::uint32_t ready) {
  std::memcpy(ring.texts() + at + 4, &length, sizeof length);
  std::memcpy(ring.texts() + at, &ready, sizeof ready);
}

TEST(RingTexts, TravelWithTheirSite) {
  const Ring ring;
  const RingReader reader = ring.open();
  RingWriter writer = ring.writer;
  const std::uint32_t module = writer.add_text("/lib/libLLVM.so"),
                      symbol = writer.add_text("_ZN1x");
  const auto site = reader.site(add_site(ring, module, symbol));
  ASSERT_TRUE(site);
  EXPECT_EQ(site->module, "/lib/libLLVM.so");
  EXPECT_EQ(site->symbol, "_ZN1x");
  EXPECT_EQ(site->role, Role::kLlvm);
  EXPECT_EQ(site->address, 0x1234U);
  EXPECT_EQ(site->offset, 0x34U);
  EXPECT_EQ(site->identity, 0x5678U);
}

TEST(RingTexts, AreNoneWhenEmptyAndCutWhenVeryLong) {
  const Ring ring;
  const RingReader reader = ring.open();
  RingWriter writer = ring.writer;
  EXPECT_EQ(writer.add_text(""), 0U);
  const std::uint32_t longest = writer.add_text(std::string(5000, 'x'));
  const auto site = reader.site(add_site(ring, longest, 0));
  ASSERT_TRUE(site);
  EXPECT_EQ(site->module, std::string(1024, 'x'));
  EXPECT_EQ(site->symbol, "");
}

TEST(RingTexts, ThatDoNotFitAreCountedAndLeaveTheRestAlone) {
  const Ring ring;
  RingReader reader = ring.open();
  RingWriter writer = ring.writer;
  ring.append(1, 0);
  std::uint32_t last = 0, added = 0;
  for (std::uint32_t at = 0; (at = writer.add_text(std::string(100, 'a'))) != 0; ++added) {
    EXPECT_EQ(at % 8, 0U);
    EXPECT_LE(at + 108, ring::kTextsSize);
    last = at;
  }
  EXPECT_GT(added, 400U);
  EXPECT_EQ(reader.texts_lost(), 1U);
  const std::uint32_t used = ring.header().texts_used;
  // What is smaller still fits, up to the last byte.
  while (writer.add_text("b") != 0) {
  }
  EXPECT_GT(ring.header().texts_used, used);
  EXPECT_LE(ring.header().texts_used, ring::kTextsSize);
  EXPECT_LT(ring::kTextsSize - ring.header().texts_used, 16U);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(writer.add_text("b"), 0U);
    EXPECT_EQ(add_site(ring, last, 0), 0U);
  }
  EXPECT_EQ(reader.texts_lost(), 2002U);
  const auto events = reader.peek(false);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(is_whole(events[0]));
}

TEST(RingTexts, OfManyThreadsNeverOverlap) {
  for (int round = 0; round < (kSanitized ? 3 : 20); ++round) {
    SharedRing ring;
    constexpr unsigned kThreads = 4;
    std::atomic<unsigned> ready{0};
    std::atomic<std::uint32_t> newest{0};  // relaxed: the text itself says when it is ready
    std::vector<std::thread> threads;
    std::vector<std::vector<std::pair<std::uint32_t, std::string>>> added(kThreads);
    for (unsigned who = 0; who < kThreads; ++who)
      threads.emplace_back([&, who] {
        RingWriter writer = ring.through_reader;
        ++ready;
        while (ready.load() < kThreads) std::this_thread::yield();
        for (std::uint32_t i = 0;; ++i) {
          char text[64];
          const int length = std::snprintf(text, sizeof text, "%u:%u:%.*s", who, i,
                                           static_cast<int>(i % 20), "abcdefghijklmnopqrst");
          const std::uint32_t at = writer.add_text({text, static_cast<std::size_t>(length)});
          if (at == 0) break;
          const std::uint32_t site = writer.add_site(nullptr, i, who, Role::kNone, at, at);
          if (site == 0) break;
          newest.store(site, std::memory_order_relaxed);
          added[who].emplace_back(site, text);
        }
      });
    // The reader looks at them meanwhile; only at those that it was told of.
    for (int look = 0; look < 500; ++look)
      if (const auto site = ring.reader.site(newest.load(std::memory_order_relaxed))) {
        EXPECT_EQ(site->module, site->symbol);
      }
    for (std::thread& thread : threads) thread.join();
    std::set<std::uint32_t> ids;
    for (unsigned who = 0; who < kThreads; ++who)
      for (const auto& [id, text] : added[who]) {
        EXPECT_TRUE(ids.insert(id).second);
        const auto site = ring.reader.site(id);
        ASSERT_TRUE(site);
        EXPECT_EQ(site->module, text);
        EXPECT_EQ(site->identity, who);
      }
    EXPECT_GT(ids.size(), 300U);
  }
}

TEST(RingTexts, ThatAreHalfWrittenAreNotThere) {
  const Ring ring;
  const RingReader reader = ring.open();
  RingWriter writer = ring.writer;
  const std::uint32_t text = writer.add_text("half");
  const std::uint32_t id = add_site(ring, text, text);
  put_text(ring, text, 4, 0);
  ASSERT_TRUE(reader.site(id));
  EXPECT_EQ(reader.site(id)->module, "");
  auto* site = reinterpret_cast<ring::Site*>(ring.texts() + id);
  site->ready = 0;
  EXPECT_FALSE(reader.site(id));
  site->ready = ring::kTextReady;
  EXPECT_FALSE(reader.site(id));
}

TEST(RingTexts, AtOffsetsThatMakeNoSenseAreNotThere) {
  const Ring ring;
  const RingReader reader = ring.open();
  // Everything looks like a site and like a text.
  auto* words = reinterpret_cast<std::uint32_t*>(ring.texts());
  for (std::uint32_t i = 0; i < ring::kTextsSize / 4; ++i) words[i] = ring::kSiteReady;
  for (const std::uint32_t id :
       {0U, 1U, 4U, 7U, 9U, 12U, ring::kTextsSize - 8, ring::kTextsSize - 32, ring::kTextsSize - 39,
        ring::kTextsSize, ring::kTextsSize + 8, 0x7ffffff8U, 0x80000000U, 0xfffffff8U, 0xffffffffU})
    EXPECT_FALSE(reader.site(id)) << id;
  EXPECT_TRUE(reader.site(ring::kTextsSize - 40));
  EXPECT_TRUE(reader.site(8));
  std::mt19937 random(4);
  for (int i = 0; i < 100'000; ++i) reader.site(static_cast<std::uint32_t>(random()));
}

TEST(RingTexts, OfAGarbageOffsetOrLengthAreEmpty) {
  const Ring ring;
  const RingReader reader = ring.open();
  RingWriter writer = ring.writer;
  const std::uint32_t at = writer.add_text("1234567");
  for (const std::uint32_t bad :
       {1U, 4U, at + 1, at + 4, ring::kTextsSize - 4, ring::kTextsSize - 8, ring::kTextsSize,
        0xfffffff8U, 0xffffffffU}) {
    const std::uint32_t id = add_site(ring, bad, bad);
    ASSERT_TRUE(reader.site(id)) << bad;
    EXPECT_EQ(reader.site(id)->module, "") << bad;
    EXPECT_EQ(reader.site(id)->symbol, "") << bad;
  }
  const std::uint32_t id = add_site(ring, at, at);
  for (const std::uint32_t length : {ring::kTextsSize - at - 7, ring::kTextsSize, 0x7fffffffU,
                                     0x80000000U, 0xfffffff0U, 0xffffffffU}) {
    put_text(ring, at, length, ring::kTextReady);
    EXPECT_EQ(reader.site(id)->module, "") << length;
  }
  // The very last text: one byte more would be the first slot's.
  const std::uint32_t last = ring::kTextsSize - 16;
  const std::uint32_t of_last = add_site(ring, last, 0);
  std::memcpy(ring.texts() + last + 8, "12345678", 8);
  put_text(ring, last, 8, ring::kTextReady);
  EXPECT_EQ(reader.site(of_last)->module, "12345678");
  put_text(ring, last, 9, ring::kTextReady);
  EXPECT_EQ(reader.site(of_last)->module, "");
}

TEST(RingTexts, ASiteOfAnUnknownRoleIsNobodys) {
  const Ring ring;
  const RingReader reader = ring.open();
  const std::uint32_t id = add_site(ring, 0, 0, static_cast<Role>(200));
  ASSERT_TRUE(reader.site(id));
  EXPECT_EQ(reader.site(id)->role, Role::kNone);
}

TEST(RingTexts, OfAHostileRingDoNotGrowWithoutBound) {
  // Thousands of sites that all name one text as long as the whole area: 44 KiB are to stay small.
  const Ring ring;
  const RingReader reader = ring.open();
  put_text(ring, 8, ring::kTextsSize - 16, ring::kTextReady);
  std::size_t total = 0;
  for (std::uint32_t id = 16; id + sizeof(ring::Site) <= ring::kTextsSize;
       id += sizeof(ring::Site)) {
    auto* site = reinterpret_cast<ring::Site*>(ring.texts() + id);
    site->module = site->symbol = 8;
    site->ready = ring::kSiteReady;
    const auto read = reader.site(id);
    ASSERT_TRUE(read);
    total += read->module.size() + read->symbol.size();
  }
  EXPECT_LE(total, std::size_t{4} << 20) << "no shim writes a text of more than 1024 bytes";
}

TEST(RingTexts, TheHelloIsReadFromWhereTheHeaderSaysAndNowhereElse) {
  const Ring ring;
  const RingReader reader = ring.open();
  EXPECT_FALSE(reader.hello());
  Hello hello;
  hello.pid = 4711;
  hello.size = sizeof hello;
  const std::uint32_t at = RingWriter(ring.made.memory).add_bytes(&hello, sizeof hello);
  ring.header().hello_offset = at;
  ASSERT_TRUE(reader.hello());
  EXPECT_EQ(reader.hello()->pid, 4711U);
  const auto last = static_cast<std::uint32_t>(ring::kTextsSize - sizeof hello);
  std::memcpy(ring.texts() + last, &hello, sizeof hello);
  ring.header().hello_offset = last;
  EXPECT_TRUE(reader.hello());
  for (const std::uint32_t bad : {at + 1, 7U, last + 1, ring::kTextsSize, 0xffffffffU}) {
    ring.header().hello_offset = bad;
    EXPECT_FALSE(reader.hello()) << bad;
  }
}

}  // namespace
}  // namespace jitcorral::ring_test

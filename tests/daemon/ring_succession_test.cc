// From one ring of a process to the next: nothing is lost on the way but what is counted.
#include "succession.h"

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "collect/process.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

// Leaves `from` and copies it.
std::uint64_t go_on(const Ring& from, const Ring& to) {
  const std::uint64_t taken = succession::leave(from.writer);
  succession::copy(from.writer, to.writer, taken);
  succession::open(to.writer, taken);
  return taken;
}

TEST(RingSuccession, TheNextRingBeginsAsACopy) {
  const Ring old, next;
  const std::uint32_t module = RingWriter(old.writer).add_text("/lib/libx.so");
  const std::uint32_t site = RingWriter(old.writer).add_site(nullptr, 1, 2, Role::kLlvm, module, 0);
  Hello hello;
  hello.size = sizeof hello;
  hello.identity = 7;
  old.header().hello_offset = RingWriter(old.writer).add_bytes(&hello, sizeof hello);
  old.header().late = 3;
  old.header().state = ring::kFiltered;
  RingReader dies = old.open();
  for (std::uint64_t i = 0; i < 100; ++i) old.append(1, i);
  dies.peek(false);
  dies.release();
  for (std::uint64_t i = 100; i < 250; ++i) old.append(1, i);
  EXPECT_EQ(go_on(old, next), 250U);
  EXPECT_EQ(next.append(1, 250), 250U);

  RingReader reader = next.open();
  reader.resume(100, 0);
  EXPECT_EQ(reader.first_ticket(), 250U);
  EXPECT_EQ(reader.late(), 3U);
  EXPECT_TRUE(reader.is_filtered());
  const std::vector<Event> events = reader.peek(false);
  ASSERT_EQ(events.size(), 151U);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].ticket, 100 + i);
    EXPECT_TRUE(is_whole(events[i]));
  }
  ASSERT_TRUE(reader.site(site));
  EXPECT_EQ(reader.site(site)->module, "/lib/libx.so");
  ASSERT_TRUE(reader.hello());
  EXPECT_EQ(reader.hello()->identity, 7U);
  reader.release();
  EXPECT_EQ(reader.unfinished(), 0U);
  EXPECT_EQ(reader.taken(), 251U);
}

TEST(RingSuccession, ARingThatWasLeftTakesNothingMoreAndSaysSo) {
  const Ring old, next;
  RingReader reader = old.open();
  old.append(1, 0);
  EXPECT_FALSE(reader.is_left());
  go_on(old, next);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(old.append(1, 1), RingWriter::kMovedOn);
  EXPECT_EQ(RingWriter(old.writer).add_text("late"), 0U);
  EXPECT_TRUE(reader.is_left());
  EXPECT_EQ(reader.taken(), 1U);
  EXPECT_EQ(reader.peek(true).size(), 1U);
  reader.release();
  EXPECT_EQ(reader.unfinished(), 0U);
  EXPECT_EQ(reader.texts_lost(), 0U);
}

TEST(RingSuccession, ARingThatNobodyTookGoesOn) {
  const Ring old, next;
  for (std::uint64_t i = 0; i < 10; ++i) old.append(1, i);
  const std::uint64_t taken = go_on(old, next);
  EXPECT_EQ(old.append(1, 10), RingWriter::kMovedOn);
  succession::open(old.writer, taken);
  EXPECT_EQ(old.append(1, 10), 10U);
  EXPECT_NE(RingWriter(old.writer).add_text("more"), 0U);
  RingReader reader = old.open();
  EXPECT_FALSE(reader.is_left());
  EXPECT_EQ(reader.peek(false).size(), 11U);
  EXPECT_EQ(reader.taken(), 11U);
}

TEST(RingSuccession, WhoWasInTheMiddleOfAnEventIsWaitedFor) {
  const Ring old, next;
  const std::uint64_t done = old.claim(), dead = old.claim();
  go_on(old, next);
  RingReader reader = next.open();
  EXPECT_FALSE(succession::copy_late(old.writer, next.writer));
  EXPECT_EQ(reader.unfinished(), 2U);
  old.commit(done, event_of(2, 5));
  EXPECT_FALSE(succession::copy_late(old.writer, next.writer));
  const std::vector<Event> events = reader.peek(true);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].ticket, done);
  EXPECT_TRUE(is_whole(events[0]));
  reader.release();
  // What was taken over and freed does not come back.
  EXPECT_FALSE(succession::copy_late(old.writer, next.writer));
  EXPECT_TRUE(reader.peek(true).empty());
  EXPECT_EQ(reader.unfinished(), 1U) << dead;
}

TEST(RingSuccession, ATextThatWasBeingWrittenIsCopiedLate) {
  const Ring old, next;
  const std::uint32_t at = RingWriter(old.writer).add_text("/lib/liblate.so");
  const std::uint32_t site = RingWriter(old.writer).add_site(nullptr, 1, 2, Role::kLlvm, at, 0);
  auto* unready = reinterpret_cast<ring::Site*>(old.texts() + site);
  unready->ready = 0;
  go_on(old, next);
  const RingReader reader = next.open();
  EXPECT_FALSE(reader.site(site));
  // Room behind it is the next ring's own.
  const std::uint32_t own = RingWriter(next.writer).add_text("own");
  EXPECT_GT(own, site);
  unready->ready = ring::kSiteReady;
  EXPECT_TRUE(succession::copy_late(old.writer, next.writer));
  ASSERT_TRUE(reader.site(site));
  EXPECT_EQ(reader.site(site)->module, "/lib/liblate.so");
  EXPECT_EQ(std::memcmp(next.texts() + own + sizeof(ring::Text), "own", 3), 0);
}

TEST(RingSuccession, ARingMayBeUsedAgainOnlyWhenNobodyWritesInIt) {
  const Ring old;
  old.append(1, 0);
  const std::uint64_t ticket = old.claim();
  succession::leave(old.writer);
  EXPECT_FALSE(succession::retire(old.writer));
  old.commit(ticket, event_of(1, 1));
  EXPECT_TRUE(succession::retire(old.writer));
  // Who had a ticket and comes to its slot only now finds it taken.
  EXPECT_NE(old.slot(ticket + 1).state.load() & 3, ring::kFree);
  RingReader reader = old.open();
  EXPECT_EQ(reader.peek(true).size(), 2U);
}

// Writers at full speed, a ring after the other; readers that were killed between store and free.
TEST(RingSuccession, UnderLoadEveryTicketIsSeenOrCounted) {
  constexpr std::uint32_t kWriters = 4;
  constexpr int kRings = kSanitized ? 15 : 60;
  std::vector<std::unique_ptr<Ring>> rings;
  for (int i = 0; i < kRings; ++i) rings.push_back(std::make_unique<Ring>());
  std::atomic<const Ring*> current{rings[0].get()};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> appended{0};
  std::vector<std::thread> writers;
  for (std::uint32_t who = 0; who < kWriters; ++who) {
    writers.emplace_back([&, who] {
      for (std::uint64_t i = 0; !over.load(); ++i) {
        for (const Ring* ring = current.load();;) {
          if (ring->append(who, i) != RingWriter::kMovedOn) break;
          while (current.load() == ring) std::this_thread::yield();
          ring = current.load();
        }
        appended.fetch_add(1);
      }
    });
  }
  std::map<std::uint64_t, Event> seen;
  const auto keep = [&](const std::vector<Event>& events) {
    for (const Event& e : events) {
      ASSERT_TRUE(is_whole(e)) << e.ticket;
      const auto [at, is_new] = seen.emplace(e.ticket, e);
      ASSERT_TRUE(is_new || std::memcmp(&at->second, &e, sizeof e) == 0) << e.ticket;
    }
  };
  std::uint64_t dropped = 0, taken = 0, unfinished = 0;
  for (int i = 0; i < kRings; ++i) {
    RingReader reader = rings[static_cast<std::size_t>(i)]->open();
    const std::uint64_t enough = appended.load() + 2000;
    while (appended.load() < enough) {
      keep(reader.peek(false));
      reader.release();
    }
    keep(reader.peek(false));  // stored, and not freed: it is killed
    if (i + 1 == kRings) {
      over = true;
      for (std::thread& writer : writers) writer.join();
      keep(reader.peek(true));
      dropped = reader.dropped();
      taken = reader.taken();
      unfinished = taken - dropped - seen.size();
      break;
    }
    const Ring& next = *rings[static_cast<std::size_t>(i) + 1];
    go_on(*rings[static_cast<std::size_t>(i)], next);
    current = &next;
    for (int tries = 0; tries < 1000; ++tries)
      if (succession::copy_late(rings[static_cast<std::size_t>(i)]->writer, next.writer)) break;
  }
  EXPECT_EQ(taken, appended.load());
  EXPECT_LT(seen.rbegin()->first, taken);  // what came last may have been dropped
  // A writer between its ticket and its slot when it was copied: one each time at most, and rare.
  EXPECT_LE(unfinished, kWriters * kRings);
}

TEST(RingSuccession, WhatLayInARingThatNeverCameIsMissing) {
  const Ring old, next;
  collect::Process process;
  process.pid = getpid();
  process.ring.emplace(old.open());
  old.append(1, 0);
  process.read_ring(true);
  go_on(old, next);
  process.close(model::RunState::kEnded, std::nullopt);
  const model::Run& run = process.run;
  EXPECT_EQ(run.recorded, 1U);
  EXPECT_GT(run.position, run.recorded + run.dropped + run.torn);
}

}  // namespace
}  // namespace jitcorral::ring_test

// The doorbell: who waits is woken, or has seen for himself that there is something.
#include <atomic>
#include <chrono>
#include <thread>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

// The shim's note() from its append on.
bool append_and_ring(RingWriter writer, std::uint32_t who, std::uint64_t sequence) {
  Event e = event_of(who, sequence);
  const std::uint64_t ticket = writer.append(e);
  ring::Header& header = writer.header();
  const std::uint64_t wake_at = header.wake_at.load(std::memory_order_relaxed);
  return ticket >= wake_at && wake_at != ring::kNobodyWaits &&
         header.wake_at.exchange(ring::kNobodyWaits, std::memory_order_relaxed) !=
             ring::kNobodyWaits;
}

TEST(RingDoorbell, RingsForNobodyWhenNobodyWaits) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < ring::kSlots + 100; ++i)
    ASSERT_FALSE(append_and_ring(ring.writer, 1, i));  // those that are dropped too
  reader.wait_for(1);
  reader.wait_for(0);
  EXPECT_FALSE(append_and_ring(ring.writer, 1, 0));
}

TEST(RingDoorbell, RingsOnceAfterAsManyEventsAsWereAskedFor) {
  const Ring ring;
  RingReader reader = ring.open();
  for (const std::uint64_t more :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{100}, std::uint64_t{ring::kSlots / 2}}) {
    reader.peek(false);
    reader.release();
    reader.wait_for(more);
    for (std::uint64_t i = 1; i <= more + 10; ++i)
      ASSERT_EQ(append_and_ring(ring.writer, 1, i), i == more) << i << " of " << more;
  }
}

TEST(RingDoorbell, RingsAlsoForAnEventThatIsDropped) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < ring::kSlots; ++i) append_and_ring(ring.writer, 1, i);
  reader.peek(false);  // not released: a store that fails
  reader.wait_for(1);
  EXPECT_TRUE(append_and_ring(ring.writer, 1, 0));
}

TEST(RingDoorbell, WhatCameBeforeTheReaderWaitedIsNews) {
  const Ring ring;
  RingReader reader = ring.open();
  EXPECT_FALSE(reader.has_news());
  ring.append(1, 0);
  reader.wait_for(1);
  EXPECT_TRUE(reader.has_news());
  reader.peek(false);
  EXPECT_FALSE(reader.has_news());
}

// Every order of the steps of both, each step whole: reader stores wake_at and looks for news,
// writer takes a ticket and looks at wake_at.
TEST(RingDoorbell, IsMissedInNoOrderOfSteps) {
  int orders = 0;
  for (unsigned mask = 0; mask < 16; ++mask) {
    if (__builtin_popcount(mask) != 2) continue;
    ++orders;
    const Ring ring;
    RingReader reader = ring.open();
    reader.peek(false);
    bool news = false, rang = false;
    int writer_step = 0, reader_step = 0;
    std::uint64_t ticket = 0;
    for (int step = 0; step < 4; ++step) {
      if ((mask >> step & 1U) != 0) {
        if (writer_step++ == 0)
          ticket = ring.append(1, 0);
        else
          rang = ticket >= ring.header().wake_at.load();
      } else if (reader_step++ == 0) {
        reader.wait_for(1);
      } else {
        news = reader.has_news();
      }
    }
    EXPECT_TRUE(news || rang) << mask;
  }
  EXPECT_EQ(orders, 6);
}

// The same with a real processor's orders: its store of wake_at may come after its look for news.
TEST(RingDoorbell, IsMissedByNoReorderingOfTheProcessor) {
  SharedRing ring;
  constexpr int kRounds = 200'000;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  std::atomic<int> round{0}, finished{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> rang{false};
  std::thread writer([&] {
    for (int i = 1; i <= kRounds; ++i) {
      while (round.load(std::memory_order_acquire) < i)
        if (stop.load(std::memory_order_relaxed)) return;
      for (int delay = i % 64; delay > 0; --delay)
        std::atomic_signal_fence(std::memory_order_seq_cst);
      rang.store(append_and_ring(ring.through_reader, 1, static_cast<std::uint64_t>(i)),
                 std::memory_order_relaxed);
      finished.store(i, std::memory_order_release);
    }
  });
  int missed = 0;
  int rounds = 0;
  for (int i = 1; i <= kRounds && std::chrono::steady_clock::now() < until; ++i) {
    rounds = i;
    ring.reader.peek(false);
    ring.reader.release();
    ring.reader.wait_for(0);
    round.store(i, std::memory_order_release);
    for (int delay = i / 64 % 64; delay > 0; --delay)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    ring.reader.wait_for(1);
    const bool news = ring.reader.has_news();
    while (finished.load(std::memory_order_acquire) < i) {
    }
    missed += news || rang.load(std::memory_order_relaxed) ? 0 : 1;
  }
  stop = true;
  writer.join();
  EXPECT_EQ(missed, 0) << "of " << rounds;
}

}  // namespace
}  // namespace jitcorral::ring_test

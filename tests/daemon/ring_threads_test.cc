// Many writers and one reader, as threads. Under the tsan preset both sides use one mapping.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

constexpr std::uint32_t kWriters = 8;
constexpr std::uint64_t kEvents = kSanitized ? 160'000 : 1'000'000;

// What a reader saw of writers that number their events.
class Seen {
 public:
  void take(const std::vector<Event>& events) {
    for (const Event& e : events) {
      torn_ += is_whole(e) ? 0 : 1;
      all_.push_back({e.ticket, e.thread, e.address});
    }
  }
  std::size_t count() const { return all_.size(); }

  // Nothing torn, no ticket twice, each writer's events in its own order and none twice.
  void check() {
    EXPECT_EQ(torn_, 0U);
    std::sort(all_.begin(), all_.end(),
              [](const One& a, const One& b) { return a.ticket < b.ticket; });
    std::vector<std::uint64_t> next(kWriters + 1, 0);
    std::size_t twice = 0, disorder = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (i > 0 && all_[i].ticket == all_[i - 1].ticket) ++twice;
      if (all_[i].writer > kWriters || all_[i].sequence < next[all_[i].writer])
        ++disorder;
      else
        next[all_[i].writer] = all_[i].sequence + 1;
    }
    EXPECT_EQ(twice, 0U);
    EXPECT_EQ(disorder, 0U);
  }

 private:
  struct One {
    std::uint64_t ticket;
    std::uint32_t writer;
    std::uint64_t sequence;
  };
  std::vector<One> all_;
  std::size_t torn_ = 0;
};

TEST(RingThreads, OfWritersThatTryAgainNoEventIsLostTwiceOrTorn) {
  SharedRing ring;
  std::atomic<std::uint32_t> running{kWriters};
  std::vector<std::thread> writers;
  for (std::uint32_t who = 0; who < kWriters; ++who)
    writers.emplace_back([&, who] {
      RingWriter writer = ring.through_reader;
      for (std::uint64_t i = 0; i < kEvents / kWriters; ++i) {
        Event e = event_of(who, i);
        while (writer.append(e) == RingWriter::kDropped) std::this_thread::yield();
      }
      running.fetch_sub(1);
    });
  Seen seen;
  std::uint64_t released = 0;
  while (running.load() != 0) {
    const auto events = ring.reader.peek(ring.reader.unfinished() > kWriters);
    seen.take(events);
    ring.reader.release();
    released += events.size();
  }
  for (std::thread& writer : writers) writer.join();
  seen.take(ring.reader.peek(true));
  ring.reader.release();
  EXPECT_EQ(seen.count(), kEvents);
  EXPECT_TRUE(books_balance(ring.reader, kEvents));
  EXPECT_EQ(ring.reader.unfinished(), 0U);
  EXPECT_EQ(ring.reader.implausible(), 0U);
  seen.check();
}

TEST(RingThreads, WhatAReaderThatStallsMissesIsCounted) {
  SharedRing ring;
  std::atomic<std::uint32_t> running{kWriters};
  std::vector<std::thread> writers;
  for (std::uint32_t who = 0; who < kWriters; ++who)
    writers.emplace_back([&, who] {
      RingWriter writer = ring.through_reader;
      for (std::uint64_t i = 0; i < kEvents / kWriters; ++i) {
        Event e = event_of(who, i);
        writer.append(e);
      }
      running.fetch_sub(1);
    });
  Seen seen;
  std::mt19937_64 random(2);
  while (running.load() != 0) {
    // Until so many are lost.
    const std::uint64_t until = ring.reader.dropped() + random() % (2 * ring::kSlots);
    while (ring.reader.dropped() < until && running.load() != 0) std::this_thread::yield();
    seen.take(ring.reader.peek(random() % 2 == 0));
    if (random() % 2 == 0) ring.reader.release();
    EXPECT_LE(ring.reader.dropped(), ring.reader.taken());
  }
  for (std::thread& writer : writers) writer.join();
  seen.take(ring.reader.peek(true));
  ring.reader.release();
  EXPECT_EQ(ring.reader.taken(), kEvents);
  EXPECT_EQ(seen.count() + ring.reader.dropped(), kEvents);
  EXPECT_GT(ring.reader.dropped(), 0U);
  EXPECT_EQ(ring.reader.unfinished(), 0U);
  seen.check();
}

TEST(RingThreads, BooksNeverSayThatLessThanNothingIsUnfinishedNorMoreThanThereAreWriters) {
  SharedRing ring;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (std::uint32_t who = 0; who < 2; ++who)
    writers.emplace_back([&, who] {
      RingWriter writer = ring.through_reader;
      for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
        Event e = event_of(who, i);
        writer.append(e);
      }
    });
  for (int i = 0; i < (kSanitized ? 200 : 2000); ++i) {
    ring.reader.peek(i % 2 == 0);
    ring.reader.release();
    // What was given out since the peek is not done for the reader: never more than that is said.
    const std::uint64_t unfinished = ring.reader.unfinished();
    ASSERT_LE(unfinished, ring.reader.taken());  // which only grows
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ring.reader.peek(true);
  ring.reader.release();
  EXPECT_EQ(ring.reader.unfinished(), 0U);
}

RingWriter handler_writer;
std::atomic<std::uint64_t> handled{0};  // events that a handler wrote
std::atomic<std::uint64_t> entered{0};  // runs of it

void append_in_handler(int) {
  Event e = event_of(kWriters, handled.load(std::memory_order_relaxed));
  if (handler_writer.append(e) != RingWriter::kDropped)
    handled.fetch_add(1, std::memory_order_relaxed);
  entered.fetch_add(1);
}

TEST(RingThreads, AHandlerWritesWhileItsThreadIsWriting) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers hold signals back";
  SharedRing ring;
  handler_writer = ring.through_reader;
  handled = 0;
  entered = 0;
  struct sigaction action = {}, before = {};
  action.sa_handler = append_in_handler;
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  constexpr std::uint64_t kEnough = kSanitized ? 500 : 3000;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> written{0};
  std::thread writer([&] {
    RingWriter w = ring.through_reader;
    std::uint64_t i = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (entered.load(std::memory_order_relaxed) < kEnough &&
           std::chrono::steady_clock::now() < until) {
      Event e = event_of(0, i);
      if (w.append(e) != RingWriter::kDropped)
        ++i;
      else
        std::this_thread::yield();
      // TSan delivers signals where it sees a call.
      if (kSanitized) std::this_thread::sleep_for(std::chrono::microseconds(1));
    }
    written = i;
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &block, nullptr);
    done = true;
  });
  std::thread bell([&] {
    for (std::uint64_t i = 1; !done.load(); ++i) {
      pthread_kill(writer.native_handle(), SIGUSR1);
      while (entered.load() < i && !done.load()) std::this_thread::yield();
    }
  });
  Seen seen;
  while (!done.load()) {
    seen.take(ring.reader.peek(false));
    ring.reader.release();
    std::this_thread::yield();
  }
  bell.join();
  writer.join();
  sigaction(SIGUSR1, &before, nullptr);
  seen.take(ring.reader.peek(true));
  ring.reader.release();
  EXPECT_GT(handled.load(), 0U);
  EXPECT_EQ(seen.count(), handled.load() + written.load());
  EXPECT_EQ(ring.reader.unfinished(), 0U);
  seen.check();
}

}  // namespace
}  // namespace jitcorral::ring_test

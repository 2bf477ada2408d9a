// Writers that die, or are interrupted, anywhere in an append.
#include <csignal>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

TEST(RingDeadWriters, AWriterThatDiedCostsItsEventAndOneALap) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 100; ++i) ring.append(1, i);
  const std::uint64_t dead = ring.claim();
  EXPECT_EQ(dead, 100U);
  std::uint64_t written = 0, released = 0;
  for (int lap = 1; lap <= 5; ++lap) {
    for (int part = 0; part < 8; ++part) {
      std::uint64_t got = 0;
      for (std::uint64_t i = 0; i < ring::kSlots / 8; ++i)
        got += ring.append(2, written++) != RingWriter::kDropped ? 1 : 0;
      const auto events = reader.peek(part == 3);
      EXPECT_EQ(events.size(), got + (lap == 1 && part == 0 ? 100 : 0));
      reader.release();
      released += events.size();
      EXPECT_EQ(reader.unfinished(), 1U);
      EXPECT_TRUE(books_balance(reader, released));
    }
    EXPECT_EQ(reader.dropped(), lap);
  }
  EXPECT_EQ(released + 1 + 5, reader.taken());
}

TEST(RingDeadWriters, AWriterThatDiedBeforeItsClaimCostsItsEventOnly) {
  const Ring ring;
  RingReader reader = ring.open();
  ring.header().taken.fetch_add(1);
  for (std::uint64_t i = 0; i < 3 * ring::kSlots; ++i) {
    ASSERT_NE(ring.append(1, i), RingWriter::kDropped);
    if (i % 1000 == 0) {
      reader.peek(false);
      reader.release();
    }
  }
  reader.peek(false);
  reader.release();
  EXPECT_EQ(reader.unfinished(), 1U);
  EXPECT_EQ(reader.dropped(), 0U);
}

TEST(RingDeadWriters, AThoroughPeekFindsWhatWasCommittedLate) {
  const Ring ring;
  RingReader reader = ring.open();
  const std::uint64_t late = ring.claim();
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  EXPECT_EQ(reader.peek(false).size(), 10U);
  reader.release();
  EXPECT_EQ(reader.unfinished(), 1U);
  ring.commit(late, event_of(9, 77));
  EXPECT_FALSE(reader.has_news());
  EXPECT_TRUE(reader.peek(false).empty());
  EXPECT_EQ(reader.unfinished(), 1U);  // by which one knows to look thoroughly
  const auto events = reader.peek(true);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].ticket, late);
  EXPECT_TRUE(is_whole(events[0]));
  EXPECT_EQ(reader.unfinished(), 0U);
  reader.release();
  EXPECT_TRUE(books_balance(reader, 11));
}

TEST(RingDeadWriters, WhatWasCommittedLateIsFoundALapLaterAtTheLatest) {
  const Ring ring;
  RingReader reader = ring.open();
  const std::uint64_t late = ring.claim();
  ring.append(1, 0);
  reader.peek(false);
  reader.release();
  ring.commit(late, event_of(9, 77));
  std::size_t found = 0;
  for (std::uint64_t i = 0; i < ring::kSlots + 10; ++i) {
    ring.append(2, i);
    if (i % 100 != 0 && i != ring::kSlots + 9) continue;
    for (const Event& e : reader.peek(false)) found += e.thread == 9 && e.ticket == late ? 1 : 0;
    reader.release();
  }
  EXPECT_EQ(found, 1U);
  EXPECT_EQ(reader.dropped(), 1U);  // who came to the slot meanwhile
}

TEST(RingDeadWriters, EverySlotMayBeDeadAndStillNothingWaits) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint32_t i = 0; i < ring::kSlots; ++i) ring.claim();
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(ring.append(1, i), RingWriter::kDropped);
  EXPECT_TRUE(reader.peek(true).empty());
  reader.release();
  EXPECT_EQ(reader.unfinished(), ring::kSlots);
  EXPECT_EQ(reader.dropped(), 100U);
}

// A process that is killed after so many instructions of appending, again and again until one
// append comes to its end: every single place to die in.
#if defined(__x86_64__)
volatile std::sig_atomic_t steps_left = 0;
void (*at_each_step)() = nullptr;

void on_step(int) {
  if (at_each_step != nullptr) {
    at_each_step();
    return;
  }
  if (steps_left == 0) raise(SIGKILL);
  steps_left = steps_left - 1;
}

void trap_each_instruction(bool on) {
  if (on)
    asm volatile(
        "lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
            : "memory", "cc");
  else
    asm volatile(
        "lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
            : "memory", "cc");
}

class SteppedWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    struct sigaction action = {};
    action.sa_handler = on_step;
    ASSERT_EQ(sigaction(SIGTRAP, &action, &before_), 0);
  }
  void TearDown() override {
    at_each_step = nullptr;
    sigaction(SIGTRAP, &before_, nullptr);
  }
  struct sigaction before_ = {};
};

TEST_F(SteppedWriter, DiesAtEveryInstructionAndCostsOneEventAtMost) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers' own code would be stepped through";
  int lost = 0, whole = 0, died_at = 0;
  bool finished = false;
  for (int steps = 0; !finished && steps < 3000; ++steps) {
    const Ring ring;
    RingReader reader = ring.open();
    for (std::uint64_t i = 0; i < 3; ++i) ring.append(1, i);
    const int status = in_child([&] {
      Event e = event_of(2, 42);
      RingWriter writer = ring.writer;
      steps_left = steps;
      trap_each_instruction(true);
      writer.append(e);
      trap_each_instruction(false);
      return 0;
    });
    finished = status == 0;
    if (!finished) {
      ASSERT_EQ(status, 1000 + SIGKILL);
      died_at = steps;
    }
    for (std::uint64_t i = 3; i < 6; ++i) ASSERT_NE(ring.append(1, i), RingWriter::kDropped);
    std::size_t of_dead = 0;
    const auto events = reader.peek(false);
    for (const Event& e : events) {
      ASSERT_TRUE(is_whole(e));
      of_dead += e.thread == 2 ? 1 : 0;
    }
    reader.release();
    ASSERT_EQ(events.size(), 6 + of_dead);
    ASSERT_TRUE(books_balance(reader, events.size()));
    ASSERT_EQ(reader.taken() - 6, of_dead + reader.unfinished());
    lost += reader.unfinished() == 1 ? 1 : 0;
    whole += of_dead == 1 ? 1 : 0;
    ASSERT_LE(reader.unfinished(), 1U);
  }
  EXPECT_TRUE(finished);
  EXPECT_GT(died_at, 20);
  EXPECT_GT(lost, 5);
  EXPECT_GT(whole, 0);
}

// Globals, since a handler takes nothing.
const Ring* stepped_ring = nullptr;
RingReader* stepped_reader = nullptr;
std::vector<Event>* stepped_events = nullptr;
std::uint64_t stepped_appended = 0;

TEST_F(SteppedWriter, IsInterruptedByAHandlerThatWritesAtEveryInstruction) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers' own code would be stepped through";
  const Ring ring;
  RingReader reader = ring.open();
  stepped_ring = &ring;
  stepped_appended = 0;
  at_each_step = [] {
    if (stepped_ring->append(3, stepped_appended) != RingWriter::kDropped) ++stepped_appended;
  };
  constexpr std::uint64_t kAppends = 20;
  for (std::uint64_t i = 0; i < kAppends; ++i) {
    Event e = event_of(2, i);
    RingWriter writer = ring.writer;
    trap_each_instruction(true);
    writer.append(e);
    trap_each_instruction(false);
    ASSERT_NE(e.ticket, RingWriter::kDropped);
  }
  EXPECT_GT(stepped_appended, 20 * kAppends);
  std::uint64_t next = 0, next_of_handler = 0;
  for (const Event& e : reader.peek(false)) {
    ASSERT_TRUE(is_whole(e));
    ASSERT_EQ(e.address, e.thread == 2 ? next++ : next_of_handler++);
  }
  EXPECT_EQ(next, kAppends);
  EXPECT_EQ(next_of_handler, stepped_appended);
  reader.release();
  EXPECT_TRUE(books_balance(reader, next + next_of_handler));
  EXPECT_EQ(reader.unfinished(), 0U);
}

TEST_F(SteppedWriter, IsReadAtEveryInstruction) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers' own code would be stepped through";
  const Ring ring;
  RingReader reader = ring.open();
  std::vector<Event> seen;
  stepped_reader = &reader;
  stepped_events = &seen;
  at_each_step = [] {
    for (const Event& e : stepped_reader->peek(stepped_reader->unfinished() != 0))
      stepped_events->push_back(e);
    stepped_reader->release();
  };
  constexpr std::uint64_t kAppends = 20;
  for (std::uint64_t i = 0; i < kAppends; ++i) {
    Event e = event_of(2, i);
    RingWriter writer = ring.writer;
    trap_each_instruction(true);
    writer.append(e);
    trap_each_instruction(false);
  }
  at_each_step();
  ASSERT_EQ(seen.size(), kAppends);
  for (std::uint64_t i = 0; i < kAppends; ++i) {
    EXPECT_TRUE(is_whole(seen[i]));
    EXPECT_EQ(seen[i].address, i);
  }
  EXPECT_EQ(reader.unfinished(), 0U);
}
#endif

TEST(RingDeadWriters, ProcessesThatAreKilledAtRandomCostOneEventEachAtMost) {
  const Ring ring;
  RingReader reader = ring.open();
  constexpr std::uint32_t kAtOnce = 4;
  constexpr std::uint32_t kKills = kSanitized ? 20 : 40;
  std::mt19937_64 random(3);
  std::vector<pid_t> children(kAtOnce, 0);
  std::vector<std::uint32_t> name(kAtOnce, 0);
  std::uint32_t started = 0, killed = 0;
  std::uint64_t released = 0;
  std::vector<Event> seen;
  std::size_t torn = 0;
  const auto drain = [&](bool thorough) {
    for (const Event& e : reader.peek(thorough)) {
      torn += is_whole(e) ? 0 : 1;
      seen.push_back(e);
      ++released;
    }
    reader.release();
  };
  while (killed < kKills) {
    for (std::uint32_t i = 0; i < kAtOnce; ++i) {
      if (children[i] != 0) continue;
      name[i] = started++;
      children[i] = fork();
      ASSERT_GE(children[i], 0);
      if (children[i] != 0) continue;
      for (std::uint64_t sequence = 0;; ++sequence) ring.append(name[i], sequence);
    }
    const std::uint64_t until = ring.header().taken.load() + random() % 5000;
    while (ring.header().taken.load() < until) drain(false);
    pid_t& victim = children[random() % kAtOnce];
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
    victim = 0;
    ++killed;
  }
  for (const pid_t child : children) {
    if (child == 0) continue;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ++killed;
  }
  drain(true);
  EXPECT_LE(reader.unfinished(), killed);
  EXPECT_TRUE(books_balance(reader, released));
  EXPECT_EQ(reader.implausible(), 0U);
  EXPECT_EQ(torn, 0U);
  std::sort(seen.begin(), seen.end(),
            [](const Event& a, const Event& b) { return a.ticket < b.ticket; });
  std::vector<std::uint64_t> next(started, 0);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    ASSERT_TRUE(i == 0 || seen[i].ticket != seen[i - 1].ticket);
    ASSERT_LT(seen[i].thread, started);
    ASSERT_GE(seen[i].address, next[seen[i].thread]);
    next[seen[i].thread] = seen[i].address + 1;
  }
}

}  // namespace
}  // namespace jitcorral::ring_test

// One writer, one reader: order, laps, and books that balance.
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

TEST(RingOrder, EventsComeWholeAndInTheOrderOfTheirTickets) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(ring.append(7, i), i);
  const auto events = reader.peek(false);
  ASSERT_EQ(events.size(), 100U);
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(events[i].ticket, i);
    EXPECT_EQ(events[i].address, i);
    EXPECT_TRUE(is_whole(events[i]));
  }
}

TEST(RingOrder, TheWriterFillsInTheTicket) {
  const Ring ring;
  ring.append(1, 0);
  Event e = event_of(1, 1);
  e.ticket = 4711;
  EXPECT_EQ(RingWriter(ring.made.memory).append(e), 1U);
  EXPECT_EQ(e.ticket, 1U);
}

TEST(RingOrder, BooksBalanceAtEveryQuietPointOfManyLaps) {
  const Ring ring;
  RingReader reader = ring.open();
  std::mt19937_64 random(1);
  std::uint64_t written = 0, released = 0, seen = 0;
  while (written < 20 * ring::kSlots) {
    const std::uint64_t count = random() % (ring::kSlots + 1);
    for (std::uint64_t i = 0; i < count; ++i)
      ASSERT_NE(ring.append(3, written++), RingWriter::kDropped);
    const auto events = reader.peek(random() % 2 == 0);
    ASSERT_EQ(events.size(), count);
    for (const Event& e : events) {
      ASSERT_EQ(e.ticket, seen);
      ASSERT_EQ(e.address, seen);
      ASSERT_TRUE(is_whole(e));
      ++seen;
    }
    ASSERT_EQ(reader.unfinished(), 0U);  // what was peeked is finished
    reader.release();
    released += events.size();
    ASSERT_TRUE(books_balance(reader, released));
    ASSERT_EQ(reader.unfinished(), 0U);
    ASSERT_FALSE(reader.has_news());
  }
  EXPECT_EQ(reader.dropped(), 0U);
  EXPECT_EQ(reader.taken(), written);
}

TEST(RingOrder, AFullRingDropsAndCountsAndNeverOverwrites) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < ring::kSlots; ++i) ASSERT_EQ(ring.append(1, i), i);
  for (std::uint64_t i = 0; i < 3 * ring::kSlots + 5; ++i)
    ASSERT_EQ(ring.append(2, i), RingWriter::kDropped);
  EXPECT_EQ(reader.dropped(), 3 * ring::kSlots + 5);
  const auto events = reader.peek(false);
  ASSERT_EQ(events.size(), ring::kSlots);
  for (std::uint64_t i = 0; i < ring::kSlots; ++i) {
    ASSERT_EQ(events[i].ticket, i);
    ASSERT_EQ(events[i].thread, 1U);
    ASSERT_TRUE(is_whole(events[i]));
  }
  EXPECT_EQ(reader.unfinished(), 0U);
  // Seen, but not released: still no room.
  EXPECT_EQ(ring.append(2, 0), RingWriter::kDropped);
  reader.release();
  EXPECT_TRUE(books_balance(reader, ring::kSlots));
  // Room again, for a whole lap, and not one more.
  for (std::uint64_t i = 0; i < ring::kSlots; ++i)
    ASSERT_NE(ring.append(4, i), RingWriter::kDropped);
  EXPECT_EQ(ring.append(4, 0), RingWriter::kDropped);
  EXPECT_EQ(reader.peek(false).size(), ring::kSlots);
  reader.release();
  EXPECT_TRUE(books_balance(reader, 2 * ring::kSlots));
}

TEST(RingOrder, NothingIsPeekedTwice) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  EXPECT_EQ(reader.peek(false).size(), 10U);
  EXPECT_TRUE(reader.peek(false).empty());
  EXPECT_TRUE(reader.peek(true).empty());
  ring.append(1, 10);
  const auto more = reader.peek(true);
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].address, 10U);
  reader.release();
  EXPECT_TRUE(reader.peek(true).empty());
  EXPECT_TRUE(books_balance(reader, 11));
}

TEST(RingOrder, WhatWasPeekedStaysForAnotherReaderUntilItIsReleased) {
  const Ring ring;
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  {
    RingReader killed = ring.open();
    EXPECT_EQ(killed.peek(false).size(), 10U);
  }
  RingReader next = ring.open();
  EXPECT_EQ(next.peek(false).size(), 10U);
  next.release();
  RingReader last = ring.open();
  EXPECT_TRUE(last.peek(true).empty());
}

TEST(RingOrder, EventsArePeekedOverManyLooksBeforeTheyAreReleased) {
  const Ring ring;
  RingReader reader = ring.open();
  std::uint64_t seen = 0;
  for (int look = 0; look < 5; ++look) {
    for (std::uint64_t i = 0; i < 1000; ++i) ring.append(1, seen + i);
    for (const Event& e : reader.peek(look % 2 == 1)) ASSERT_EQ(e.address, seen++);
  }
  EXPECT_EQ(seen, 5000U);
  EXPECT_EQ(reader.unfinished(), 0U);
  reader.release();
  EXPECT_TRUE(books_balance(reader, 5000));
  for (std::uint64_t i = 0; i < ring::kSlots; ++i)
    ASSERT_NE(ring.append(1, i), RingWriter::kDropped);
}

TEST(RingOrder, AReaderThatIsMovedGoesOnWhereItWas) {
  const Ring ring;
  RingReader first = ring.open();
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  EXPECT_EQ(first.peek(false).size(), 10U);
  RingReader second(std::move(first));
  EXPECT_TRUE(second.peek(true).empty());
  second.release();
  EXPECT_TRUE(books_balance(second, 10));
  ring.append(1, 10);
  EXPECT_EQ(second.peek(false).size(), 1U);
}

TEST(RingOrder, EventsThatMakeNoSenseAreCountedAndFreeTheirSlots) {
  const Ring ring;
  RingReader reader = ring.open();
  for (std::uint64_t i = 0; i < 6; ++i) {
    Event e = event_of(1, i);
    if (i == 1) e.call = Call::kCount;
    if (i == 2) e.call = Call::kNone;
    if (i == 3) e.outcome = Outcome::kCount;
    if (i == 4) e.address = 1ULL << 56;
    if (i == 5) e.prot_kind = 0xf0;
    RingWriter(ring.made.memory).append(e);
  }
  EXPECT_EQ(reader.peek(false).size(), 1U);
  EXPECT_EQ(reader.implausible(), 5U);
  reader.release();
  EXPECT_TRUE(books_balance(reader, 6));
  EXPECT_EQ(reader.implausible(), 5U);
  for (std::uint64_t i = 0; i < ring::kSlots; ++i)
    ASSERT_NE(ring.append(1, i), RingWriter::kDropped);
}

TEST(RingOrder, EventsThatWereLostWhileTheRingWasOpenedAreSkipped) {
  const Ring ring;
  RingReader reader = ring.open();
  ring.header().taken.fetch_add(20000);
  ring.header().dropped.fetch_add(20000);
  for (std::uint64_t i = 0; i < 10; ++i) ring.append(1, i);
  const auto events = reader.peek(false);
  ASSERT_EQ(events.size(), 10U);
  EXPECT_EQ(events[0].ticket, 20000U);
  reader.release();
  EXPECT_TRUE(books_balance(reader, 10));
  EXPECT_EQ(reader.unfinished(), 0U);
}

}  // namespace
}  // namespace jitcorral::ring_test

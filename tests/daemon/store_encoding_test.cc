// Segments come back as they were, from small bytes, from plain ones and from older versions; what
// is no segment is left out and counted.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "store/encoding.h"
#include "store_scratch.h"

namespace jitcorral::store {
namespace {

constexpr auto kPlanes = static_cast<std::int64_t>(Encoding::kPlanes);

std::vector<Event> random_events(std::size_t count) {
  std::mt19937_64 random(count);
  std::vector<Event> events(count);
  for (Event& event : events) {
    std::uint64_t words[sizeof event / 8];
    for (std::uint64_t& word : words) word = random();
    std::memcpy(&event, words, sizeof event);
  }
  return events;
}

std::vector<std::byte> encoded(std::span<const Event> events, Encoding expected) {
  SegmentEncoder encoder;
  const Encoded found = encoder.encode(events);
  EXPECT_EQ(found.encoding, expected) << events.size() << " events";
  return {found.bytes.begin(), found.bytes.end()};
}

void expect_same(const std::vector<Event>& a, const std::vector<Event>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Event)), 0);
}

TEST(StoreEncoding, EventsOfEveryNumberComeBack) {
  SegmentEncoder encoder;
  for (const std::size_t count : {1U, 2U, 7U, 8U, 9U, 63U, 500U, 1000U, 1023U, 1024U}) {
    for (const auto& events : {events_from(1 << 20, count), random_events(count)}) {
      const Encoded found = encoder.encode(events);
      std::vector<Event> back = events_from(0, 3);
      ASSERT_TRUE(decode(static_cast<std::int64_t>(found.encoding),
                         static_cast<std::int64_t>(count), found.bytes, back));
      ASSERT_EQ(back.size(), 3 + count);
      back.erase(back.begin(), back.begin() + 3);
      expect_same(back, events);
    }
  }
}

TEST(StoreEncoding, TicketsAndTimesMayGoBackAndAround) {
  std::vector<Event> events = events_from(0, 100);
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].ticket = i % 2 == 0 ? i : UINT64_MAX - i;
    events[i].time = i % 3 == 0 ? 0 : UINT64_MAX / (i + 1);
  }
  std::vector<Event> back;
  ASSERT_TRUE(decode(kPlanes, 100, encoded(events, Encoding::kPlanes), back));
  expect_same(back, events);
}

TEST(StoreEncoding, AFullSegmentOfAnOrdinaryProgramBecomesATenthAtMost) {
  std::vector<Event> events = events_from(1000, 1024);
  std::mt19937 random(7);
  for (Event& event : events) {
    event.time = (&event == &events[0] ? 1ULL << 50 : (&event)[-1].time) + random() % 1'000'000;
    event.address = 0x7f12'0000'0000 + random() % 4096 * 4096;
    event.fingerprint = 0x1234'5678'9abc'def0 >> event.ticket % 3;
    event.thread = 4711;
    event.site = static_cast<std::uint32_t>(8 + event.ticket % 3 * 48);
  }
  EXPECT_LT(encoded(events, Encoding::kPlanes).size(), 64U * 1024 / 10);
}

TEST(StoreEncoding, WhatWouldNotBecomeSmallerStaysPlain) {
  EXPECT_EQ(encoded(random_events(1024), Encoding::kPlain).size(), 64U * 1024);
  EXPECT_TRUE(encoded({}, Encoding::kPlain).empty());
}

TEST(StoreEncoding, BytesThatAreNoSegmentAreTold) {
  const std::vector<std::byte> good = encoded(events_from(0, 100), Encoding::kPlanes);
  std::vector<Event> into = events_from(7, 2);
  const auto refused = [&](std::int64_t encoding, std::int64_t count,
                           const std::vector<std::byte>& bytes) {
    return !decode(encoding, count, bytes, into) && into.size() == 2 && into[1].ticket == 8;
  };
  for (const std::int64_t count :
       {INT64_MIN, -1L, 0L, 99L, 101L, 1024L, 1025L, 1L << 32, INT64_MAX})
    EXPECT_TRUE(refused(kPlanes, count, good)) << count;
  for (const std::int64_t encoding : {-1L, 2L, 257L, 1L << 32})
    EXPECT_TRUE(refused(encoding, 100, good));
  EXPECT_TRUE(refused(kPlanes, 100, {}));
  EXPECT_TRUE(refused(kPlanes, 100, {good.begin(), good.end() - 1}));
  auto longer = good;
  longer.push_back(std::byte{0});
  EXPECT_TRUE(refused(kPlanes, 100, longer));
  // A block that unpacks to very much.
  std::vector<std::byte> bomb(65536, std::byte{0xff});
  bomb[0] = std::byte{0x1f};
  EXPECT_TRUE(refused(kPlanes, 1024, bomb));
  EXPECT_TRUE(refused(0, 1025, std::vector<std::byte>(65536 + 64)));
  EXPECT_TRUE(refused(0, 1, std::vector<std::byte>(63)));
}

TEST(StoreEncoding, ChangedBytesNeverCrashNorGiveMoreThanTheirCount) {
  const std::vector<std::byte> good = encoded(events_from(0, 1000), Encoding::kPlanes);
  std::mt19937 random(20240229);
  int decoded = 0;
  for (int round = 0; round < 2000; ++round) {
    auto bytes = good;
    for (int changes = 1 + round % 8; changes > 0; --changes)
      bytes[random() % bytes.size()] = std::byte(random() & 0xff);
    std::vector<Event> into;
    decoded += decode(kPlanes, 1000, bytes, into);
    ASSERT_TRUE(into.empty() || into.size() == 1000);
  }
  EXPECT_GT(decoded, 0);
  EXPECT_LT(decoded, 2000);
}

class StoreEncodingDatabase : public ::testing::Test {
 protected:
  Folder folder;
  std::string path = folder / "a.db";
  model::RunId run = 0;

  void SetUp() override {
    Database database = Database::open(path);
    run = add_any_run(database);
    database.batch([&] { database.append_events(run, events_from(0, 2000)); });
  }
  void change(const std::string& sql) { ASSERT_EQ(shell(path, sql), ""); }
  model::Record read() const { return Database::open_readonly(path).record(run).value(); }
};

TEST_F(StoreEncodingDatabase, SegmentsThatDoNotDecodeAreLeftOutAndCounted) {
  ASSERT_EQ(shell(path, "SELECT group_concat(count || ' ' || encoding) FROM segment"),
            "1024 1,976 1");
  change("UPDATE segment SET events = substr(events, 2) WHERE id = 1");
  EXPECT_EQ(read().events.size(), 976U);
  EXPECT_EQ(read().run.torn, 1024U);
  change("UPDATE segment SET encoding = 9");
  EXPECT_EQ(read().events.size(), 0U);
  EXPECT_EQ(read().run.torn, 2000U);
  change("UPDATE segment SET encoding = 0");  // an LZ4 block is not taken for events
  EXPECT_EQ(read().events.size(), 0U);
  change("UPDATE segment SET encoding = 1, count = 1 << 40");
  EXPECT_EQ(read().run.torn, 2048U);
}

TEST_F(StoreEncodingDatabase, OneThatDoesNotDecodeIsNotMergedInto) {
  change("UPDATE segment SET events = x'00', count = 5");
  {
    Database database = Database::open(path);
    database.batch([&] { database.append_events(run, events_from(2000, 10)); });
  }
  EXPECT_EQ(read().events.size(), 10U);
  EXPECT_EQ(read().run.torn, 10U);
  EXPECT_EQ(shell(path, "SELECT count(*) FROM segment"), "3");
}

TEST_F(StoreEncodingDatabase, OfVersion2IsReadAsItIsAndGoesOnInThisOne) {
  change("DELETE FROM segment; ALTER TABLE segment DROP COLUMN encoding; PRAGMA user_version = 2");
  const std::vector<Event> old = events_from(0, 100);
  std::string hex;
  for (const std::byte byte : std::as_bytes(std::span(old))) {
    hex += "0123456789abcdef"[std::to_integer<int>(byte >> 4)];
    hex += "0123456789abcdef"[std::to_integer<int>(byte & std::byte{15})];
  }
  change(
      "INSERT INTO segment(run, first_ticket, last_ticket, count, events) VALUES(1, 0, 99, 100, "
      "x'" +
      hex + "')");
  expect_same(read().events, old);
  EXPECT_EQ(shell(path, "PRAGMA user_version"), "2");  // readers leave it as it is
  EXPECT_EQ(Database::open_readonly(path).tickets_since(run, 90).size(), 10U);

  Database database = Database::open(path);
  EXPECT_EQ(shell(path, "SELECT count || ' ' || encoding || ' ' || length(events) FROM segment"),
            "100 0 6400");
  database.batch([&] { database.append_events(run, events_from(100, 1000)); });
  EXPECT_EQ(shell(path, "SELECT group_concat(count || ' ' || encoding) FROM segment"),
            "100 0,1000 1");
  expect_same(database.record(run)->events, events_from(0, 1100));
  EXPECT_EQ(database.tickets_since(run, 90).size(), 1010U);
  std::size_t seen = 0;
  database.each_segment(run, [&](const std::vector<Event>& events) { seen += events.size(); });
  EXPECT_EQ(seen, 1100U);
}

TEST_F(StoreEncodingDatabase, OfThisVersionWithoutTheColumnIsDamaged) {
  change("ALTER TABLE segment DROP COLUMN encoding");
  EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, "is damaged"));
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "is damaged"));
}

}  // namespace
}  // namespace jitcorral::store

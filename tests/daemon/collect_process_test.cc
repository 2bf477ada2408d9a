// One process as its recorder follows it, with real children.
#include "collect/process.h"

#include "collect_child.h"

namespace jitcorral::ring_test {
namespace {

TEST(CollectProcess, FindsCodeThatNoEventExplainsAtTheSecondLookAndOnce) {
  const Child child([](int out) { tell(out, code_page()); });
  collect::Process process;
  process.pid = child.pid();
  const AddressRange page = range_of(Address{child.said(0)}, Bytes{0x3000});
  const auto now = collect::Clock::now();
  process.sample(now);
  EXPECT_TRUE(process.unseen.empty());
  process.sample(now);
  ASSERT_EQ(process.unseen.size(), 1U);
  EXPECT_TRUE(process.unseen[0].range.contains(page));
  for (int i = 0; i < 6; ++i) process.sample(now);
  EXPECT_EQ(process.unseen.size(), 1U);
  EXPECT_EQ(process.run.samples, 8U);
}

TEST(CollectProcess, FindsAtItsEndWhatOnlyTheLastLookSaw) {
  const Child child([](int out) { tell(out, code_page()); });
  collect::Process process;
  process.pid = child.pid();
  process.sample(collect::Clock::now());
  EXPECT_TRUE(process.unseen.empty());
  process.close(model::RunState::kEnded, std::nullopt);
  ASSERT_EQ(process.unseen.size(), 1U);
  EXPECT_TRUE(process.unseen[0].range.contains(Address{child.said(0)}));
}

TEST(CollectProcess, WhatAnEventExplainsByItsEndWasOnItsWay) {
  const Child child([](int out) { tell(out, code_page()); });
  collect::Process process;
  process.pid = child.pid();
  process.sample(collect::Clock::now());
  process.explained.add(range_of(Address{child.said(0)}, Bytes{0x3000}));
  process.close(model::RunState::kEnded, std::nullopt);
  EXPECT_TRUE(process.unseen.empty());
}

TEST(CollectProcess, LooksInTheLastThirdOfALifeHoweverLong) {
  const Child child([](int) {});
  collect::Process process;
  process.pid = child.pid();
  const auto born = collect::Clock::now();
  auto now = born + process.sample_interval;
  for (int i = 0; i < 60; ++i) {
    const auto before = collect::Clock::now();
    process.sample(now);
    // At most a fiftieth of the time: on a busy machine a look takes long, and the next one waits.
    const auto took = collect::Clock::now() - before;
    const auto next = process.next_sample;
    EXPECT_LE((next - now) * 3, next - born + std::chrono::milliseconds(150) + took * 150);
    now = next;
  }
  EXPECT_GT(now - born, std::chrono::minutes(2)) << "and seldom enough";
}

TEST(CollectProcess, LooksMoreSeldomThoughSomethingStaysUnseen) {
  const Child child([](int out) { tell(out, code_page()); });
  collect::Process process;
  process.pid = child.pid();
  auto now = collect::Clock::now();
  for (int i = 0; i < 20; ++i) {
    process.sample(now);
    now = process.next_sample;
  }
  for (int i = 0; i < 4; ++i) {
    process.sample(now);
    EXPECT_GT(process.next_sample - now, std::chrono::seconds(1));
    now = process.next_sample;
  }
}

TEST(CollectProcess, WhatAnEventOrAnAncestorsEventExplainsIsNotUnseen) {
  const Child child([](int out) { tell(out, code_page()); });
  const AddressRange page = range_of(Address{child.said(0)}, Bytes{0x3000});
  const auto parent = std::make_shared<collect::Process>();
  collect::Process process;
  process.pid = child.pid();
  process.parent = parent;
  parent->explained.add({page.begin, page.begin + Bytes{0x1000}});
  process.explained.add({page.begin + Bytes{0x1000}, page.end});
  for (int i = 0; i < 4; ++i) process.sample(collect::Clock::now());
  EXPECT_TRUE(process.unseen.empty());
}

TEST(CollectProcess, TakesEventsAndSitesFromItsRingAndClosesTheBooks) {
  const Ring ring;
  collect::Process process;
  process.ring.emplace(ring.open());
  const std::uint32_t site =
      RingWriter(ring.made.memory).add_site(nullptr, 0, 0, Role::kJulia, 0, 0);
  for (std::uint64_t i = 0; i < 5; ++i) {
    Event e = event_of(1, i);
    e.site = i < 4 ? site : 8000;
    RingWriter(ring.made.memory).append(e);
  }
  EXPECT_TRUE(process.read_ring(false));
  EXPECT_FALSE(process.read_ring(false));
  EXPECT_EQ(process.events.size(), 5U);
  EXPECT_EQ(process.sites.size(), 1U);
  EXPECT_EQ(process.run.recorded, 5U);
  // A store that fails releases nothing: everything stays, and is not read twice.
  EXPECT_FALSE(process.read_ring(true));
  const std::uint64_t late = ring.claim();
  ring.claim();
  process.read_ring(false);
  ring.commit(late, event_of(1, 9));
  process.close(model::RunState::kEnded, collect::proc::Exit{std::nullopt, SIGKILL});
  EXPECT_EQ(process.run.recorded, 6U);
  EXPECT_EQ(process.run.torn, 1U);
  EXPECT_EQ(process.run.signal, SIGKILL);
  EXPECT_TRUE(process.ended);
}

}  // namespace
}  // namespace jitcorral::ring_test

// The window under threads, against the real kernel.
#include <gtest/gtest.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "jitcorral/policy.h"
#include "opening.h"
#include "window.h"

namespace jitcorral {
namespace {

Bytes pages(std::uint64_t n) {
  return {static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) * n};
}

unsigned char* memory(Address a) {
  return reinterpret_cast<unsigned char*>(a.value);
}

MapCall call_of(Bytes length) {
  return {{}, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
}

// Near nothing: where it lies does not matter here.
Site reserved_site(Bytes size) {
  Policy policy;
  policy.near = Near::kNone;
  policy.window = size;
  const auto site = find_site(policy, {}, true);
  EXPECT_TRUE(site && site->shielded);
  return site ? *site : Site{};
}

// Nothing is mapped there, and the kernel would not place anything there by itself.
Site bare_site(Bytes size) {
  const KernelResult top = kernel::reserve({}, mib(1), 0);
  kernel::unmap(range_of(top.address(), mib(1)));
  return {{range_of(round_down(top.address() - gib(64), mib(2)), size), true}, {}, false, false};
}

std::unique_ptr<Window> open_at(const Site& site) {
  auto window = std::make_unique<Window>();
  window->set_page_size(PageSize::of(pages(1)));
  EXPECT_TRUE(window->begin_opening());
  window->publish(site);
  return window;
}

// The threads begin together.
template <typename Body>
void in_threads(int n, Body body) {
  std::latch ready(n);
  std::vector<std::thread> threads;
  for (int who = 1; who <= n; ++who)
    threads.emplace_back([&, who] {
      ready.arrive_and_wait();
      body(who);
    });
  for (std::thread& t : threads) t.join();
}

struct Tally {
  std::atomic<int> refused{0};  // place() found no place
  std::atomic<int> dirty{0};    // a fresh place was not zero
  std::atomic<int> damaged{0};  // contents changed while live
  std::atomic<int> failed{0};   // unmap() failed
};

struct Block {
  AddressRange at;
  unsigned char pattern = 0;
};

// The first and last bytes of every page.
template <typename Visit>
void at_edges(AddressRange r, Visit visit) {
  for (Address a = r.begin; a < r.end; a = a + pages(1)) {
    visit(memory(a)[0]);
    visit(memory(a + pages(1))[-1]);
  }
}

void check_and_unmap(Window& window, const Block& b, Tally& tally) {
  at_edges(b.at, [&](unsigned char c) { tally.damaged += c != b.pattern ? 1 : 0; });
  if (!window.unmap(b.at).ok()) ++tally.failed;
}

// Places and unmaps at random, checking what it reads.
void churn(Window& window, int who, int steps, std::uint32_t longest, Tally& tally,
           std::size_t most = 24) {
  std::mt19937 rng(static_cast<std::uint32_t>(who));
  std::vector<Block> live;
  for (int step = 0; step < steps; ++step) {
    if (live.size() < most && (rng() % 2 == 0 || live.empty())) {
      const Bytes length = pages(1 + rng() % (rng() % 8 == 0 ? longest : 6));
      const Kind kind = rng() % 2 == 0 ? Kind::kCode : Kind::kRwdata;
      const Placed placed = window.place(call_of(length), kind, pages(1));
      if (placed.failure != PlaceFailure::kNone) {
        ++tally.refused;
        continue;
      }
      const Block b{range_of(placed.at, length), static_cast<unsigned char>(1 + rng() % 255)};
      at_edges(b.at, [&](unsigned char& c) {
        tally.dirty += c != 0 ? 1 : 0;
        c = b.pattern;
      });
      live.push_back(b);
    } else {
      const std::size_t i = rng() % live.size();
      const Block b = live[i];
      live[i] = live.back();
      live.pop_back();
      check_and_unmap(window, b, tally);
    }
  }
  for (const Block& b : live) check_and_unmap(window, b, tally);
}

void expect_clean(const Tally& tally) {
  EXPECT_EQ(tally.dirty.load(), 0);
  EXPECT_EQ(tally.damaged.load(), 0);
  EXPECT_EQ(tally.failed.load(), 0);
}

class WindowThreadsTest : public testing::TestWithParam<bool> {
 protected:
  static Site site(Bytes size) { return GetParam() ? reserved_site(size) : bare_site(size); }
};

INSTANTIATE_TEST_SUITE_P(Modes, WindowThreadsTest, testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "shielded" : "bare");
});

TEST_P(WindowThreadsTest, FourThreadsNeverSeeEachOthersMemory) {
  const Site place = site(mib(256));
  const auto window = open_at(place);
  Tally tally;
  in_threads(4, [&](int who) { churn(*window, who, 4000, 400, tally); });
  expect_clean(tally);
  EXPECT_EQ(tally.refused.load(), 0);
  kernel::unmap(place.layout.window);
}

TEST_P(WindowThreadsTest, FourThreadsInANarrowWindowNeverSeeEachOthersMemory) {
  const Site place = site(mib(1));
  const auto window = open_at(place);
  Tally tally;
  in_threads(4, [&](int who) { churn(*window, who, 4000, 100, tally); });
  expect_clean(tally);
  // All of it is free again, or was met as somebody else's.
  if (!GetParam()) {
    EXPECT_FALSE(window->any_claimed(place.layout.window));
  }
  kernel::unmap(place.layout.window);
}

TEST_P(WindowThreadsTest, ExtentsOfThreadsAreKnownUntilTheyAreFreed) {
  const Site place = site(mib(64));
  const auto window = open_at(place);
  std::atomic<int> wrong{0};
  in_threads(4, [&](int who) {
    std::mt19937 rng(static_cast<std::uint32_t>(who));
    for (int step = 0; step < 5000; ++step) {
      const Bytes length = pages(1 + rng() % 3);
      const Placed placed = window->place(call_of(length), Kind::kCode, pages(1));
      if (placed.failure != PlaceFailure::kNone) continue;
      const AddressRange at = range_of(placed.at, length);
      window->mark_extent(at);
      if (window->extent_at(at.begin) != at) ++wrong;
      window->unmap(at);
    }
  });
  EXPECT_EQ(wrong.load(), 0);
  kernel::unmap(place.layout.window);
}

// The page changes hands through the kernel here, which no tool that looks for races can see.
std::atomic_ref<unsigned char> shared(Address a) {
  return std::atomic_ref<unsigned char>(*memory(a));
}

// A mapping that the kernel gave to somebody else goes while a place is sought: the new owner of
// the page must stay its owner in the books.
TEST(WindowForeignTest, UnmappingAForeignPageTakesNothingFromItsNextOwner) {
  const Site place = bare_site(mib(1));
  const auto window = open_at(place);
  const AddressRange last{place.layout.window.end - pages(1), place.layout.window.end};
  std::atomic<int> lost{0}, damaged{0}, still{3};
  in_threads(4, [&](int who) {
    for (int step = 0; step < 20000; ++step) {
      if (who == 1) {
        // The host's own mmap, which landed on a bare page, and its munmap.
        if (still.load() == 0) break;
        MapCall foreign = call_of(pages(1));
        foreign.hint = last.begin;
        foreign.flags |= MAP_FIXED_NOREPLACE;
        if (!kernel::map(foreign).ok()) continue;
        shared(last.begin) = 0xee;
        if (shared(last.begin) != 0xee) ++damaged;
        window->unmap(last);
      } else {
        const Placed placed = window->place(call_of(pages(1)), Kind::kCode, pages(1));
        if (placed.failure != PlaceFailure::kNone) continue;
        const AddressRange at = range_of(placed.at, pages(1));
        window->mark_extent(at);
        shared(at.begin) = static_cast<unsigned char>(who);
        if (!window->any_claimed(at) || window->extent_at(at.begin) != at) ++lost;
        if (shared(at.begin) != who) ++damaged;
        window->unmap(at);
      }
    }
    if (who != 1) --still;
  });
  EXPECT_EQ(damaged.load(), 0);
  EXPECT_EQ(lost.load(), 0) << "a live mapping was forgotten by another thread's unmap";
  kernel::unmap(place.layout.window);
}

// At most 24 blocks of 300 pages are live, so that one of the stretches between them always has
// room for one more.
void unshield_among(int rounds, Tally& tally, int& held) {
  for (int round = 0; round < rounds; ++round) {
    const Site place = reserved_site(pages(16384));
    const auto window = open_at(place);
    std::atomic<bool> done{false};
    in_threads(4, [&](int who) {
      if (who == 4) {
        window->unshield();
        done.store(true);
        return;
      }
      do {
        churn(*window, round * 8 + who, 60, who == 1 ? 300 : 2, tally, 8);
      } while (!done.load());
    });
    held += window->any_shielded(window->range()) ? 1 : 0;
    kernel::unmap(place.layout.window);
  }
}

TEST(WindowUnshieldTest, PlacingThreadsKeepTheirContents) {
  Tally tally;
  int held = 0;
  unshield_among(100, tally, held);
  expect_clean(tally);
}

TEST(WindowUnshieldTest, NoFreePageIsHeldOnceAllIsQuiet) {
  Tally tally;
  int held = 0;
  unshield_among(100, tally, held);
  EXPECT_EQ(held, 0) << "of 100 windows still hold free pages";
}

TEST(WindowUnshieldTest, PlacingThreadsAreNeverToldThatTheWindowIsFull) {
  Tally tally;
  int held = 0;
  unshield_among(100, tally, held);
  EXPECT_EQ(tally.refused.load(), 0);
}

TEST(WindowOpeningTest, ExactlyOneThreadOpens) {
  for (int round = 0; round < 50; ++round) {
    const Site place = bare_site(mib(1));
    const auto window = std::make_unique<Window>();
    window->set_page_size(PageSize::of(pages(1)));
    std::atomic<int> openers{0}, wrong{0};
    in_threads(4, [&](int) {
      if (window->begin_opening()) {
        ++openers;
        window->publish(place);
      }
      if (window->is_open() && window->range() != place.layout.window) ++wrong;
    });
    EXPECT_EQ(openers.load(), 1);
    EXPECT_EQ(wrong.load(), 0);
  }
}

}  // namespace
}  // namespace jitcorral

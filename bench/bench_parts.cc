// The shim's parts by themselves: page map, screening, call-site table, fingerprint.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "decide.h"
#include "page_map.h"
#include "rooms.h"

namespace {

using jitcorral::Bytes;
using jitcorral::End;
using jitcorral::PageIndex;
using jitcorral::PageMap;
using jitcorral::PageRun;
using jitcorral::Pages;

constexpr std::uint32_t kAll = PageMap::kMaxPages;

PageMap::Wanted wanted(std::uint32_t pages, std::uint32_t alignment = 1) {
  return {{pages}, {kAll}, alignment, 0, End::kHigh};
}

// One claim and its release, as each steered pair does.
void churn(benchmark::State& state, PageMap& map, const PageMap::Wanted& what) {
  for (auto _ : state) {
    const auto run = map.claim(what);
    if (!run) return state.SkipWithError("no room");
    map.release(*run);
  }
}

// Live extents of one page each from the high end, as the shim places them; the next goes behind.
void live(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  const auto count = static_cast<std::uint32_t>(state.range(0));
  for (std::uint32_t i = 0; i < count; ++i) map->claim_exact({{kAll - 1 - i}, {1}});
  churn(state, *map, wanted(static_cast<std::uint32_t>(state.range(1))));
}
BENCHMARK(live)
    ->Name("page_map/pair")
    ->ArgNames({"live", "pages"})
    ->ArgsProduct({{0, 100, 10000, 400000}, {1, 16, 256}});

// 90 % of the pages in extents of 1 to 8, the rest scattered holes of the same sizes.
void crowded(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  std::minstd_rand random(1);
  for (std::uint32_t p = 0; p + 8 < kAll;) {
    const std::uint32_t pages = 1 + static_cast<std::uint32_t>(random() % 8);
    if (random() % 10 != 0) map->claim_exact({{p}, {pages}});
    p += pages;
  }
  churn(state, *map, wanted(static_cast<std::uint32_t>(state.range(0))));
}
BENCHMARK(crowded)
    ->Name("page_map/90_percent_full")
    ->ArgName("pages")
    ->Arg(1)
    ->Arg(8)
    ->Arg(16)
    ->Arg(24);

// The only place is at the far end: every other page is taken.
void checkerboard(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  for (std::uint32_t p = 4096; p < kAll; p += 2) map->claim_exact({{p}, {1}});
  churn(state, *map, wanted(static_cast<std::uint32_t>(state.range(0))));
}
BENCHMARK(checkerboard)->Name("page_map/checkerboard")->ArgName("pages")->Arg(2)->Arg(512);

// Runs of 1022 free pages, none of which holds an aligned 2 MiB: the summaries say that each chunk
// would do.
void misaligned(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  for (std::uint32_t p = 4096; p < kAll; p += 1024) {
    map->claim_exact({{p}, {1}});
    map->claim_exact({{p + 1023}, {1}});
  }
  churn(state, *map, wanted(512, 512));
}
BENCHMARK(misaligned)->Name("page_map/misaligned_2M");

// No room at all: what every call costs once the window is full.
void full(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  if (state.range(0) != 0) {
    for (std::uint32_t p = 0; p < kAll; p += 2) map->claim_exact({{p}, {1}});
  } else {
    map->claim_exact({{0}, {kAll}});
  }
  for (auto _ : state) benchmark::DoNotOptimize(map->claim(wanted(2)));
}
BENCHMARK(full)->Name("page_map/full")->ArgName("checkerboard")->Arg(0)->Arg(1);

// A host that gives back a middle part of an extent and takes it again.
void partial_free(benchmark::State& state) {
  auto map = std::make_unique<PageMap>();
  const auto extent = map->claim(wanted(64));
  const PageRun middle{extent->first + Pages{24}, Pages{16}};
  for (auto _ : state) {
    map->release(middle);
    benchmark::DoNotOptimize(map->claim_exact(middle));
  }
}
BENCHMARK(partial_free)->Name("page_map/partial_free");

// Threads that all work in the same chunk.
void contended(benchmark::State& state) {
  static PageMap map;
  for (auto _ : state) {
    const auto run = map.claim(wanted(4));
    if (!run) return state.SkipWithError("no room");
    map.release(*run);
  }
}
BENCHMARK(contended)->Name("page_map/contended")->Threads(1)->Threads(2)->Threads(4)->UseRealTime();

jitcorral::MapCall call_of(int flags) {
  return {{}, Bytes{65536}, PROT_READ | PROT_WRITE, flags, -1, 0};
}

void screen_and_decide(benchmark::State& state) {
  jitcorral::Policy policy;
  jitcorral::MapCall call = call_of(MAP_PRIVATE | MAP_ANONYMOUS);
  const jitcorral::Caller caller{jitcorral::Role::kLlvm, 0, 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(call);
    benchmark::DoNotOptimize(policy);
    auto reason = jitcorral::screen(call, policy, {}, jitcorral::gib(1));
    if (!reason) reason = jitcorral::decide(call, caller, jitcorral::Door::kMmap, policy);
    benchmark::DoNotOptimize(reason);
  }
}
BENCHMARK(screen_and_decide);

void call_site(benchmark::State& state) {
  const void* site = reinterpret_cast<const void*>(&call_site);
  rooms_caller_at(site);
  for (auto _ : state) benchmark::DoNotOptimize(rooms_caller_at(site));
}
BENCHMARK(call_site)->Name("call_site/known");

void call_site_confirmed(benchmark::State& state) {
  const void* site = reinterpret_cast<const void*>(&call_site);
  for (auto _ : state) benchmark::DoNotOptimize(rooms_confirmed_at(site));
}
BENCHMARK(call_site_confirmed)->Name("call_site/confirmed");

// Once per site: what a first call costs. Addresses inside one function are as good as call sites.
// Few, since the table is bounded and is never emptied.
void call_site_new(benchmark::State& state) {
  static std::uintptr_t next = reinterpret_cast<std::uintptr_t>(&call_site) + 1;
  for (auto _ : state)
    benchmark::DoNotOptimize(rooms_caller_at(reinterpret_cast<const void*>(next++)));
}
BENCHMARK(call_site_new)->Name("call_site/new")->Iterations(200);

void fingerprint(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(rooms_fingerprint());
}
BENCHMARK(fingerprint)->Name("fingerprint/llvm_4_frames");

void unwind(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(rooms_unwind());
}
BENCHMARK(unwind)->Name("fingerprint/unwind_alone");

void learner_scan(benchmark::State& state) {
  for (auto _ : state) rooms_protected_as(5, 4);
}
BENCHMARK(learner_scan)->Name("learner/protected_as");

void note_passed(benchmark::State& state) {
  for (auto _ : state) rooms_note_passed();
}
BENCHMARK(note_passed)->Name("record/note_passed");

void note_suspect(benchmark::State& state) {
  std::uint64_t at = 1 << 20;
  for (auto _ : state) rooms_suspect(at += 4096);
}
BENCHMARK(note_suspect)->Name("suspects/mapped");

}  // namespace

BENCHMARK_MAIN();

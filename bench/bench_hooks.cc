// A plain host: the same binary runs bare and under LD_PRELOAD=libjitcorral.so, and compare takes
// the difference. It calls libc as any program does and knows of the shim only to say, in the
// context of its output, whether it was there and what it did.
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#include "engine.h"
#include "jitcorral/jitcorral.h"

namespace {

constexpr std::size_t kPage = 4096;
constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

void touch(void* p, std::size_t size) {
  auto* bytes = static_cast<volatile char*>(p);
  for (std::size_t at = 0; at < size; at += kPage) bytes[at] = 1;
}

// MAP_FAILED without the cast in its macro.
bool failed(const void* p) {
  return reinterpret_cast<std::intptr_t>(p) == -1;
}

void* map_rw(std::size_t size) {
  return mmap(nullptr, size, kRw, kPrivate, -1, 0);
}

// Outside the timing: is what this benchmark maps steered?
void report_place(benchmark::State& state, const void* p) {
  if (jitcorral_inside != nullptr) state.counters["inside"] = jitcorral_inside(p);
}

// A pair that the shim passes under JITCORRAL_POLICY=auto: this caller is no engine.
void passed_pair(benchmark::State& state) {
  for (auto _ : state) {
    void* p = map_rw(kPage);
    benchmark::DoNotOptimize(p);
    munmap(p, kPage);
  }
  void* p = map_rw(kPage);
  report_place(state, p);
  munmap(p, kPage);
}
BENCHMARK(passed_pair)->Name("passed/mmap_munmap");

// A passed call whose kernel side is small and steady, so that 30 ns can be seen: neither shared
// nor private is EINVAL, after the shim has looked at the call and at its caller.
void passed_refused(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(mmap(nullptr, kPage, kRw, MAP_ANONYMOUS, -1, 0));
}
BENCHMARK(passed_refused)->Name("passed/mmap_refused");

// munmap and mprotect of nothing, outside the window.
void passed_munmap(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(munmap(reinterpret_cast<void*>(kPage), 0));
}
BENCHMARK(passed_munmap)->Name("passed/munmap_refused");

void passed_mprotect(benchmark::State& state) {
  void* p = aligned_alloc(kPage, kPage);
  for (auto _ : state) benchmark::DoNotOptimize(mprotect(p, kPage, kRw));
  free(p);
}
BENCHMARK(passed_mprotect)->Name("passed/mprotect");

void syscall_getpid(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(syscall(SYS_getpid));
}
BENCHMARK(syscall_getpid)->Name("syscall/getpid");

// 48 bytes: a pointer that begins no page, as nearly all do.
void free_malloc(benchmark::State& state) {
  for (auto _ : state) {
    void* p = malloc(48);
    benchmark::DoNotOptimize(p);
    free(p);
  }
}
BENCHMARK(free_malloc)->Name("free/malloc_48");

void realloc_same(benchmark::State& state) {
  void* p = malloc(48);
  for (auto _ : state) benchmark::DoNotOptimize(p = realloc(p, 48));
  free(p);
}
BENCHMARK(realloc_same)->Name("free/realloc_48");

// free alone of page-aligned pointers that came from another allocator than ours; only the frees
// are timed. `served`: after the shim has served an extent of its own, and so has to look.
void free_page_aligned(benchmark::State& state, bool served) {
  constexpr std::size_t kBatch = 64;
  static void* extent = nullptr;  // stays live: a served extent is what makes free look
  if (served && extent == nullptr) extent = cranelift_memalign(kPage, kPage);
  if (served && jitcorral_inside != nullptr && jitcorral_inside(extent) == 0 &&
      getenv("JITCORRAL_POLICY") == nullptr) {
    state.SkipWithError("the Cranelift stand-in was not served");
    return;
  }
  std::array<void*, kBatch> pointers;
  for (auto _ : state) {
    // Small, so that glibc's bins serve it.
    for (void*& p : pointers) p = aligned_alloc(kPage, 64);
    const auto begin = std::chrono::steady_clock::now();
    for (void* p : pointers) free(p);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(took.count() / kBatch);
  }
}
void free_page_aligned_unserved(benchmark::State& state) {
  free_page_aligned(state, false);
}
void free_page_aligned_served(benchmark::State& state) {
  free_page_aligned(state, true);
}

// posix_memalign of a caller that is passed.
void memalign_pair(benchmark::State& state) {
  for (auto _ : state) {
    void* p = nullptr;
    if (posix_memalign(&p, kPage, kPage) != 0) return state.SkipWithError("posix_memalign");
    benchmark::DoNotOptimize(p);
    free(p);
  }
}
BENCHMARK(memalign_pair)->Name("free/posix_memalign_page");

// mmap, first touch of every page, munmap. With a live neighbour the page tables stay.
void pair(benchmark::State& state, bool neighbour) {
  const auto size = static_cast<std::size_t>(state.range(0));
  void* live = neighbour ? map_rw(kPage) : nullptr;
  if (live != nullptr) touch(live, kPage);
  for (auto _ : state) {
    void* p = map_rw(size);
    if (failed(p)) {
      state.SkipWithError("mmap failed");
      break;
    }
    touch(p, size);
    munmap(p, size);
  }
  void* p = map_rw(size);
  if (state.thread_index() == 0) report_place(state, p);
  munmap(p, size);
  if (live != nullptr) munmap(live, kPage);
}
void pair_alone(benchmark::State& state) {
  pair(state, false);
}
void pair_beside(benchmark::State& state) {
  pair(state, true);
}
void sizes(benchmark::internal::Benchmark* b) {
  for (const long kib : {4, 16, 64, 256, 1024, 4096, 16384}) b->Arg(kib * 1024);
  b->ArgName("bytes")->UseRealTime();
}
BENCHMARK(pair_alone)->Name("pair/alone")->Apply(sizes)->Threads(1)->Threads(4);
BENCHMARK(pair_beside)->Name("pair/beside")->Apply(sizes)->Threads(1)->Threads(4);

// A change of protection there and back of a steered extent.
void protect_extent(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  void* p = map_rw(size);
  touch(p, size);
  for (auto _ : state) {
    mprotect(p, size, PROT_READ);
    mprotect(p, size, kRw);
  }
  report_place(state, p);
  munmap(p, size);
}
BENCHMARK(protect_extent)->Name("mprotect/twice")->ArgName("bytes")->Arg(4096)->Arg(65536);

// As an LLVM host maps code: caller recognised, stack walked, made executable, unmapped.
void engine_code(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  void* p = nullptr;
  for (auto _ : state) {
    p = llvm_map(size);
    touch(p, size);
    mprotect(p, size, PROT_READ | PROT_EXEC);
    munmap(p, size);
  }
  if (jitcorral_inside != nullptr) state.counters["inside"] = jitcorral_inside(p);
}
BENCHMARK(engine_code)
    ->Name("engine/llvm_code")
    ->ArgName("bytes")
    ->Arg(4096)
    ->Arg(16384)
    ->Arg(65536);

// Many live extents: each pair has to find its place among them.
void pair_among(benchmark::State& state) {
  constexpr std::size_t kLive = 10000;
  static std::array<void*, kLive> live;
  // Alternating protections, so that the kernel merges nothing either.
  for (std::size_t i = 0; i < kLive; ++i) {
    live[i] = map_rw(kPage);
    if (i % 2 == 0) mprotect(live[i], kPage, PROT_READ);
  }
  for (auto _ : state) {
    void* p = map_rw(4 * kPage);
    touch(p, 4 * kPage);
    munmap(p, 4 * kPage);
  }
  for (void* p : live) munmap(p, kPage);
}
BENCHMARK(pair_among)->Name("pair/among_10000_live")->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  benchmark::AddCustomContext("shim", jitcorral_version != nullptr ? jitcorral_version() : "none");
  // Registered last: once an extent is served, every free of a page-aligned pointer has to look.
  benchmark::RegisterBenchmark("free/page_aligned", free_page_aligned_unserved)
      ->UseManualTime()
      ->Iterations(2000);
  benchmark::RegisterBenchmark("free/page_aligned_served", free_page_aligned_served)
      ->UseManualTime()
      ->Iterations(2000);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

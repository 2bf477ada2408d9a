// What an event costs the host that records it, with a reader at work beside it: the shim's own
// path, the ring's, and the recorder's.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "collect/listener.h"
#include "collect/ring_reader.h"
#include "ring_writer.h"
#include "rooms.h"

namespace {

namespace collect = jitcorral::collect;
using jitcorral::Event;
using jitcorral::RingWriter;

// Takes the ring of this very process and empties it until the benchmark is over.
class Reader {
 public:
  Reader() : listener_("/tmp", false) {
    rooms_record_to(listener_.path().c_str());
    rooms_record_event(0x1000);  // makes the ring
    while (!ring_) {
      auto message = listener_.receive();
      if (message && message->ring) ring_.emplace(message->ring, true);
    }
    thread_ = std::thread([this] {
      while (!over_.load(std::memory_order_relaxed)) {
        ring_->peek(false);
        ring_->release();
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
    });
  }
  ~Reader() {
    over_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  std::uint64_t dropped() const { return ring_->dropped(); }

 private:
  collect::Listener listener_;
  std::optional<collect::RingReader> ring_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

Reader& reader() {
  static Reader one;
  return one;
}

// Bursts that fit into the ring, then a rest in which the reader empties it: what is timed are
// events that are kept.
void event(benchmark::State& state) {
  const std::uint64_t before = reader().dropped();
  constexpr int kBurst = 512;
  std::uint64_t address = 0x10000, kept = 0;
  while (state.KeepRunningBatch(kBurst)) {
    for (int i = 0; i < kBurst; ++i) kept += rooms_record_event(address += 4096);
    state.PauseTiming();
    std::this_thread::sleep_for(std::chrono::microseconds(400));
    state.ResumeTiming();
  }
  benchmark::DoNotOptimize(kept);
  if (state.thread_index() == 0)
    state.counters["dropped"] = static_cast<double>(reader().dropped() - before);
}
BENCHMARK(event)
    ->Name("record/event")
    ->Threads(1)
    ->Threads(2)
    ->Threads(4)
    ->Threads(8)
    ->UseRealTime();

struct Ring {
  Ring() : memory(jitcorral::ring::kSize / 64) {
    writer = RingWriter(memory.data());
    writer.format(4096, 1);
  }
  struct alignas(64) Line {
    std::uint64_t words[8] = {};
  };
  std::vector<Line> memory;
  RingWriter writer;
};

// The ring alone: no clock, no thread, no site.
void append(benchmark::State& state) {
  Ring ring;
  auto* slots = reinterpret_cast<jitcorral::ring::Slot*>(
      reinterpret_cast<unsigned char*>(ring.memory.data()) + jitcorral::ring::kSlotsOffset);
  Event e = {};
  for (auto _ : state) {
    const std::uint64_t ticket = ring.writer.append(e);
    slots[ticket % jitcorral::ring::kSlots].state.store(jitcorral::ring::kFree,
                                                        std::memory_order_relaxed);
  }
}
BENCHMARK(append)->Name("record/ring_append_alone");

// A full ring: what an event costs that nobody reads.
void drop(benchmark::State& state) {
  Ring ring;
  Event e = {};
  for (std::uint32_t i = 0; i < jitcorral::ring::kSlots; ++i) ring.writer.append(e);
  for (auto _ : state) benchmark::DoNotOptimize(ring.writer.append(e));
}
BENCHMARK(drop)->Name("record/dropped");

}  // namespace

BENCHMARK_MAIN();

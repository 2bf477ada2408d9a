#include "collect/fill_in.h"

#include <cstring>
#include <ctime>

namespace jitcorral::collect {
namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec t = {};
  clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

template <std::size_t kSize>
std::string text_of(const char (&text)[kSize]) {
  return {text, strnlen(text, kSize)};
}

}  // namespace

model::WallTime wall_time_now() {
  return nanoseconds(CLOCK_REALTIME);
}

model::WallTime wall_time_at(std::uint64_t monotonic) {
  // What lies ahead of us was not written by a clock.
  const auto now = static_cast<std::uint64_t>(nanoseconds(CLOCK_MONOTONIC));
  const std::uint64_t ago = monotonic == 0 || monotonic > now ? 0 : now - monotonic;
  return nanoseconds(CLOCK_REALTIME) - static_cast<std::int64_t>(ago);
}

void fill_in(model::Run& run, const Hello& hello) {
  run.executable = text_of(hello.executable);
  run.version = text_of(hello.version);
  run.isa = hello.isa < Isa::kCount ? hello.isa : Isa::kUnknown;
  run.mode = hello.mode <= Mode::kScatter ? hello.mode : Mode::kAuto;
  run.near = hello.near <= Near::kAddress ? hello.near : Near::kAuto;
  run.pid = hello.pid;
  run.label = text_of(hello.label);
  run.slurm_job = text_of(hello.slurm_job);
  run.fork_time = hello.forked != 0 ? hello.fork_time : 0;
  if (run.started == 0) run.started = wall_time_at(hello.time);
  if (hello.reason != Hello::Cannot::kNone && hello.reason < Hello::Cannot::kCount) {
    run.reason = Hello::kCannotTexts[static_cast<std::size_t>(hello.reason)];
    if (hello.error != 0) run.reason += std::string(" (") + std::strerror(hello.error) + ")";
  }
}

void fill_in(model::Run& run, const RingReader& ring) {
  run.has_ring = true;
  run.counters = ring.counters();
  run.window = ring.window();
  run.page_size = ring.page_size();
  run.filter_arrived = ring.is_filtered();
  run.position = ring.taken();
  run.dropped = ring.dropped();
  run.texts_lost = ring.texts_lost();
  run.placed_before = ring.late();
  run.torn = ring.implausible();
}

}  // namespace jitcorral::collect

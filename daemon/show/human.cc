#include "show/human.h"

#include "analyze/verdict.h"

#include <fmt/format.h>
#include <string.h>
#include <time.h>

#include <iterator>

namespace jitcorral::show {

std::string size_of(Bytes bytes) {
  return analyze::text_of(bytes);
}

std::string count_of(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string duration_of(std::int64_t nanos) {
  if (nanos < 0) nanos = 0;
  if (nanos < 1'000'000) return fmt::format("{} us", nanos / 1000);
  if (nanos < 1'000'000'000) return fmt::format("{} ms", nanos / 1'000'000);
  if (nanos < 60'000'000'000)
    return fmt::format("{}.{} s", nanos / 1'000'000'000, nanos / 100'000'000 % 10);
  const std::int64_t seconds = nanos / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

std::string iso_utc(model::WallTime time) {
  // Floored, also before 1970; a file may say any time.
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t rest = (time % kSecond + kSecond) % kSecond;
  const time_t seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     rest / 1'000'000);
}

std::string local_time(model::WallTime time) {
  const time_t seconds = static_cast<time_t>(time / 1'000'000'000);
  tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return iso_utc(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string hex(Address address) {
  return fmt::format("{:#x}", address.value);
}

std::string hex(AddressRange range) {
  return fmt::format("{:#x}-{:#x}", range.begin.value, range.end.value);
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  if (n == 1) return fmt::format("1 {}", one);
  if (many.empty()) return fmt::format("{} {}s", count_of(n), one);
  return fmt::format("{} {}", count_of(n), many);
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string end_of(const model::Run& run) {
  switch (run.state) {
    case model::RunState::kRunning:
      return "not seen to end";
    case model::RunState::kReplaced:
      return "became another program";
    default:
      break;
  }
  if (run.signal) return "killed by " + signal_name(*run.signal);
  if (run.exit_code) return fmt::format("exit status {}", *run.exit_code);
  return run.state == model::RunState::kNotLoaded ? "" : "ended";
}

}  // namespace jitcorral::show

#include "command/run_repeat.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>

#include "collect/ring_reader.h"
#include "command/output.h"
#include "show/safe.h"

namespace jitcorral::command {
namespace {

enum class Way { kBare, kScattered, kAuto };
constexpr Way kWays[] = {Way::kBare, Way::kScattered, Way::kAuto};
constexpr const char* kWayNames[] = {"bare", "scattered", "auto"};

struct Tally {
  unsigned runs = 0;
  unsigned failures = 0;
  std::map<std::string, unsigned> how;  // "SIGSEGV", "status 1" -> times
  std::string last_words;               // of the first that failed
  unsigned fell_back = 0;               // calls
};

std::string how_it_ended(const Ended& ended) {
  if (!ended.signal) return fmt::format("status {}", ended.status);
  const char* name = sigabbrev_np(*ended.signal);
  return name != nullptr ? std::string("SIG") + name : fmt::format("signal {}", *ended.signal);
}

// The last line that is not blank.
std::string last_line(int fd) {
  constexpr off_t kMost = 4096;
  const off_t size = lseek(fd, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::min(size, kMost)), '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

SessionPlan plan_for(Way way, const RunOptions& options, const SessionPlan& plan, unsigned turn) {
  SessionPlan one = plan;
  if (way == Way::kBare) {
    one.shim.clear();
    one.environment.clear();
  } else if (way == Way::kScattered) {
    one.environment.push_back("JITCORRAL_POLICY=scatter");
    one.environment.push_back(fmt::format("JITCORRAL_SEED={}", options.seed.value_or(1) + turn));
  } else {
    one.environment.push_back("JITCORRAL_POLICY=auto");
  }
  return one;
}

std::string row(const char* name, const Tally& tally) {
  std::string how;
  for (const auto& [what, times] : tally.how)
    how += fmt::format("{}{} x {}", how.empty() ? "" : ", ", times, what);
  return fmt::format("  {:<10} {:>5} {:>9}  {}\n", name, tally.runs, tally.failures, how);
}

std::string verdict(const Tally& bare, const Tally& scattered, const Tally& cured) {
  if (cured.failures != 0 && (bare.failures != 0 || scattered.failures != 0))
    return "auto fails too: placement alone does not explain it; see `jitcorral report`.";
  if (cured.failures != 0) return "only auto failed: please report this as a bug of jitcorral.";
  if (scattered.failures != 0)
    return "far placement makes it fail and the window cures it: placement is the illness.";
  if (bare.failures != 0)
    return "bare failed and auto did not: the window helps, although scattering did not provoke "
           "it.";
  return "nothing failed: with these seeds placement does no harm to it.";
}

}  // namespace

int run_repeatedly(const RunOptions& options, const SessionPlan& plan) {
  if (plan.shim.empty()) return kFailed;
  Tally tallies[std::size(kWays)];
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  std::optional<int> told_to_end;
  const collect::Descriptor nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (unsigned turn = 0; turn < options.repeat && !told_to_end; ++turn) {
    for (const Way way : kWays) {
      if (told_to_end) break;
      const auto which = static_cast<std::size_t>(way);
      if (shows_progress)
        write_all(STDERR_FILENO,
                  fmt::format("\r{:<10} {} of {} ", kWayNames[which], turn + 1, options.repeat));
      SessionPlan one = plan_for(way, options, plan, turn);
      const collect::Descriptor words(memfd_create("jitcorral-stderr", MFD_CLOEXEC));
      one.input = one.output = nothing.get();
      one.errors = words.get();
      const SessionResult result = run_session(one);
      if (!result.ended.started) return result.ended.status;
      told_to_end = result.ended.told_to_end;
      if (told_to_end) break;  // that turn says nothing of the command
      Tally& tally = tallies[which];
      ++tally.runs;
      if (result.ended.status == 0) continue;
      ++tally.how[how_it_ended(result.ended)];
      if (tally.failures++ == 0) tally.last_words = last_line(words.get());
    }
  }
  if (shows_progress) write_all(STDERR_FILENO, "\r\033[K");
  std::string text = fmt::format("  {:<10} {:>5} {:>9}  {}\n", "", "runs", "failures", "how");
  for (const Way way : kWays) {
    const auto which = static_cast<std::size_t>(way);
    text += row(kWayNames[which], tallies[which]);
  }
  for (const Way way : kWays) {
    const Tally& tally = tallies[static_cast<std::size_t>(way)];
    if (tally.failures != 0 && !tally.last_words.empty())
      text += fmt::format("  {} said last: {}\n", kWayNames[static_cast<std::size_t>(way)],
                          show::printable(tally.last_words));
  }
  text += (told_to_end ? "ended before its time; so far: " : "") +
          verdict(tallies[0], tallies[1], tallies[2]) + "\n";
  if (const int failed = print(text)) return failed;
  if (told_to_end) return 128 + *told_to_end;
  return tallies[2].failures == 0 ? 0 : kFailed;
}

}  // namespace jitcorral::command

#include "show/advice.h"

#include <iterator>

namespace jitcorral::show {
namespace {

// What to set against each reason to fall back.
constexpr std::string_view kRemedies[] = {
    "nothing",
    "set JITCORRAL_NEAR=none, or a smaller JITCORRAL_WINDOW (256M)",
    "nothing to set; if it comes back, report it with JITCORRAL_VERBOSE=2's lines",
    "set a larger JITCORRAL_WINDOW (2G is the most), or keep large blocks out by JITCORRAL_MAX or "
    "JITCORRAL_EXCLUDE",
    "set another JITCORRAL_NEAR: none, exe or a library's name",
    "look at the limits of the process: ulimit -v, ulimit -d, vm.max_map_count, its cgroup",
    "nothing to set: this needs Linux 4.17"};
static_assert(std::size(kRemedies) == static_cast<std::size_t>(PlaceFailure::kCount));

}  // namespace

std::string advice(const Shown& shown) {
  switch (shown.report.verdict) {
    case analyze::Verdict::kWithinReach:
    case analyze::Verdict::kNoJit:
      return "if it crashes all the same, look elsewhere: it is not where its code and data lie";
    case analyze::Verdict::kUnknown:
      return shown.report.blind.empty()
                 ? "see `jitcorral help verdicts`"
                 : "'not seen' below names what is missing; `jitcorral help verdicts` what to do";
    default:
      break;
  }
  if (shown.run.mode != Mode::kAuto && shown.run.mode != Mode::kAll)
    return "`jitcorral run --policy auto -- CMD` brings it within reach: does the crash go away?";
  if (!shown.report.fallbacks.empty()) return "'fell back' below names what to set";
  return "`jitcorral run --repeat 10 -- CMD` shows whether the distance matters";
}

std::string_view remedy_of(PlaceFailure reason) {
  const auto i = static_cast<std::size_t>(reason);
  return i > 0 && i < std::size(kRemedies) ? kRemedies[i] : std::string_view();
}

}  // namespace jitcorral::show

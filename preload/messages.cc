#include "messages.h"

#include "caller.h"
#include "process.h"
#include "say.h"

namespace jitcorral::messages {
namespace {

constexpr const char* what_to_set(PlaceFailure failure) {
  switch (failure) {
    case PlaceFailure::kCannotOpen:
      return "set JITCORRAL_NEAR or a smaller JITCORRAL_WINDOW";
    case PlaceFailure::kFull:
      return "set a larger JITCORRAL_WINDOW, or leave large blocks out by JITCORRAL_MAX";
    case PlaceFailure::kForeign:
      return "set another JITCORRAL_NEAR";
    default:
      return "set JITCORRAL_POLICY=off to be sure that this is not the cause";
  }
}

void append_caller(Line& line, const void* site) {
  const callers::Name name = callers::name_of(site);
  line << " caller=" << basename_of(name.library);
  if (!name.symbol.empty()) line << ":" << name.symbol;
}

void append_window(Line& line) {
  const AddressRange window = process.window.range();
  line << " window=" << window << " size=" << window.size();
}

}  // namespace

void fell_back(const char* what, Bytes length, const Placed& placed, bool refused,
               const void* site) {
  if (say::is_silent() || process.said_fallback.exchange(true, std::memory_order_relaxed)) return;
  Line line("fallback");
  line << " call=" << what << " length=" << length;
  append_caller(line, site);
  line << " why: " << name_in(kPlaceFailureTexts, placed.failure);
  if (placed.error != 0) line << " (errno " << placed.error << ")";
  line << "; "
       << (refused ? "refused with ENOMEM, as JITCORRAL_ON_FULL=fail asks"
                   : "the call was made again as the host made it");
  line << "; " << what_to_set(placed.failure) << "; later ones are only counted";
  say::write_line(line);
}

void config_problems() {
  if (say::is_silent() || process.problem_count == 0 ||
      process.said_config.exchange(true, std::memory_order_relaxed))
    return;
  for (std::size_t i = 0; i < process.problem_count; ++i) {
    const ConfigProblem& p = process.problems[i];
    Line line("config");
    line << " " << p.name << "=" << p.value;
    if (p.misspelt) {
      line << ": no such variable";
      if (p.variable != nullptr) line << "; did you mean " << p.variable->name << "?";
      line << " It is ignored";
    } else {
      line << ": not accepted; accepted: " << p.variable->accepts
           << "; the default is used: " << p.variable->fallback;
    }
    say::write_line(line);
  }
}

void cannot_record(std::string_view why, int error) {
  if (say::is_silent() || settings.record == RecordTo::kAuto ||
      process.said_record.exchange(true, std::memory_order_relaxed))
    return;
  Line line("record");
  line << " JITCORRAL_RECORD=" << (settings.record == RecordTo::kFile ? "file:" : "unix:")
       << settings.record_path << ": " << why;
  if (error != 0) line << " (errno " << error << ")";
  line << "; nothing is recorded, all else goes on";
  say::write_line(line);
}

void window_opened() {
  if (say::is_silent() || settings.verbose < 1) return;
  Line line("window");
  line << " base=" << process.window.range().begin << " size=" << process.window.range().size();
  line << " reserved=" << (process.window.any_shielded(process.window.range()) ? 1 : 0);
  const AddressRange anchor = process.window.anchor();
  if (!anchor.empty()) {
    const AddressRange span = hull(process.window.range(), anchor);
    line << " anchor=" << anchor << " span=" << span.size();
  }
  say::write_line(line);
}

void placed(Address at, const MapCall& call, Kind kind, const void* site) {
  if (say::is_silent() || settings.verbose < 2) return;
  Line line("place");
  line << " at=" << at << " length=" << call.length << " prot=" << call.prot
       << " kind=" << name_in(kKindNames, kind);
  append_caller(line, site);
  say::write_line(line);
}

void counts() {
  const jitcorral_counters c = process.record.totals();
  if (say::is_silent() || (!settings.stats && c.fell_back == 0 && c.failed == 0)) return;
  Line line("exit");
  line << " steered=" << c.steered << " passed=" << c.passed << " fellback=" << c.fell_back
       << " failed=" << c.failed << " givenback=" << c.given_back;
  if (settings.mode == Mode::kObserve) line << " wouldsteer=" << c.would_steer;
  if (process.window.is_open()) append_window(line);
  for (std::size_t i = 0; i < static_cast<std::size_t>(PassReason::kCount); ++i) {
    const std::uint64_t n = process.record.passed_for(static_cast<PassReason>(i));
    if (n != 0) line << " passed." << kPassReasonNames[i] << "=" << n;
  }
  for (const bool include : {true, false}) {
    const GlobList& globs = include ? settings.include : settings.exclude;
    for (std::size_t i = 0; i < globs.count(); ++i)
      line << (include ? " include." : " exclude.") << globs[i] << "="
           << process.record.glob_matches(include, i);
  }
  say::write_line(line);
}

}  // namespace jitcorral::messages

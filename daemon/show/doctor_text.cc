#include <fmt/format.h>

#include <algorithm>

#include "show/doctor.h"
#include "show/human.h"
#include "show/layout.h"
#include "show/names.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

constexpr std::size_t kMostNamed = 8;  // libraries of one kind, in a line

std::string_view answer_words(inspect::Answer answer) {
  constexpr std::string_view kWords[] = {"will be served", "may be served", "nothing to serve",
                                         "cannot be served", "unknown"};
  return name_in(kWords, answer);
}

Colour colour_of(inspect::Answer answer) {
  switch (answer) {
    case inspect::Answer::kCannot:
      return Colour::kBad;
    case inspect::Answer::kUnknown:
    case inspect::Answer::kMayServe:
      return Colour::kDoubt;
    default:
      return Colour::kGood;
  }
}

class Writer {
 public:
  explicit Writer(const TextOptions& options) : options_(options) {}

  void title(std::string_view text) {
    out_ += '\n' + paint(options_.colour, Colour::kTitle, text) + '\n';
  }
  // Everything that comes from files passes through here.
  void line(std::string_view first, std::string_view text) {
    out_ += wrapped(first, printable(text), options_.width);
  }
  void headline(const inspect::Diagnosis& d) {
    const std::string_view words = answer_words(d.answer);
    std::string text =
        wrapped("", fmt::format("{}: {}", words, printable(d.because)), options_.width);
    text.replace(0, words.size(), paint(options_.colour, colour_of(d.answer), words));
    out_ += text;
    if (!d.next.empty()) line("next: ", d.next);
  }
  std::string take() { return std::move(out_); }

 private:
  const TextOptions& options_;
  std::string out_;
};

std::string linkage_words(const inspect::Diagnosis& d) {
  if (d.linkage == "pie") return "PIE";
  if (d.linkage == "non-pie") return "non-PIE";
  if (d.linkage == "static-pie") return "static PIE";
  return d.linkage;
}

void program(Writer& out, const inspect::Diagnosis& d) {
  out.title("program");
  for (const std::string& step : d.program.steps) out.line("  ", step);
  const std::string& path = d.program.real.empty() ? d.program.path : d.program.real;
  std::string what = path;
  if (d.isa != Isa::kUnknown) {
    what += fmt::format(": {}, {}", name_in(kIsaNames, d.isa), linkage_words(d));
    if (d.libc != "none")
      what += fmt::format(", {}, {}", d.libc, counted(d.libraries, "library", "libraries"));
  }
  out.line("  ", what);
  for (const inspect::Missing& missing : d.missing)
    out.line("  ", fmt::format("not found: {}, needed by {}", missing.name, missing.by));
}

std::string_view certainty_words(inspect::Certainty certainty) {
  constexpr std::string_view kWords[] = {"is loaded at start", "is asked for", "may be loaded"};
  return name_in(kWords, certainty);
}

void engine(Writer& out, const inspect::EngineFound& e) {
  const std::string name =
      e.role == Role::kArena ? "tvm-ffi" : std::string(name_in(kRoleNames, e.role));
  out.line("  ", fmt::format("{}{}{} in {}", name, e.version.empty() ? "" : " ", e.version,
                             basename_of(e.module)));
  if (e.why_there == inspect::kExecutable) {
    out.line("      there      ", "it is the executable");
  } else {
    out.line("      file       ", e.module);
    out.line("      there      ", fmt::format("{}: {}", certainty_words(e.certainty), e.why_there));
  }
  out.line("      found by   ", e.found_by);
  if (e.is_used) {
    out.line("      memory by  ", e.allocates);
    for (const inspect::ReachNeed& need : e.reach)
      out.line(fmt::format("      {:<9}  ", need.name),
               fmt::format("{}, binds: {}; {}", size_of(need.limit),
                           name_in(kBindsNames, need.binds), need.why));
  }
  out.line("      jitcorral  ", e.outcome);
}

void engines(Writer& out, const inspect::Diagnosis& d) {
  out.title("engines");
  if (d.engines.empty())
    out.line("  ", d.linkage.empty() ? "not looked for" : "none that needs a window");
  for (const inspect::EngineFound& e : d.engines) engine(out, e);
  // One line for all that share a reason.
  std::vector<std::string> said;
  for (const inspect::Independent& one : d.independent) {
    if (std::find(said.begin(), said.end(), one.why) != said.end()) continue;
    said.push_back(one.why);
    std::string names;
    std::size_t count = 0;
    for (const inspect::Independent& other : d.independent)
      if (other.why == one.why && ++count <= kMostNamed)
        names += (names.empty() ? "" : ", ") + std::string(basename_of(other.module));
    if (count > kMostNamed) names += fmt::format(" and {} more", count - kMostNamed);
    out.line("  ", names + " (left alone): " + one.why);
  }
}

}  // namespace

std::string text(const inspect::Diagnosis& d, const TextOptions& options) {
  Writer out(options);
  out.headline(d);
  program(out, d);
  engines(out, d);
  out.title(fmt::format("what jitcorral does  (policy {})", name_in(kModeNames, d.mode)));
  for (const std::string& setting : d.settings) out.line("  set  ", setting);
  for (const inspect::Note& note : d.will) out.line("  ", note.text);
  out.title("what can't be seen");
  for (const inspect::Note& note : d.limits) out.line("  ", note.text);
  if (d.limits.empty()) out.line("  ", "nothing is known to be hidden");
  return out.take();
}

}  // namespace jitcorral::show

#include "show/autopsy.h"

#include <fmt/format.h>

#include <algorithm>

#include "show/human.h"
#include "show/layout.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

using autopsy::Conclusion;
using autopsy::Crash;
using decode::Access;
using decode::Landing;
using decode::Miss;
using decode::Trail;

const AuditedProcess kNobody{};

Colour colour_of(Conclusion conclusion) {
  return conclusion == Conclusion::kRuledOut  ? Colour::kGood
         : conclusion == Conclusion::kUnknown ? Colour::kDoubt
                                              : Colour::kBad;
}

std::string mnemonic_of(const std::string& text) {
  return text.substr(0, text.find(' '));
}

Bytes apart(Address a, Address b) {
  return a < b ? b - a : a - b;
}

// "the adrp at 0x... is off by exactly 2^33 (8 GiB): it meant 0x..., in ..., 4.7 GiB away"
std::string off_text(const Miss& miss) {
  const decode::Reference& r = miss.landed.reference;
  const std::string what = miss.text.empty() ? "the reference" : "the " + mnemonic_of(miss.text);
  const auto& t = miss.landed.truncation;
  if (!t) return fmt::format("{} at {} misses, and no cut-off explains it", what, hex(r.from));
  return fmt::format(
      "{} at {} is off by exactly {}: it meant {}, in {}, {} away, and {} reaches {}", what,
      hex(r.from), off_by(*t), hex(t->meant), place_text(kNobody, t->place),
      size_of(apart(t->meant, r.from)), decode::info_of(r.field).name,
      size_of(decode::reach_of(r.field)));
}

// "0x... is exactly 2^32 (4 GiB) from 0x..., in r-x ..."
std::string guess_text(const decode::Landed& guess) {
  const decode::Truncation& t = *guess.truncation;
  return fmt::format("{} is exactly {} from {}, in {}", hex(guess.reference.to), off_by(t),
                     hex(t.meant), place_text(kNobody, t.place));
}

std::string advice_of(const Crash& crash) {
  if (crash.under_shim)
    return "libjitcorral.so was loaded: jitcorral explain RUN says what it did (JITCORRAL_POLICY "
           "observe, scatter and off place nothing), and JITCORRAL_INCLUDE names an engine that it "
           "does not know";
  std::string text =
      "set LD_PRELOAD=/path/to/libjitcorral.so, or run it by `jitcorral run -- CMD`, which keeps "
      "code and data within reach of each other";
  for (const std::string& engine : crash.engines)
    if (engine.find("llvmlite") != std::string::npos && crash.isa == Isa::kAarch64)
      return text + "; llvmlite 0.42 and later reserve one block an object on aarch64";
  return text;
}

bool loaded_from_code(const Crash& crash) {
  if (!crash.origin) return false;
  const auto& all = crash.origin->references;
  return std::any_of(all.begin(), all.end(), [](const decode::Landed& landed) {
    return landed.reference.access == Access::kRead && landed.place && landed.place->executable;
  });
}

std::string unknown_because(const Crash& crash) {
  if (crash.ended_itself())
    return "it aborted itself, so what it said on standard error tells why (an assertion as "
           "isInt<33>, or a panic of a linker, is placement); " +
           because_of(crash.audit);
  if (!crash.audit.blind.empty()) return "not seen: " + crash.audit.blind.front();
  if (crash.culprit) return off_text(*crash.culprit);
  if (crash.audit.finding == decode::Finding::kNoCode && !crash.pc_place)
    return fmt::format(
        "control went to {}, where nothing is mapped, and no code of a JIT is in the core: was it "
        "freed?",
        hex(crash.pc));
  return because_of(crash.audit);
}

std::string does(Access access, std::uint8_t size) {
  const std::string bytes = size == 0 ? "" : " " + counted(size, "byte");
  switch (access) {
    case Access::kCall:
    case Access::kJump:
      return "go on";
    case Access::kWrite:
      return "write" + bytes;
    case Access::kReadWrite:
      return "change" + bytes;
    default:
      return "read" + bytes;
  }
}

std::string end_text(const autopsy::Origin& origin) {
  switch (origin.end) {
    case Trail::End::kConstant:
      return "which makes that address by itself";
    case Trail::End::kLoaded:
      return "and what lay there was loaded";
    case Trail::End::kStack:
      return "loaded from the stack";
    case Trail::End::kCall:
      return "made by a call";
    case Trail::End::kComputed:
      return "computed there";
    default:
      return origin.steps.empty()
                 ? "which held it when this stretch of code began: an argument, or "
                   "made elsewhere"
                 : "from what a register held when this stretch of code began";
  }
}

class Writer {
 public:
  explicit Writer(const TextOptions& options) : options_(options) {}
  void line(std::string_view head, std::string_view text) {
    out_ += wrapped(fmt::format("  {:<11}", head), printable(text), options_.width);
  }
  void raw(std::string_view text) { out_ += text; }
  std::string take() { return std::move(out_); }
  const TextOptions& options() const { return options_; }

 private:
  const TextOptions& options_;
  std::string out_;
};

std::string where_text(const std::optional<decode::Place>& place) {
  return place ? "in " + place_text(kNobody, *place) : "where nothing is mapped";
}

void span_lines(const Crash& crash, Writer& out) {
  for (const autopsy::Span& span : crash.spans) {
    if (!span.nearest) continue;
    const std::string_view field = decode::info_of(span.field).name;
    const std::string reach = size_of(decode::reach_of(span.field));
    out.line(
        "distances",
        fmt::format("{} ({}) from code of JITs to {}: {} of {} beyond it; {} has the nearest {} "
                    "away",
                    field, reach, span.to_code ? "other such code" : "memory of no file",
                    count_of(span.beyond), counted(span.pairs, "pair"), hex(span.code->range.begin),
                    size_of(span.distance)));
  }
  for (const decode::Landed& guess : crash.guesses) out.line("off by", guess_text(guess));
}

void crash_lines(const Crash& crash, Writer& out) {
  out.line("process",
           fmt::format("{}, {}, {}{}",
                       crash.executable.empty() ? "program" : basename_of(crash.executable),
                       name_in(kIsaNames, crash.isa), counted(crash.threads, "thread"),
                       crash.under_shim ? ", libjitcorral.so loaded" : ""));
  if (!crash.engines.empty())
    out.line("engines", fmt::format("{}", fmt::join(crash.engines, ", ")));
  if (crash.threads == 0) return;
  out.line("died",
           fmt::format("{}pc {}, {}",
                       crash.signal == 0 ? std::string()
                                         : fmt::format("of {}, thread {}, ",
                                                       signal_name(crash.signal), crash.thread),
                       hex(crash.pc), where_text(crash.pc_place)));
  if (crash.instruction)
    out.line(
        crash.sent_away ? "sent by" : "at",
        fmt::format("{}: {}{}", hex(crash.instruction->at),
                    crash.instruction->text.empty() ? "(does not decode)" : crash.instruction->text,
                    crash.in_jit ? ", in code of a JIT" : ""));
  if (crash.touched)
    out.line("to", fmt::format("{} at {}, {}", does(crash.access, crash.size), hex(*crash.touched),
                               where_text(crash.touched_place)));
  if (!crash.origin) return;
  bool first = true;
  for (const autopsy::Line& step : crash.origin->steps) {
    out.line(first ? "by" : "", fmt::format("{}: {}", hex(step.at), step.text));
    first = false;
  }
  out.line(first ? "by" : "",
           first && !crash.origin->reg.empty()
               ? fmt::format("{}, {}", crash.origin->reg, end_text(*crash.origin))
               : end_text(*crash.origin));
  for (const decode::Landed& landed : crash.origin->references)
    if (landed.landing == Landing::kExpected)
      out.line("", fmt::format("{}, {}: as expected", access_text(landed.reference),
                               where_text(landed.place)));
}

}  // namespace

Answer answer_of(Conclusion conclusion) {
  return conclusion == Conclusion::kRuledOut  ? Answer::kRuledOut
         : conclusion == Conclusion::kUnknown ? Answer::kUnknown
                                              : Answer::kCanBe;
}

std::string paragraph_of(const Crash& crash) {
  switch (crash.conclusion) {
    case Conclusion::kRuledOut:
      return fmt::format("placement ruled out: {}", because_of(crash.audit));
    case Conclusion::kCause:
      return fmt::format("placement is the cause: {}; {}", off_text(*crash.culprit),
                         advice_of(crash));
    case Conclusion::kCanBe:
      if (crash.culprit)
        return fmt::format("placement can be the cause: {}; {}", off_text(*crash.culprit),
                           advice_of(crash));
      if (crash.audit.finding != decode::Finding::kOutOfReach)
        return fmt::format(
            "placement can be the cause: {}, as a reference leads that is cut off to "
            "its field; {}; {}",
            guess_text(crash.guesses.front()), unknown_because(crash), advice_of(crash));
      return fmt::format("placement can be the cause: {}; {}; {}", because_of(crash.audit),
                         loaded_from_code(crash)
                             ? "what it used was loaded out of code, which a cut-off reference can "
                               "happen to reach"
                             : "none of these is seen to lead to where it died",
                         advice_of(crash));
    default:
      return "unknown: " + unknown_because(crash);
  }
}

std::string autopsy_text(const Crash& crash, std::string_view core, std::size_t most,
                         const TextOptions& options) {
  Writer out(options);
  const std::string paragraph = paragraph_of(crash);
  const std::size_t head = paragraph.find(':');
  std::string text = wrapped("", printable(std::string_view(paragraph)), options.width);
  text.replace(0, head, paint(options.colour, colour_of(crash.conclusion), text.substr(0, head)));
  out.raw(text + '\n');
  out.line("file", core);
  crash_lines(crash, out);
  if (crash.here) out.line("this code", because_of(*crash.here));
  out.line("all code", fmt::format("{}: {}", counted(crash.audit.mappings, "mapping"),
                                   because_of(crash.audit)));
  for (const std::string& what : crash.audit.blind) out.line("not seen", what);
  for (const std::string& what : crash.missing) out.line("not seen", what);
  span_lines(crash, out);
  if (crash.culprit) out.raw(miss_text(kNobody, *crash.culprit, options));
  std::size_t shown = 0, left = 0;
  for (const Miss& miss : crash.audit.misses) {
    if (crash.culprit && miss.landed.reference == crash.culprit->landed.reference) continue;
    if (most != 0 && shown == most)
      ++left;
    else
      out.raw(miss_text(kNobody, miss, options)), ++shown;
  }
  if (left > 0) out.raw(fmt::format("\n  and {} more: --limit 0 shows all\n", count_of(left)));
  return out.take();
}

}  // namespace jitcorral::show

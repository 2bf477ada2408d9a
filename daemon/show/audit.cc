#include "show/audit.h"

#include <fmt/format.h>

#include "show/human.h"
#include "show/layout.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

using decode::Access;
using decode::Audit;
using decode::Finding;
using decode::Landing;
using decode::Miss;
using decode::Place;
using decode::Truncation;

Colour colour_of(Finding finding) {
  return finding == Finding::kOutOfReach ? Colour::kBad
         : finding == Finding::kUnknown  ? Colour::kDoubt
                                         : Colour::kGood;
}

std::string permissions_of(const Place& place) {
  return std::string(place.readable ? "r" : "-") + (place.writable ? "w" : "-") +
         (place.executable ? "x" : "-");
}

class Writer {
 public:
  Writer(const AuditedProcess& process, const TextOptions& options)
      : process_(process), options_(options) {}

  void line(std::string_view head, std::string_view text) {
    out_ += wrapped(fmt::format("  {:<11}", head), printable(text), options_.width);
  }
  void title(std::string_view text) {
    out_ += '\n' + wrapped("  ", printable(text), options_.width);
  }
  void headline() {
    const std::string_view name = name_in(decode::kFindingNames, process_.audit.finding);
    std::string text =
        wrapped("", fmt::format("{}: {}", name, because_of(process_.audit)), options_.width);
    text.replace(0, name.size(), paint(options_.colour, colour_of(process_.audit.finding), name));
    out_ += text;
  }
  void miss(const Miss& miss);
  void fields();
  void raw(std::string_view text) { out_ += text; }
  std::string take() { return std::move(out_); }

 private:
  std::string place_text(const Place& place) const { return show::place_text(process_, place); }

  const AuditedProcess& process_;
  const TextOptions& options_;
  std::string out_;
};

std::string what_lies(const Miss& miss, const std::string& place) {
  switch (miss.landed.landing) {
    case Landing::kNowhere:
      return "where nothing is mapped";
    case Landing::kWrongKind:
      return "which lies in " + place;
    case Landing::kStranger:
      return "in memory that is nobody's who should be meant: " + place;
    default:
      return place;
  }
}

void Writer::miss(const Miss& miss) {
  const decode::Reference& r = miss.landed.reference;
  std::string text = fmt::format("{}: {}", hex(r.from), miss.text);
  if (r.with) text += fmt::format("; {}: {}", hex(*r.with), miss.with_text);
  title(text);
  const std::string place = miss.landed.place ? place_text(*miss.landed.place) : "";
  line("  does", fmt::format("{}, {}", access_text(r), what_lies(miss, place)));
  if (const auto& t = miss.landed.truncation) {
    line("  off by", fmt::format("exactly {}: it meant {}, in {}", off_by(*t), hex(t->meant),
                                 place_text(t->place)));
    const Bytes apart = t->meant < r.from ? r.from - t->meant : t->meant - r.from;
    line("  reach", fmt::format("{} reaches {}, and that is {} away", decode::info_of(r.field).name,
                                size_of(decode::reach_of(r.field)), size_of(apart)));
    if (!miss.proof)
      line("  doubt", fmt::format("so much is mapped that chance explains as much in {:.0f} % of "
                                  "all cases",
                                  100 * t->chance));
  } else {
    line("  doubt",
         "no cut-off explains it: freed memory, code that is not called, or data taken for code");
  }
}

void Writer::fields() {
  Table table("lrrrr");
  table.add({"field", "reach", "seen", "land", "miss"});
  for (const decode::FieldInfo& field : decode::kFields) {
    const decode::FieldCount& n = process_.audit.fields[static_cast<std::size_t>(field.field)];
    if (n.seen > 0)
      table.add({std::string(field.name), size_of(decode::reach_of(field.field)), count_of(n.seen),
                 count_of(n.landed), count_of(n.seen - n.landed)});
  }
  if (process_.audit.seen() > 0) out_ += '\n' + table.draw(4, options_.width, options_.colour, 0);
}

std::string bytes_text(const Audit& audit) {
  std::string text = fmt::format("{} in {}: {} in functions", size_of(audit.size()),
                                 counted(audit.mappings, "mapping"), size_of(audit.bytes.flowed));
  const auto add = [&](Bytes bytes, std::string_view what) {
    if (bytes > Bytes{}) text += fmt::format(", {} {}", size_of(bytes), what);
  };
  add(audit.bytes.data, "data that they read");
  add(audit.bytes.padding, "empty or padding");
  add(audit.bytes.swept, "that may be code or data");
  add(audit.bytes.undecoded, "that do not decode");
  return text;
}

}  // namespace

std::string access_text(const decode::Reference& r) {
  const std::string bytes = r.size == 0 ? "" : fmt::format("{} ", counted(r.size, "byte"));
  if (r.names_page()) return "makes the page " + hex(r.to);
  switch (r.access) {
    case Access::kCall:
      return "calls " + hex(r.to);
    case Access::kJump:
      return "jumps to " + hex(r.to);
    case Access::kRead:
      return fmt::format("reads {}at {}", bytes, hex(r.to));
    case Access::kWrite:
      return fmt::format("writes {}at {}", bytes, hex(r.to));
    case Access::kReadWrite:
      return fmt::format("changes {}at {}", bytes, hex(r.to));
    case Access::kAddress:
    case Access::kCount:
      break;
  }
  return "makes the address " + hex(r.to);
}

std::string off_by(const Truncation& t) {
  const std::uint64_t n = static_cast<std::uint64_t>(t.times < 0 ? -t.times : t.times);
  const Bytes distance{n << t.bits};
  return n == 1 ? fmt::format("2^{} ({})", t.bits, size_of(distance))
                : fmt::format("{} times 2^{} ({})", count_of(n), t.bits, size_of(distance));
}

// "rw- 0x7f...-0x7f... (8 KiB) of LLVM 14 in libLLVM-14.so.1"
std::string place_text(const AuditedProcess& process, const Place& place) {
  std::string text = fmt::format("{} {} ({})", permissions_of(place), hex(place.range),
                                 size_of(place.range.size()));
  const auto engine = static_cast<std::size_t>(place.engine);
  if (place.engine >= 0 && engine < process.engines.size())
    text += " of " + process.engines[engine];
  else if (!place.name.empty())
    text += ' ' + place.name;
  return text;
}

std::string miss_text(const AuditedProcess& process, const Miss& miss, const TextOptions& options) {
  Writer out(process, options);
  out.miss(miss);
  return out.take();
}

std::string because_of(const Audit& audit) {
  const std::string of = fmt::format("of {} of code", size_of(audit.bytes.flowed));
  const std::uint64_t seen = audit.seen(), missed = seen - audit.landed(), proofs = audit.proofs();
  switch (audit.finding) {
    case Finding::kOutOfReach:
      return fmt::format("{} of {} {} {} cut off, and {} what {} meant", count_of(proofs),
                         counted(seen, "reference"), of, proofs == 1 ? "was" : "were",
                         proofs == 1 ? "misses" : "miss", proofs == 1 ? "it" : "they");
    case Finding::kNoCode:
      return "there is no code of a JIT in this process";
    case Finding::kWithinReach:
      return seen == 0 ? fmt::format("{} of code refer to nothing by a displacement",
                                     size_of(audit.bytes.flowed))
                       : fmt::format("{} {} all land in mapped memory of the expected kind",
                                     counted(seen, "reference"), of);
    default:
      break;
  }
  if (!audit.blind.empty()) return "not seen: " + audit.blind.front();
  if (missed > 0)
    return fmt::format("{} of {} {} {}, and that no cut-off of theirs explains", count_of(missed),
                       counted(seen, "reference"), of, missed == 1 ? "misses" : "miss");
  return fmt::format("most of {} can't be told from data", size_of(audit.size()));
}

std::string audit_text(const AuditedProcess& process, std::size_t most,
                       const TextOptions& options) {
  Writer out(process, options);
  const Audit& audit = process.audit;
  out.headline();
  out.title(fmt::format("{}, pid {}, {}",
                        process.executable.empty() ? "process" : basename_of(process.executable),
                        process.pid, name_in(kIsaNames, audit.isa)));
  if (audit.mappings > 0) out.line("code", bytes_text(audit));
  if (process.recorded)
    out.line("engines", process.run ? fmt::format("known by the record of run {}", *process.run)
                                    : "known by their record");
  for (const std::string& what : audit.blind) out.line("not seen", what);
  if (audit.doubtful > 0)
    out.line("left out",
             fmt::format("{} in bytes that may be data, of which {} nowhere good",
                         counted(audit.doubtful, "reference"),
                         audit.doubtful_misses == 1 ? std::string("1 leads")
                                                    : count_of(audit.doubtful_misses) + " lead"));
  out.fields();
  std::size_t shown = 0;
  for (const Miss& miss : audit.misses) {
    if (most != 0 && shown == most) break;
    out.miss(miss);
    ++shown;
  }
  if (shown < audit.misses.size())
    out.title(
        fmt::format("and {} more: --limit 0 shows all", count_of(audit.misses.size() - shown)));
  return out.take();
}

}  // namespace jitcorral::show

#include "metrics/groups.h"

#include <algorithm>
#include <cctype>

namespace jitcorral::metrics {
namespace {

// Length of the UTF-8 character that `text` begins with; 0: it is none, or is better not shown.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  unsigned point = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3fU);
  }
  constexpr unsigned kLeast[] = {0, 0, 0xa0, 0x800, 0x10000};  // below 0xa0: control characters
  if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
  return length;
}

std::string clean(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character(text);
    const std::size_t taken = std::max<std::size_t>(length, 1);
    if (out.size() + taken > kLongestLabel) break;
    out += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(taken);
  }
  return out;
}

bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}
bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "7", "u12", "p4711", "r0123456789abcdef", a container's id.
bool is_passing(std::string_view part) {
  if (part.empty()) return false;
  if (all_digits(part) || (part.size() >= 12 && all_hex(part))) return true;
  const std::string_view rest = part.substr(1);
  return !rest.empty() && (((part[0] == 'u' || part[0] == 'p') && all_digits(rest)) ||
                           (part[0] == 'r' && rest.size() >= 12 && all_hex(rest)));
}

}  // namespace

void Group::add(const std::array<std::uint64_t, ring::kCounters>& counters) {
  for (std::size_t i = 0; i < placements.size(); ++i) placements[i] += counters[i];
  for (std::size_t i = ring::kPassed; i < counters.size(); ++i) passed += counters[i];
}

void Group::count_verdict(std::string_view name) {
  auto found = std::find(std::begin(kVerdictNames), std::end(kVerdictNames), name);
  if (found == std::end(kVerdictNames))
    found = std::find(std::begin(kVerdictNames), std::end(kVerdictNames), "unknown");
  ++verdicts[static_cast<std::size_t>(found - std::begin(kVerdictNames))];
}

Group& Group::operator+=(const Group& other) {
  const auto add_all = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  living += other.living;
  add_all(ended, other.ended);
  add_all(verdicts, other.verdicts);
  add_all(placements, other.placements);
  passed += other.passed;
  events += other.events;
  events_dropped += other.events_dropped;
  events_torn += other.events_torn;
  return *this;
}

std::string unit_label(std::string_view unit) {
  if (unit.empty()) return "none";
  // Only scopes and systemd-run's services ("run-u7.service") are named by number.
  if (!unit.ends_with(".scope") && !unit.starts_with("run-")) return clean(unit);
  const std::size_t dot = unit.find_last_of('.');
  const std::string_view suffix = dot == std::string_view::npos ? "" : unit.substr(dot);
  std::string_view stem = unit.substr(0, dot);
  std::string out;
  for (bool last = false; !last;) {
    const std::size_t dash = stem.find('-');
    last = dash == std::string_view::npos;
    const std::string_view part = stem.substr(0, dash);
    out += is_passing(part) ? std::string_view("*") : part;
    if (!last) out += '-', stem.remove_prefix(dash + 1);
  }
  return clean(out + std::string(suffix));
}

std::string executable_label(std::string_view path) {
  const std::string label = clean(path.substr(path.find_last_of('/') + 1));
  return label.empty() ? "unknown" : label;
}

Group& Groups::of(std::string_view unit, std::string_view executable) {
  Labels labels{unit_label(unit), executable_label(executable)};
  if (const auto found = groups_.find(labels); found != groups_.end()) return found->second;
  const auto of_unit = of_unit_.find(labels.unit);
  if (of_unit != of_unit_.end() && of_unit->second >= most_of_unit_) {
    labels.executable = kOther;
    if (const auto found = groups_.find(labels); found != groups_.end()) return found->second;
  }
  // One place is kept for the rest.
  if (groups_.size() + 1 >= most_) labels = {std::string(kOther), std::string(kOther)};
  const auto [place, is_new] = groups_.try_emplace(labels);
  if (is_new) ++of_unit_[labels.unit];
  return place->second;
}

}  // namespace jitcorral::metrics

#include "command/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "show/human.h"

namespace jitcorral::command {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string excerpt(std::string_view line) {
  constexpr std::size_t kMost = 60;
  const std::size_t end = line.find_last_not_of('\n');
  line = line.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return fmt::format("'{}'{}", line.substr(0, kMost), line.size() > kMost ? "…" : "");
}

}  // namespace

void StreamBefore::add(const Caught& bare) {
  const std::vector<std::string_view> lines = lines_of(bare.text);
  is_comparable_ = is_comparable_ && bare.text.size() == bare.bytes;
  if (runs_++ == 0) {
    for (const std::string_view line : lines) lines_.push_back({std::string(line), false});
    bytes_ = bare.bytes;
    hash_ = bare.hash;
    return;
  }
  is_one_ = is_one_ && bare.bytes == bytes_ && bare.hash == hash_;
  is_comparable_ = is_comparable_ && lines.size() == lines_.size();
  for (std::size_t i = 0; i < std::min(lines.size(), lines_.size()); ++i)
    lines_[i].varies |= lines_[i].text != lines[i];
}

std::string StreamBefore::difference(const Caught& with) const {
  if (is_one_ && with.bytes == bytes_ && with.hash == hash_) return "";
  if (!is_one_ && !is_comparable_) return "";
  const std::vector<std::string_view> lines = lines_of(with.text);
  for (std::size_t i = 0; i < std::min(lines.size(), lines_.size()); ++i)
    if (!lines_[i].varies && lines_[i].text != lines[i])
      return fmt::format("line {} is {}, bare {}", i + 1, excerpt(lines[i]),
                         excerpt(lines_[i].text));
  if (lines.size() > lines_.size())
    return fmt::format("more than bare: line {} is {}", lines_.size() + 1,
                       excerpt(lines[lines_.size()]));
  if (lines.size() < lines_.size())
    return fmt::format("less than bare: line {}, {}, is missing", lines.size() + 1,
                       excerpt(lines_[lines.size()].text));
  if (is_one_ && with.bytes != bytes_) return fmt::format("{} bytes, bare {}", with.bytes, bytes_);
  return is_one_ ? "differs beyond what was kept of it" : "";
}

std::string StreamBefore::not_compared() const {
  if (is_one_) return "";
  if (!is_comparable_) return "everything";
  const auto varying =
      std::count_if(lines_.begin(), lines_.end(), [](const Line& line) { return line.varies; });
  return fmt::format("{} of {} lines", varying, lines_.size());
}

std::string ending_of(const Trial& trial) {
  if (trial.timed_out) return fmt::format("no end within {:.0f} s", trial.wall);
  if (trial.ended.signal) return show::signal_name(*trial.ended.signal);
  return fmt::format("status {}", trial.ended.status);
}

void Before::add(const Trial& bare) {
  output_.add(bare.output);
  errors_.add(bare.errors);
  endings_.insert(ending_of(bare));
}

std::vector<std::string> Before::differences(const Trial& with) const {
  std::vector<std::string> all;
  if (!endings_.contains(ending_of(with)))
    all.push_back(
        fmt::format("ended with {}, bare {}", ending_of(with), fmt::join(endings_, " or ")));
  if (const std::string what = output_.difference(with.output); !what.empty())
    all.push_back("standard output: " + what);
  if (const std::string what = errors_.difference(with.errors); !what.empty())
    all.push_back("standard error: " + what);
  return all;
}

std::vector<std::string> Before::not_compared() const {
  std::vector<std::string> all;
  if (const std::string what = output_.not_compared(); !what.empty())
    all.push_back("standard output: " + what + " not compared: bare runs differ there");
  if (const std::string what = errors_.not_compared(); !what.empty())
    all.push_back("standard error: " + what + " not compared: bare runs differ there");
  if (endings_.size() > 1)
    all.push_back(fmt::format("bare it ends with {}", fmt::join(endings_, " or ")));
  return all;
}

}  // namespace jitcorral::command

// From the text of one environment variable to the policy. Pure: no allocation, no output; what is
// wrong comes back as a problem for the caller to say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jitcorral/policy.h"

namespace jitcorral {

constexpr const VariableInfo* find_variable(std::string_view name) {
  for (const VariableInfo& v : kVariables)
    if (v.name == name) return &v;
  return nullptr;
}

// Decimal, no sign, no blanks; nothing on overflow.
constexpr std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  std::uint64_t n = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const std::uint64_t digit = static_cast<std::uint64_t>(c - '0');
    if (n > (UINT64_MAX - digit) / 10) return std::nullopt;
    n = n * 10 + digit;
  }
  return n;
}

// A whole number with K, M or G (also k, m, g; powers of 1024) or none for bytes.
constexpr std::optional<Bytes> parse_size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'K':
      case 'k':
        shift = 10;
        break;
      case 'M':
      case 'm':
        shift = 20;
        break;
      case 'G':
      case 'g':
        shift = 30;
        break;
      default:
        break;
    }
    if (shift != 0) text.remove_suffix(1);
  }
  const auto n = parse_number(text);
  if (!n || *n > (UINT64_MAX >> shift)) return std::nullopt;
  return Bytes{*n << shift};
}

constexpr std::optional<Address> parse_address(std::string_view text) {
  if (text.size() < 3 || text.size() > 18 || text.substr(0, 2) != "0x") return std::nullopt;
  std::uint64_t n = 0;
  for (char c : behind(text, 2)) {
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<std::uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint64_t>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint64_t>(c - 'A') + 10;
    else
      return std::nullopt;
    n = (n << 4) | digit;
  }
  return Address{n};
}

constexpr bool parse_near(Policy& policy, std::string_view text) {
  if (text == "auto")
    policy.near = Near::kAuto;
  else if (text == "exe")
    policy.near = Near::kExe;
  else if (text == "none")
    policy.near = Near::kNone;
  else if (text == "low")
    policy.near = Near::kLow;
  else if (text.substr(0, 2) == "0x") {
    const auto address = parse_address(text);
    if (!address) return false;
    policy.near = Near::kAddress;
    policy.near_address = *address;
  } else {
    // A plain word is most likely a misspelt keyword: a library's name has a dot, a star or `lib`.
    if (text.find('.') == std::string_view::npos && text.find('*') == std::string_view::npos &&
        text.substr(0, 3) != "lib")
      return false;
    if (text.find(',') != std::string_view::npos || !policy.near_library.assign(text)) return false;
    policy.near = Near::kLibrary;
  }
  return true;
}

constexpr bool parse_record(Policy& policy, std::string_view text) {
  constexpr std::string_view kFilters = ",filters=";
  constexpr std::size_t kLongestSocket = 107;  // sockaddr_un::sun_path, unix(7)
  RecordTo to = RecordTo::kAuto;
  std::string_view path;
  std::uint64_t filters = 0;
  if (text == "off") {
    to = RecordTo::kOff;
  } else if (text.substr(0, 4 + kFilters.size()) == "auto,filters=") {
    const auto n = parse_number(behind(text, 4 + kFilters.size()));
    if (!n || *n > 255) return false;
    filters = *n;
  } else if (text.substr(0, 5) == "unix:" || text.substr(0, 5) == "file:") {
    to = text[0] == 'u' ? RecordTo::kUnix : RecordTo::kFile;
    path = behind(text, 5);
    const std::size_t comma = path.rfind(kFilters);
    if (to == RecordTo::kUnix && comma != std::string_view::npos) {
      const auto n = parse_number(behind(path, comma + kFilters.size()));
      if (!n || *n > 255) return false;
      filters = *n;
      path = std::string_view(path.data(), comma);
    }
    // A relative socket would be another one after the host's first chdir.
    if (path.empty() || (to == RecordTo::kUnix && path[0] != '/') ||
        path.size() > (to == RecordTo::kUnix ? kLongestSocket : sizeof policy.record_path - 1))
      return false;
  } else if (text != "auto") {
    return false;
  }
  policy.record = to;
  policy.record_filters = static_cast<std::uint8_t>(filters);
  for (std::size_t i = 0; i < sizeof policy.record_path; ++i)
    policy.record_path[i] = i < path.size() ? path[i] : '\0';
  return true;
}

// UTF-8 is not cut in the middle of a character.
constexpr bool parse_label(Policy& policy, std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  constexpr std::size_t kMost = sizeof policy.label - 1;
  std::size_t n = text.size() < kMost ? text.size() : kMost;
  if (n < text.size())
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  for (std::size_t i = 0; i < sizeof policy.label; ++i) policy.label[i] = i < n ? text[i] : '\0';
  return true;
}

// Sets what `variable` says; false, with the policy as it was, when `text` is not accepted.
constexpr bool parse_variable(Policy& policy, Variable variable, std::string_view text) {
  constexpr std::string_view kModes[] = {"off", "observe", "auto", "exec-only", "all", "scatter"};
  switch (variable) {
    case Variable::kPolicy:
      for (std::size_t i = 0; i < std::size(kModes); ++i) {
        if (text == kModes[i]) {
          policy.mode = static_cast<Mode>(i);
          return true;
        }
      }
      return false;
    case Variable::kSeed: {
      const auto n = parse_number(text);
      if (!n) return false;
      policy.seeded = true;
      policy.seed = *n;
      return true;
    }
    case Variable::kWindow: {
      const auto n = parse_size(text);
      if (!n || *n < mib(1) || *n > gib(2)) return false;
      policy.window = *n;
      return true;
    }
    case Variable::kNear:
      return parse_near(policy, text);
    case Variable::kInclude:
      return policy.include.assign(text);
    case Variable::kExclude:
      return policy.exclude.assign(text);
    case Variable::kOnly:
      return policy.only.assign(text);
    case Variable::kMax: {
      const auto n = parse_size(text);
      if (!n || *n < kib(4) || *n > gib(2)) return false;
      policy.max = *n;
      return true;
    }
    case Variable::kOnFull:
      if (text != "fallback" && text != "fail") return false;
      policy.on_full = text == "fail" ? OnFull::kFail : OnFull::kFallback;
      return true;
    case Variable::kStats:
      if (text != "0" && text != "1") return false;
      policy.stats = text == "1";
      return true;
    case Variable::kVerbose:
      if (text != "0" && text != "1" && text != "2") return false;
      policy.verbose = static_cast<std::uint8_t>(text[0] - '0');
      return true;
    case Variable::kRecord:
      return parse_record(policy, text);
    case Variable::kLabel:
      return parse_label(policy, text);
  }
  return false;
}

// The variable whose name is nearest to a misspelt one; null when none is within three edits.
constexpr const VariableInfo* nearest_variable(std::string_view name) {
  constexpr std::size_t kLongest = 32;
  if (name.size() >= kLongest) return nullptr;
  const VariableInfo* best = nullptr;
  std::size_t best_edits = 4;
  for (const VariableInfo& v : kVariables) {
    std::size_t row[kLongest] = {};
    for (std::size_t j = 0; j <= name.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= v.name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= name.size(); ++j) {
        const std::size_t replace = diagonal + (v.name[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        const std::size_t insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
        row[j] = replace < insert ? replace : insert;
      }
    }
    if (row[name.size()] < best_edits) {
      best_edits = row[name.size()];
      best = &v;
    }
  }
  return best;
}

}  // namespace jitcorral

// Shell-style globs (`*`, `?`) and the fixed-size list of them that a policy variable holds.
// No allocation, no recursion, signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jitcorral {

// Whether all of `text` matches `pattern`. `*` matches any run of characters, also `/`.
constexpr bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;  // let the last star swallow one more character
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// `text` without its first `n` characters; `n` must not exceed its size. (substr would bring the
// standard library's exceptions into the shim.)
constexpr std::string_view behind(std::string_view text, std::size_t n) {
  text.remove_prefix(n);
  return text;
}

// The part of a path behind its last slash.
constexpr std::string_view basename_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : behind(path, slash + 1);
}

// A comma-separated list of globs, copied: the environment's own bytes belong to the host.
class GlobList {
 public:
  static constexpr std::size_t kMaxGlobs = 16;
  static constexpr std::size_t kMaxText = 512;
  static constexpr std::size_t kNoMatch = SIZE_MAX;

  // False, and unchanged, when `text` is longer than kMaxText, names more than kMaxGlobs globs, or
  // has an empty one.
  constexpr bool assign(std::string_view text) {
    if (text.empty() || text.size() > kMaxText) return false;
    std::size_t count = 1;
    bool at_start = true;
    for (char c : text) {
      if (c == ',') {
        if (at_start) return false;
        ++count;
      }
      at_start = c == ',';
    }
    if (at_start || count > kMaxGlobs) return false;
    for (std::size_t i = 0; i < text.size(); ++i) text_[i] = text[i];
    size_ = text.size();
    count_ = count;
    return true;
  }

  constexpr bool empty() const { return count_ == 0; }
  constexpr std::size_t count() const { return count_; }

  constexpr std::string_view operator[](std::size_t n) const {
    std::string_view rest(text_, size_);
    for (; n > 0; --n) rest.remove_prefix(rest.find(',') + 1);
    return rest.substr(0, rest.find(','));
  }

  // Index of the first glob that matches the whole of `text` or its basename; kNoMatch if none.
  constexpr std::size_t find(std::string_view text) const {
    for (std::size_t i = 0; i < count_; ++i) {
      const std::string_view glob = (*this)[i];
      if (glob_match(glob, text) || glob_match(glob, basename_of(text))) return i;
    }
    return kNoMatch;
  }

 private:
  char text_[kMaxText] = {};
  std::size_t size_ = 0;
  std::size_t count_ = 0;
};

}  // namespace jitcorral

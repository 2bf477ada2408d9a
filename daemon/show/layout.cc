#include "show/layout.h"

#include <algorithm>

namespace jitcorral::show {
namespace {

constexpr std::size_t kLeastElastic = 16;
constexpr std::size_t kLeastWrapped = 22;  // of a last column that wraps

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// The byte at which column `n` begins.
std::size_t byte_of_column(std::string_view text, std::size_t n) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (begins_character(text[i]) && n-- == 0) return i;
  return text.size();
}

}  // namespace

std::string paint(bool on, Colour colour, std::string_view text) {
  if (!on) return std::string(text);
  constexpr std::string_view kCodes[] = {"\x1b[1;32m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1m",
                                         "\x1b[2m"};
  return std::string(kCodes[static_cast<std::size_t>(colour)]) + std::string(text) + "\x1b[0m";
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shorten(std::string_view text, std::size_t most) {
  const std::size_t have = columns(text);
  if (have <= most) return std::string(text);
  if (most < 8) return std::string(text.substr(0, byte_of_column(text, most)));
  const std::size_t tail = (most - 3) / 3;  // a name's beginning says most
  return std::string(text.substr(0, byte_of_column(text, most - 3 - tail))) + "..." +
         std::string(text.substr(byte_of_column(text, have - tail)));
}

std::string wrapped(std::string_view first, std::string_view text, std::size_t width) {
  const std::size_t indent = columns(first);
  std::string out(first);
  std::size_t at = indent;
  bool line_is_empty = true;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (word.empty()) continue;
    if (!line_is_empty && at + 1 + columns(word) > width) {
      out += '\n' + std::string(indent, ' ');
      at = indent;
      line_is_empty = true;
    }
    if (!line_is_empty) {
      out += ' ';
      ++at;
    }
    out += word;
    at += columns(word);
    line_is_empty = false;
  }
  return out + '\n';
}

std::string Table::draw(std::size_t indent, std::size_t width, bool colour,
                        std::size_t elastic) const {
  const std::size_t count = align_.size();
  std::vector<std::size_t> widths(count, 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  std::size_t fixed = indent + 2 * (count - 1);
  for (std::size_t i = 0; i < count; ++i)
    fixed += i + 1 == count && align_[i] == 'l' ? std::min(widths[i], kLeastWrapped) : widths[i];
  if (fixed > width && elastic + 1 < count) {
    const std::size_t wish = widths[elastic] - std::min(widths[elastic], fixed - width);
    widths[elastic] = std::min(widths[elastic], std::max(kLeastElastic, wish));
  }
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      const std::string& cell = rows_[r][i];
      if (i > 0) line += "  ";
      if (i + 1 == count && align_[i] == 'l') {
        const std::string behind = wrapped(std::string(columns(line), ' '), cell, width);
        line += behind.substr(std::min(columns(line), behind.size() - 1));
        line.pop_back();
        continue;
      }
      const std::string text = shorten(cell, widths[i]);
      const std::string blanks(widths[i] - columns(text), ' ');
      line += align_[i] == 'r' ? blanks + text : text + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (r == 0 ? paint(colour, Colour::kFaint, line) : line) + '\n';
  }
  return out;
}

}  // namespace jitcorral::show

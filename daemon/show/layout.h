// Lines on a terminal: wrapping, tables and colour.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jitcorral::show {

enum class Colour { kGood, kBad, kDoubt, kTitle, kFaint };
// `text` in that colour if `on`, else as it is.
std::string paint(bool on, Colour colour, std::string_view text);

// Columns that `text` takes: one for each character (wide ones are not known here).
std::size_t columns(std::string_view text);
// At most `most` columns; what is left out in the middle stands as "...".
std::string shorten(std::string_view text, std::size_t most);
// `text` behind `first`, broken at blanks to `width` columns, each later line behind as many blanks
// as `first` has columns. Ends with a newline.
std::string wrapped(std::string_view first, std::string_view text, std::size_t width);

// Columns as wide as their widest cell, two blanks between them.
class Table {
 public:
  // `align`: one of l and r for each column.
  explicit Table(std::string align) : align_(std::move(align)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // The column `elastic` gives way until the lines fit into `width`; the last one wraps below
  // itself if it is an l. The first row is drawn as the head.
  std::string draw(std::size_t indent, std::size_t width, bool colour,
                   std::size_t elastic = 0) const;

 private:
  std::string align_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace jitcorral::show

#include "show/html.h"

#include "show/html_parts.h"
#include "show/human.h"
#include "show/names.h"

namespace jitcorral::show {

std::string html(const model::Session* session, std::span<const Detailed> runs,
                 const PageOptions& options) {
  const std::string data = page_data(session, runs, options);
  const std::pair<std::string_view, std::string_view> parts[] = {{"@NONCE@", options.nonce},
                                                                 {"@STYLE@", kPageStyle},
                                                                 {"@DATA@", data},
                                                                 {"@SCRIPT@", kPageScript}};
  // The frame alone is searched: what the parts hold is never taken for a place to fill.
  std::string out;
  out.reserve(kPageFrame.size() + kPageStyle.size() + kPageScript.size() + data.size() + 256);
  std::string_view rest = kPageFrame;
  while (!rest.empty()) {
    const std::size_t at = rest.find('@');
    out += rest.substr(0, at);
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at);
    std::size_t taken = 0;
    for (const auto& [place, text] : parts) {
      if (!rest.starts_with(place)) continue;
      out += text;
      taken = place.size();
      break;
    }
    if (taken == 0) {
      out += '@';
      taken = 1;
    }
    rest.remove_prefix(taken);
  }
  return out;
}

}  // namespace jitcorral::show

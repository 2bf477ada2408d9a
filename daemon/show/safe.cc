#include "show/safe.h"

#include <fmt/format.h>

namespace jitcorral::show {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  // bytes; 0: no UTF-8
};

// The first character of `text`, which is not empty (RFC 3629: no overlong forms, no surrogates).
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t code = 0, least = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, code = lead & 0x1f, least = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, code = lead & 0x0f, least = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, code = lead & 0x07, least = 0x10000;
  }
  if (length == 0 || length > text.size()) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

// Whether a terminal may do something else with it than draw it where it stands.
bool is_harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||  // C0, DEL, C1
         c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) ||                 // direction and line breaks
         c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);  // invisible
}

void append_escaped(std::string& out, char32_t c) {
  if (c == '\n')
    out += "\\n";
  else if (c == '\t')
    out += "\\t";
  else if (c < 0x80)
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
  else
    out += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(c));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (is_harmful(c.code))
      append_escaped(out, c.code);
    else
      out += text.substr(0, c.length);
    text.remove_prefix(c.length);
  }
  return out;
}

std::string utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    out += c.length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, c.length);
    text.remove_prefix(c.length == 0 ? 1 : c.length);
  }
  return out;
}

std::string_view basename_of(std::string_view path) {
  const std::size_t slash = path.find_last_not_of('/');
  if (slash == std::string_view::npos) return path;
  path = path.substr(0, slash + 1);
  return path.substr(path.rfind('/') + 1);
}

model::Run printable(const model::Run& run) {
  model::Run out = run;
  for (std::string* text : {&out.reason, &out.executable, &out.version, &out.verdict, &out.unit,
                            &out.container, &out.slurm_job, &out.label})
    *text = printable(std::string_view(*text));
  return out;
}

model::Session printable(const model::Session& session) {
  model::Session out = session;
  for (std::string* text : {&out.command, &out.host, &out.version})
    *text = printable(std::string_view(*text));
  return out;
}

Shown printable(const Shown& shown) {
  const auto clean = [](std::string& text) { text = printable(std::string_view(text)); };
  Shown out{printable(shown.run), shown.report};
  clean(out.report.because);
  for (std::string& blind : out.report.blind) clean(blind);
  for (analyze::ReachUse& reach : out.report.reach) clean(reach.why);
  for (analyze::EngineUse& engine : out.report.engines) {
    for (std::string* text : {&engine.name, &engine.module, &engine.version}) clean(*text);
    for (analyze::ReachUse& reach : engine.reach) clean(reach.why);
    for (analyze::CallerUse& caller : engine.callers) {
      clean(caller.module);
      clean(caller.symbol);
    }
  }
  return out;
}

}  // namespace jitcorral::show

#include "show/export.h"

#include "show/safe.h"

namespace jitcorral::show {
namespace {

// RFC 4180: a field with a comma, a quote or a line break stands in quotes, and a quote is doubled.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string csv_value(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return csv_field(value.get_ref<const std::string&>());
  return value.dump();
}

}  // namespace

std::string export_line(const Row& row, ExportFormat format) {
  if (format == ExportFormat::kJson) {
    Json object = Json::object();
    for (const auto& [name, value] : row) object[std::string(name)] = value;
    return object.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n';
  }
  std::string out;
  for (const auto& [name, value] : row) {
    if (&name != &row.front().first) out += ',';
    out += csv_value(value);
  }
  return out + "\r\n";
}

std::string export_head(const Row& row, ExportFormat format) {
  if (format == ExportFormat::kJson) return "";
  std::string out;
  for (const auto& [name, value] : row) out += (out.empty() ? "" : ",") + std::string(name);
  return out + "\r\n";
}

}  // namespace jitcorral::show

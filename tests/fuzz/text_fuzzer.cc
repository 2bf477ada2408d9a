// Texts of others: names for a terminal, for JSON and for labels, cgroup paths, the linker's cache.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "collect/cgroup.h"
#include "input.h"
#include "inspect/library_cache.h"
#include "metrics/exposition.h"
#include "show/safe.h"

namespace jitcorral::fuzz {
namespace {

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

bool is_printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void as_label(const std::string& text) {
  metrics::Snapshot snapshot;
  snapshot.groups.of(text, text).living = 1;
  for (const std::string& label : {metrics::unit_label(text), metrics::executable_label(text)})
    check(!label.empty() && label.size() <= metrics::kLongestLabel && is_utf8(label) &&
              is_printable(label),
          "labels are short and clean");
  check(is_utf8(metrics::exposition(snapshot)), "the exposition is UTF-8");
}

}  // namespace
}  // namespace jitcorral::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  fuzz::Input input(data, size);
  const auto kind = input.take<std::uint8_t>();
  const std::string text = input.all();
  switch (kind % 4) {
    case 0:
      fuzz::check(fuzz::is_printable(show::printable(text)), "printable text is");
      fuzz::check(fuzz::is_utf8(show::printable(text)), "printable text is UTF-8");
      fuzz::check(fuzz::is_utf8(show::utf8(text)), "UTF-8 is");
      break;
    case 1:
      fuzz::as_label(text);
      break;
    case 2:
      for (const Isa isa : {Isa::kX86_64, Isa::kAarch64})
        inspect::LibraryCache::parse(text, isa).find("libc.so.6");
      break;
    default: {
      const collect::Membership membership = collect::membership_of(std::string_view(text));
      fuzz::check(membership.container.empty() || membership.container.size() == 64,
                  "a container's id has 64 digits");
      fuzz::check(membership.unit.find('/') == std::string::npos, "a unit is one name");
    }
  }
  return 0;
}

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "autopsy/examine.h"
#include "command/commands.h"
#include "command/load.h"
#include "command/output.h"
#include "show/autopsy.h"

namespace jitcorral::command {

namespace {

int say(const autopsy::Crash& crash, const std::string& file, const ExplainOptions& options) {
  const std::string text =
      options.json ? show::dump(show::autopsy_json(crash, file, options.limit))
                   : show::autopsy_text(crash, file, options.limit, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  return status_of(show::answer_of(crash.conclusion));
}

// By what its mapped files are called.
Isa isa_of(const std::vector<collect::proc::Mapping>& mappings, const std::string& named) {
  if (named == "x86-64") return Isa::kX86_64;
  if (named == "aarch64") return Isa::kAarch64;
  for (const collect::proc::Mapping& mapping : mappings) {
    const auto has = [&](std::string_view part) {
      return mapping.name.find(part) != std::string::npos;
    };
    if (has("x86-64") || has("x86_64") || has("[vsyscall]")) return Isa::kX86_64;
    if (has("aarch64")) return Isa::kAarch64;
  }
  throw std::runtime_error(
      "the mapped files do not tell of which instruction set they are; accepted: --isa x86-64, "
      "--isa aarch64");
}

autopsy::Piece piece_of(const ExplainOptions::CodeFile& code,
                        const std::vector<collect::proc::Mapping>& mappings) {
  constexpr std::size_t kMost = 256 << 20;
  const auto file = inspect::File::open(code.path);
  if (!file) throw std::runtime_error(fmt::format("{}: {}", code.path, std::strerror(errno)));
  const std::string bytes =
      file->bytes(0, static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), kMost)));
  autopsy::Piece piece{{code.at}, {}};
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  piece.bytes.assign(begin, begin + bytes.size());
  for (const collect::proc::Mapping& mapping : mappings)
    if (mapping.range.contains(piece.at) && mapping.permissions[2] == 'x') return piece;
  throw std::runtime_error(
      fmt::format("{}@{:#x}: no executable mapping has that address", code.path, code.at));
}

}  // namespace

int explain_maps(const ExplainOptions& options) try {
  constexpr std::size_t kMost = 64 << 20;
  const auto file = inspect::File::open(options.maps);
  if (!file)
    throw std::runtime_error(fmt::format("{}: {}", options.maps,
                                         errno == EINVAL
                                             ? "no regular file; accepted: a copy of /proc/PID/maps"
                                             : std::strerror(errno)));
  const auto mappings = collect::proc::mappings_in(inspect::contents(options.maps, kMost));
  if (mappings.empty())
    throw std::runtime_error(fmt::format(
        "{}: no line of it is a mapping; accepted: lines as of /proc/PID/maps", options.maps));
  autopsy::Core core;
  core.isa = isa_of(mappings, options.isa);
  autopsy::Thread thread;
  thread.pc = {*options.pc};
  thread.has_registers = false;
  core.notes.threads.push_back(thread);
  constexpr int kSegv = 11;
  if (options.fault) core.notes.signal = autopsy::Signal{kSegv, 1, {*options.fault}};
  std::vector<autopsy::Piece> pieces;
  for (const ExplainOptions::CodeFile& code : options.code)
    pieces.push_back(piece_of(code, mappings));
  autopsy::Memory memory(core, mappings, std::move(pieces));
  return say(autopsy::examine(core, memory), options.maps, options);
} catch (const std::exception& error) {
  return fail(error.what());
}

int explain_core(const ExplainOptions& options) try {
  const auto file = inspect::File::open(options.core);
  if (!file)
    throw std::runtime_error(
        fmt::format("{}: {}", options.core,
                    errno == EINVAL ? "no regular file; accepted: a core" : std::strerror(errno)));
  autopsy::Core core;
  try {
    core = autopsy::read_core(*file);
  } catch (const autopsy::BadCore& bad) {
    throw std::runtime_error(fmt::format("{}: {}", options.core, bad.what()));
  }
  autopsy::Memory memory(*file, core, options.executable);
  const autopsy::Crash crash = autopsy::examine(core, memory);
  return say(crash, options.core, options);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command

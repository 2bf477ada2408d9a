#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "autopsy/examine.h"
#include "command/commands.h"
#include "command/output.h"
#include "show/autopsy.h"

namespace jitcorral::command {

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
  const std::string text =
      options.json
          ? show::dump(show::autopsy_json(crash, options.core, options.limit))
          : show::autopsy_text(crash, options.core, options.limit, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  switch (show::answer_of(crash.conclusion)) {
    case show::Answer::kRuledOut:
      return 0;
    case show::Answer::kCanBe:
      return kAtRisk;
    default:
      return kUnknown;
  }
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command

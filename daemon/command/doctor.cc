#include <unistd.h>

#include <filesystem>

#include "command/commands.h"
#include "command/output.h"
#include "command/shim_file.h"
#include "inspect/diagnosis.h"
#include "show/doctor.h"

namespace jitcorral::command {
namespace {

inspect::Surroundings our_surroundings(const DoctorOptions& options) {
  inspect::Surroundings here;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos && equals != 0)
      here.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::error_code ignored;
  here.folder = std::filesystem::current_path(ignored).string();
  here.shim = options.shim.empty() ? find_shim() : options.shim;
  return here;
}

}  // namespace

int doctor(const DoctorOptions& options) try {
  const inspect::Diagnosis diagnosis =
      inspect::diagnose(options.command, our_surroundings(options));
  const std::string text = options.json ? show::dump(show::json(diagnosis))
                                        : show::text(diagnosis, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  return inspect::exit_status(diagnosis.answer);
} catch (const inspect::CannotStart& error) {
  fail(error.what());
  return error.status();
}

}  // namespace jitcorral::command

// A file that calls itself an executable or a library, looked at as `doctor` and the recorder do.
#include <sys/mman.h>
#include <unistd.h>

#include "collect/proc.h"
#include "collect/ring_reader.h"
#include "input.h"
#include "inspect/engine_version.h"
#include "inspect/module.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  static const collect::Descriptor fd(memfd_create("elf", MFD_CLOEXEC));
  fuzz::check(
      ftruncate(fd.get(), 0) == 0 && pwrite(fd.get(), data, size, 0) == static_cast<ssize_t>(size),
      "the file is written");
  static const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  collect::proc::why_not_loadable(path);
  for (const Role role : {Role::kLlvm, Role::kJulia, Role::kCranelift})
    inspect::engine_version(role, path);
  const auto file = inspect::File::open(path);
  fuzz::check(file.has_value(), "it is a file");
  try {
    const inspect::Elf elf = inspect::read_elf(*file);
    for (const inspect::Segment& segment : elf.segments)
      fuzz::check(segment.type != 1 || segment.offset <= file->size() || segment.size == 0,
                  "segments lie in the file");
    inspect::each_symbol(*file, elf, [](const inspect::Symbol& symbol) {
      fuzz::check(symbol.name.size() < (1U << 20), "names end");
    });
    for (const std::string_view name : {"libLLVM-14.so.1", "libc.so.6", "prog"}) {
      const inspect::Facts facts = inspect::facts_of(*file, elf, name);
      inspect::recognise(facts, name, name == "prog");
    }
  } catch (const inspect::BadElf&) {
  }
  return 0;
}

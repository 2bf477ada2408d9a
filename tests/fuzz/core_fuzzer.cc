// A file that calls itself a core, examined as `jitcorral explain --core` does.
#include <sys/mman.h>
#include <unistd.h>

#include "autopsy/examine.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  static const int fd = memfd_create("core", MFD_CLOEXEC);
  fuzz::check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == static_cast<ssize_t>(size),
              "the file is written");
  const auto file = inspect::File::open("/proc/self/fd/" + std::to_string(fd));
  fuzz::check(file.has_value(), "it is a file");
  try {
    const autopsy::Core core = autopsy::read_core(*file);
    Bytes stored{};
    for (std::size_t n = 0; n < core.segments.size(); ++n) {
      const autopsy::CoreSegment& segment = core.segments[n];
      fuzz::check(n == 0 || core.segments[n - 1].range.end <= segment.range.begin,
                  "segments lie apart");
      fuzz::check(segment.stored <= segment.range.size(), "no more is stored than there is");
      fuzz::check(segment.stored == Bytes{} ||
                      (segment.offset <= size && segment.stored.count <= size - segment.offset),
                  "what is stored lies in the file");
      stored = stored + segment.stored;
    }
    autopsy::Memory memory(*file, core, "");
    const autopsy::Crash crash = autopsy::examine(core, memory);
    fuzz::check(crash.audit.size() <= stored, "no more is decoded than there is");
    fuzz::check(crash.conclusion != autopsy::Conclusion::kRuledOut ||
                    (crash.audit.blind.empty() && crash.audit.proofs() == 0),
                "nothing is ruled out unseen");
  } catch (const autopsy::BadCore&) {
  }
  return 0;
}

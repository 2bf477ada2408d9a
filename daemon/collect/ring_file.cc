#include "collect/ring_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <stdexcept>

#include "collect/fill_in.h"
#include "collect/ring_reader.h"
#include "inspect/engine_version.h"

namespace jitcorral::collect {

model::Record read_ring_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  try {
    RingReader ring(file, false);
    model::Record record;
    record.events = ring.peek(true);
    ring.release();
    if (const auto hello = ring.hello()) fill_in(record.run, *hello);
    fill_in(record.run, ring);
    record.run.recorded = record.events.size();
    record.run.torn += ring.unfinished();
    std::set<std::uint32_t> seen;
    for (const Event& event : record.events) {
      if (event.site == 0 || !seen.insert(event.site).second) continue;
      if (auto site = ring.site(event.site)) {
        site->version = inspect::engine_version(site->role, site->module);
        record.sites.push_back(*std::move(site));
      }
    }
    record.run.state = ring.ended_by_exit() ? model::RunState::kEnded : model::RunState::kRunning;
    return record;
  } catch (const std::exception& problem) {
    throw std::runtime_error(path + ": " + problem.what());
  }
}

}  // namespace jitcorral::collect

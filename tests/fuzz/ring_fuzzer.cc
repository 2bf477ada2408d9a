// A ring that its writer changes as it likes, while it is read and after: sealed, as it comes to a
// recorder, or as a file.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "analyze/report.h"
#include "collect/fill_in.h"
#include "collect/ring_file.h"
#include "collect/ring_reader.h"
#include "input.h"

namespace jitcorral::fuzz {
namespace {

using collect::Descriptor;
using collect::RingReader;

// One ring for all inputs; what an input wrote is taken back.
class Ring {
 public:
  Ring() : fd_(memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
    check(ftruncate(fd_.get(), ring::kSize) == 0, "ftruncate");
    void* const memory =
        mmap(nullptr, ring::kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    check(memory != MAP_FAILED, "mmap");
    memory_ = static_cast<unsigned char*>(memory);
    check(fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "seals");
  }
  void begin() {
    for (const Range& range : written_) std::memset(memory_ + range.offset, 0, range.length);
    written_.clear();
    std::memset(memory_, 0, ring::kHeaderSize);
    auto& h = *reinterpret_cast<ring::Header*>(memory_);
    ring::describe_layout(h);
    h.page_size = 4096;
  }
  void write(std::size_t offset, std::span<const std::uint8_t> bytes) {
    if (bytes.empty() || offset >= ring::kSize) return;
    const std::size_t length = std::min<std::size_t>(bytes.size(), ring::kSize - offset);
    std::memcpy(memory_ + offset, bytes.data(), length);
    written_.push_back({offset, length});
  }
  const Descriptor& fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  struct Range {
    std::size_t offset, length;
  };
  Descriptor fd_;
  unsigned char* memory_ = nullptr;
  std::vector<Range> written_;
};

void change(Ring& ring, Input& input, std::uint8_t where) {
  constexpr std::size_t kRegions[] = {0, ring::kShardsOffset, ring::kTextsOffset,
                                      ring::kSlotsOffset};
  const auto at = input.take<std::uint16_t>();
  const auto length = input.take<std::uint8_t>();
  // Slots by their number, all else by bytes.
  const std::size_t unit = where == 3 ? sizeof(ring::Slot) : 1;
  ring.write(kRegions[where] + at * unit, input.take(length));
}

void look(const RingReader& reader, model::Record& record) {
  for (const std::uint32_t id : {8U, 16U, ring::kTextsSize, UINT32_MAX}) reader.site(id);
  for (const Event& event : record.events) {
    const auto site = reader.site(event.site);
    if (!site) continue;
    check(site->role < Role::kCount, "a site's role is known");
    check(site->module.size() <= ring::kLongestText && site->symbol.size() <= ring::kLongestText,
          "texts are no longer than they may be");
    if (record.sites.size() < 64) record.sites.push_back(*site);
  }
  if (const auto hello = reader.hello()) collect::fill_in(record.run, *hello);
  collect::fill_in(record.run, reader);
  if (record.run.window)
    check(record.run.window->range.begin <= record.run.window->range.end, "a window is a range");
  reader.oldest();
  reader.unfinished();
  reader.first_ticket();
  reader.late();
  reader.is_left();
}

void keep(std::vector<Event> events, model::Record& record) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    check(is_plausible(events[i]), "events are plausible");
    check(i == 0 || events[i - 1].ticket < events[i].ticket, "events come by ticket, each once");
  }
  record.events.insert(record.events.end(), events.begin(), events.end());
}

void read_sealed(Ring& ring, Input& input) {
  RingReader reader(ring.fd(), true);
  model::Record record;
  while (!input.is_empty()) {
    const auto step = input.take<std::uint8_t>();
    switch (step % 12) {
      case 4:
        keep(reader.peek(false), record);
        break;
      case 5:
        keep(reader.peek(true), record);
        break;
      case 6:
        reader.release();
        reader.has_news();
        break;
      case 7:
        look(reader, record);
        break;
      case 8: {
        std::vector<std::uint64_t> tickets = {input.take<std::uint64_t>(),
                                              input.take<std::uint64_t>()};
        std::sort(tickets.begin(), tickets.end());
        reader.release_stored(tickets);
        break;
      }
      case 9:
        reader.rest();
        reader.acknowledge();
        break;
      case 10:
        reader.wait_for(input.take<std::uint64_t>());
        break;
      case 11: {
        RingReader moved(std::move(reader));
        new (&reader) RingReader(std::move(moved));
        break;
      }
      default:
        change(ring, input, step % 12);
    }
    if (record.events.size() > 20'000) break;
  }
  keep(reader.peek(true), record);
  reader.release();
  look(reader, record);
  std::stable_sort(record.events.begin(), record.events.end(),
                   [](const Event& a, const Event& b) { return a.ticket < b.ticket; });
  analyze::analyse(record);
}

void read_as_file(Ring& ring, Input& input) {
  while (!input.is_empty()) change(ring, input, input.take<std::uint8_t>() % 4);
  const model::Record record = collect::read_ring_file(ring.path());
  model::Record again;
  keep(record.events, again);
  analyze::analyse(record);
}

}  // namespace
}  // namespace jitcorral::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral::fuzz;
  static Ring ring;
  ring.begin();
  Input input(data, size);
  try {
    (input.take<std::uint8_t>() & 1) == 0 ? read_sealed(ring, input) : read_as_file(ring, input);
  } catch (const std::runtime_error&) {  // as it says of what is no ring
  }
  return 0;
}

#include "say.h"

#include <atomic>
#include <cstring>

#include "jitcorral/glob.h"
#include "kernel.h"

namespace jitcorral {

Line::Line(std::string_view tag) {
  *this << "[jitcorral:" << tag << "] pid=" << static_cast<std::uint64_t>(kernel::getpid().raw);
  char path[512];
  const KernelResult r = kernel::readlink("/proc/self/exe", path, sizeof path);
  if (r.ok()) *this << " exe=" << basename_of({path, static_cast<std::size_t>(r.raw)});
}

Line& Line::operator<<(std::string_view text) {
  constexpr std::size_t kLimit = 1000;
  const std::size_t room = kLimit - size_;
  const std::size_t n = text.size() < room ? text.size() : room;
  for (std::size_t i = 0; i < n; ++i) {
    // One call is one line, whatever a host calls its files.
    const char c = text[i];
    const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    text_[size_++] = control ? '?' : c;
  }
  return *this;
}

Line& Line::operator<<(std::uint64_t number) {
  char digits[20];
  std::size_t n = sizeof digits;
  do {
    digits[--n] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return *this << std::string_view(digits + n, sizeof digits - n);
}

Line& Line::operator<<(int number) {
  if (number < 0) *this << "-";
  return *this << static_cast<std::uint64_t>(number < 0 ? -static_cast<long>(number) : number);
}

Line& Line::operator<<(Address address) {
  char digits[16];
  std::size_t n = sizeof digits;
  std::uint64_t left = address.value;
  do {
    digits[--n] = "0123456789abcdef"[left % 16];
    left /= 16;
  } while (left != 0);
  return *this << "0x" << std::string_view(digits + n, sizeof digits - n);
}

Line& Line::operator<<(Bytes size) {
  return *this << size.count;
}
Line& Line::operator<<(AddressRange range) {
  return *this << range.begin << "-" << range.end;
}

namespace say {
namespace {

struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  bool known = false;
};
constinit Identity at_start;
constinit std::atomic<bool> silent{false};

Identity identity_of_stderr(unsigned* mode) {
  struct stat s = {};
  if (!kernel::fstat(2, &s).ok()) return {};
  *mode = s.st_mode;
  return {s.st_dev, s.st_ino, s.st_nlink, true};
}

}  // namespace

void remember_stderr() {
  unsigned mode = 0;
  at_start = identity_of_stderr(&mode);
  // A file without a name: once it is closed, the next file may get its number.
  if (S_ISREG(mode) && at_start.links == 0) at_start.known = false;
}

void fall_silent(bool yes) {
  silent.store(yes, std::memory_order_relaxed);
}
bool is_silent() {
  return silent.load(std::memory_order_relaxed);
}

bool write_line(Line& line) {
  if (is_silent() || !at_start.known) return false;
  unsigned mode = 0;
  const Identity now = identity_of_stderr(&mode);
  if (!now.known || now.device != at_start.device || now.inode != at_start.inode) return false;
  if (!S_ISREG(mode) && !kernel::writable(2)) return false;

  // A reader that is gone, a full file, a terminal that stops background writers: none of it is the
  // host's fault. A signal that our write raises is taken back before the mask is.
  const kernel::SignalSet ours =
      kernel::signal_bit(SIGPIPE) | kernel::signal_bit(SIGXFSZ) | kernel::signal_bit(SIGTTOU);
  const kernel::SignalSet mask = kernel::block_signals(ours);
  const kernel::SignalSet before = kernel::pending_signals();
  char text[1024];
  const std::string_view body = line.text();
  std::memcpy(text, body.data(), body.size());
  text[body.size()] = '\n';
  const KernelResult r = kernel::write(2, text, body.size() + 1);
  const kernel::SignalSet raised = kernel::pending_signals() & ~before & ours;
  if (raised != 0) kernel::eat_signal(raised);
  kernel::set_signal_mask(mask);
  return r.ok();
}

}  // namespace say
}  // namespace jitcorral

#include "inspect/engine_version.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

constexpr std::size_t kLargest = std::size_t{512} << 20;  // of a file that is looked through
constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::size_t kLongest = 24;  // of a version
constexpr std::size_t kOverlap = 64;  // of chunks: more than the longest text that is looked for

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The version that a text begins with: "14.0.6" of "14.0.6-rust-1.95"; empty unless it has at least
// `numbers` numbers.
std::string version_at(std::string_view text, std::ptrdiff_t numbers) {
  std::size_t n = 0;
  while (n < text.size() && n < kLongest &&
         (is_digit(text[n]) || (text[n] == '.' && n > 0 && text[n - 1] != '.')))
    ++n;
  while (n > 0 && text[n - 1] == '.') --n;
  const std::string_view version = text.substr(0, n);
  if (n == 0 || std::count(version.begin(), version.end(), '.') + 1 < numbers) return {};
  return std::string(version);
}

std::string behind_text(std::string_view name, std::string_view text, std::ptrdiff_t numbers) {
  const std::size_t at = name.find(text);
  if (at == std::string_view::npos) return {};
  return version_at(name.substr(at + text.size()), numbers);
}

// libLLVM-14.so.1 names its major version before ".so" (what follows is the ABI's), libLLVM.so.19.1
// behind it, and so do Julia's libraries.
std::string by_name(Role role, std::string_view name) {
  if (role == Role::kJulia)
    return glob_match("libjulia*", name) ? behind_text(name, ".so.", 2) : "";
  if (role != Role::kLlvm) return {};
  for (const std::string_view prefix : {"libLLVM-", "libMLIR-"})
    if (name.substr(0, prefix.size()) == prefix) return behind_text(name, prefix, 1);
  return glob_match("libLLVM.so.*", name) || glob_match("libMLIR.so.*", name)
             ? behind_text(name, ".so.", 1)
             : "";
}

// Texts that engines leave in their read-only data, and how many numbers their versions have.
struct Mark {
  Role role;
  std::string_view text;
  std::ptrdiff_t numbers;
};
constexpr Mark kMarks[] = {
    {Role::kCranelift, "cranelift-jit-", 3},  // paths of panics: .../cranelift-jit-0.116.1/src/...
    {Role::kLlvm, "LLVM version ", 3},        // what --version prints
    {Role::kLlvm, "LLVM", 3},                 // the producer in bitcode: LLVM14.0.6
};

// Looks at marks that begin among the first `starts` bytes.
std::string in_text(Role role, std::string_view text, std::size_t starts) {
  for (const Mark& mark : kMarks) {
    if (mark.role != role) continue;
    for (std::size_t at = text.find(mark.text); at < starts; at = text.find(mark.text, at + 1)) {
      std::string version = version_at(text.substr(at + mark.text.size()), mark.numbers);
      if (!version.empty()) return version;
    }
  }
  return {};
}

// Read, not mapped: a file that is truncated meanwhile would be a SIGBUS.
std::string by_content(Role role, const std::string& path) {
  if (std::none_of(std::begin(kMarks), std::end(kMarks),
                   [&](const Mark& mark) { return mark.role == role; }))
    return {};
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return {};
  std::string version;
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    std::vector<char> chunk(kChunk + kOverlap);
    std::size_t kept = 0, total = 0;
    for (bool last = false; !last && version.empty();) {
      const ssize_t n = read(fd, chunk.data() + kept, kChunk);
      if (n < 0 && errno == EINTR) continue;
      const std::size_t size = kept + static_cast<std::size_t>(std::max<ssize_t>(n, 0));
      total += size - kept;
      last = n <= 0 || total >= kLargest;
      // A text that begins near the end of this chunk may go on in the next.
      kept = last ? 0 : std::min(size, kOverlap);
      version = in_text(role, {chunk.data(), size}, size - kept);
      std::copy_n(chunk.data() + size - kept, kept, chunk.data());
    }
  }
  close(fd);
  return version;
}

}  // namespace

std::string engine_version(Role role, const std::string& module) try {
  if (std::string version = by_name(role, basename_of(module)); !version.empty()) return version;
  // The loader knows a library by a link that says less: libjulia.so.1.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(module.c_str(), nullptr),
                                                         &std::free);
  if (real)
    if (std::string version = by_name(role, basename_of(real.get())); !version.empty())
      return version;
  return by_content(role, module);
} catch (...) {
  return {};
}

}  // namespace jitcorral::inspect

#include "ring_file.h"

#include <linux/magic.h>

#include <cerrno>

#include "held.h"
#include "jitcorral/glob.h"
#include "jitcorral/ring.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U  // Linux 6.3
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef OVERLAYFS_SUPER_MAGIC
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#endif

namespace jitcorral {
namespace {

RingMemory cannot(Hello::Cannot reason, int error) {
  return {nullptr, -1, reason, error};
}

// A file that grows beyond RLIMIT_FSIZE raises a signal that the host would die of.
bool fits_file_limit() {
  struct rlimit limit = {};
  return kernel::get_rlimit(RLIMIT_FSIZE, &limit).ok() && limit.rlim_cur >= ring::kSize;
}

// `file`: what the descriptor was. Another thread of the host may close descriptors that it does
// not know, and open a file by this number: then that is mapped, and must not be written to.
bool is_still(int fd, const struct stat& file) {
  struct stat now = {};
  return kernel::fstat(fd, &now).ok() && now.st_dev == file.st_dev && now.st_ino == file.st_ino;
}

RingMemory map_whole(int fd, const struct stat& file) {
  // Once before it is lengthened, and once it is mapped.
  if (!is_still(fd, file)) {
    held::forget(fd);
    return cannot(Hello::Cannot::kMemory, EBADF);
  }
  // Every page is there before the first store: a store that finds no memory would be a SIGBUS.
  KernelResult r = kernel::fallocate(fd, Bytes{ring::kSize});
  if (r.ok()) r = kernel::map({{}, Bytes{ring::kSize}, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0});
  if (!r.ok()) {
    held::close(fd);
    return cannot(Hello::Cannot::kMemory, r.error());
  }
  if (!is_still(fd, file)) {
    kernel::unmap(range_of(r.address(), Bytes{ring::kSize}));
    held::forget(fd);
    return cannot(Hello::Cannot::kMemory, EBADF);
  }
  return {reinterpret_cast<void*>(r.address().value), fd, Hello::Cannot::kNone, 0};
}

}  // namespace

RingMemory make_memory_ring() {
  if (!fits_file_limit()) return cannot(Hello::Cannot::kFileLimit, 0);
  KernelResult r =
      kernel::memfd_create(ring::kMemoryName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  // Older kernels know no MFD_NOEXEC_SEAL.
  if (r.error() == EINVAL)
    r = kernel::memfd_create(ring::kMemoryName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (!r.ok()) return cannot(Hello::Cannot::kMemory, r.error());
  const int fd = static_cast<int>(r.raw);
  held::keep(fd);
  // Another thread of the host may close descriptors that it does not know, and open a file by this
  // number. Only a memfd that nobody wrote to passes.
  struct stat s = {};
  if (!kernel::fcntl(fd, F_GET_SEALS).ok() || !kernel::fstat(fd, &s).ok() || s.st_size != 0) {
    held::forget(fd);
    return cannot(Hello::Cannot::kMemory, EBADF);
  }
  RingMemory made = map_whole(fd, s);
  // The reader maps it too: it must not be cut off under it.
  if (made.memory != nullptr)
    kernel::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return made;
}

bool expand_pattern(std::string_view pattern, std::uint64_t pid, std::string_view host,
                    std::string_view executable, char* out, std::size_t size) {
  std::size_t n = 0;
  const auto put = [&](std::string_view text, bool is_name) {
    for (const char c : text) {
      if (n + 1 >= size) return false;
      out[n++] = is_name && c == '/' ? '_' : c;
    }
    return true;
  };
  char digits[20];
  std::size_t first = sizeof digits;
  for (std::uint64_t left = pid; left != 0 || first == sizeof digits; left /= 10)
    digits[--first] = static_cast<char>('0' + left % 10);
  const auto meaning_of = [&](char letter) -> std::string_view {
    switch (letter) {
      case 'p':
        return {digits + first, sizeof digits - first};
      case 'h':
        return host;
      case 'e':
        return executable;
      case '%':
        return "%";
      default:
        return {};
    }
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool is_letter = pattern[i] == '%';
    if (is_letter && ++i == pattern.size()) return false;
    const std::string_view text =
        is_letter ? meaning_of(pattern[i]) : std::string_view(pattern.data() + i, 1);
    const bool known =
        !is_letter || std::string_view("phe%").find(pattern[i]) != std::string_view::npos;
    if (!known || !put(text, is_letter)) return false;
  }
  out[n] = '\0';
  return n != 0;
}

RingMemory make_file_ring(const char* pattern, std::string_view executable) {
  if (!fits_file_limit()) return cannot(Hello::Cannot::kFileLimit, 0);
  struct utsname machine = {};
  kernel::uname(&machine);
  char path[512];
  if (!expand_pattern(pattern, static_cast<std::uint64_t>(kernel::getpid().raw), machine.nodename,
                      basename_of(executable), path, sizeof path))
    return cannot(Hello::Cannot::kFile, ENAMETOOLONG);
  const KernelResult r = kernel::create_file(path);
  if (!r.ok()) return cannot(Hello::Cannot::kFile, r.error());
  const int fd = static_cast<int>(r.raw);
  held::keep(fd);
  // Where reserved blocks are not what later stores go to (btrfs and other copy-on-write or network
  // file systems), a full disk would be a SIGBUS of the host's.
  struct statfs fs = {};
  const bool known = kernel::fstatfs(fd, &fs).ok() &&
                     (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC ||
                      fs.f_type == XFS_SUPER_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC);
  struct stat s = {};
  RingMemory made = known && kernel::fstat(fd, &s).ok() ? map_whole(fd, s)
                                                        : cannot(Hello::Cannot::kFileSystem, 0);
  if (!known) held::close(fd);
  if (made.memory == nullptr) kernel::unlink(path);  // made a moment ago, and still empty
  return made;
}

}  // namespace jitcorral

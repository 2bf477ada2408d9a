#include "store/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace jitcorral::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kHeaderSize = 100;
// Offsets in the header, which is big-endian (sqlite.org/fileformat.html).
constexpr std::size_t kUserVersion = 60;
constexpr std::size_t kApplication = 68;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(shown(path) + ": " + what);
}

// Whether there is a file; throws when there is something else.
bool is_file(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) refuse(path, "is a folder; name a file in it");
    if (!S_ISREG(status.st_mode)) refuse(path, "is not a regular file; name another database");
    return true;
  }
  const int why = errno;
  if (why == ENOENT) {
    if (lstat(path.c_str(), &status) != 0) return false;
    if (S_ISLNK(status.st_mode))
      refuse(path,
             "is a symbolic link to a file that is missing; remove the link, or make its "
             "target an empty file");
    return true;  // it came just now
  }
  refuse(path, std::string("cannot be reached (") + std::strerror(why) +
                   "); name a database in a folder that you may enter");
}

void make_folders(const std::string& path) {
  std::string folder;
  for (const fs::path& part : fs::path(path).parent_path()) {
    folder = folder.empty() ? part.string() : (fs::path(folder) / part).string();
    if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) continue;
    const int why = errno;
    struct stat status;
    if (stat(folder.c_str(), &status) == 0) continue;  // as on a read-only file system
    refuse(path, "its folder " + shown(folder) + " cannot be made (" + std::strerror(why) +
                     "); name a database elsewhere by --db");
  }
}

// 0, or errno; EEXIST: there is something.
int make_file(const std::string& path) {
  // mknod makes a file without opening it (so nothing is closed, see place.h), and like O_EXCL with
  // O_NOFOLLOW it takes no name that stands, a link included.
  if (mknod(path.c_str(), S_IFREG | 0600, 0) == 0) return 0;
  if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  // Some file systems of user space know open alone.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

}  // namespace

std::string absolute(const std::string& path) {
  if (path.empty()) throw Error("the database has no name; give a file's path by --db");
  if (path.find('\0') != std::string::npos)
    refuse(path, "has a zero byte in its name; give another path by --db");
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  if (error) refuse(path, "the current folder is gone; give an absolute path");
  return whole.string();
}

void expect_file(const std::string& path) {
  if (!is_file(path))
    refuse(path,
           "there is no such database; record one by `jitcorral run`, or name another by "
           "--db");
}

void take_place(const std::string& path) {
  if (is_file(path)) return;
  make_folders(path);
  const int error = make_file(path);
  if (error == 0) return;
  if (error != EEXIST || !is_file(path))
    refuse(path, std::string("cannot be made (") + std::strerror(error) +
                     "); name a database in a folder that you may write to");
}

Header check_header(const Connection& connection) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  sqlite3_int64 size = 0;
  if (file == nullptr || file->pMethods == nullptr ||
      file->pMethods->xFileSize(file, &size) != SQLITE_OK)
    connection.fail(SQLITE_CANTOPEN);
  if (size == 0) {
    // SQLite calls a file of one byte empty too (it leaves such ones behind on some systems).
    struct stat status;
    if (stat(sqlite3_db_filename(connection.handle(), "main"), &status) == 0 && status.st_size == 1)
      connection.fail(SQLITE_NOTADB);
    return Header::kEmpty;
  }

  std::array<unsigned char, kHeaderSize> bytes{};
  const int code = file->pMethods->xRead(file, bytes.data(), bytes.size(), 0);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) connection.fail(code);
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) connection.fail(SQLITE_NOTADB);
  const auto number_at = [&](std::size_t at) {
    return static_cast<std::int32_t>(std::uint32_t{bytes[at]} << 24 |
                                     std::uint32_t{bytes[at + 1]} << 16 |
                                     std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3]);
  };
  if (number_at(kApplication) != kApplicationId)
    refuse(connection.path(),
           "is a SQLite database of another program, not of jitcorral; name "
           "another by --db");
  if (number_at(kUserVersion) > kSchemaVersion)
    throw Error(too_new(connection.path(), number_at(kUserVersion)));
  return Header::kOurs;
}

std::string too_new(const std::string& path, std::int64_t version) {
  return shown(path) + ": was written by a newer jitcorral (schema " + std::to_string(version) +
         ", this one knows up to " + std::to_string(kSchemaVersion) +
         "); use that one, or name another database by --db";
}

}  // namespace jitcorral::store

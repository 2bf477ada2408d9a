#include "command/shim_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace jitcorral::command {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLibrary = "libjitcorral.so";
constexpr std::string_view kMarker = "jitcorral-shim-version=";
constexpr std::uintmax_t kMostBytes = 64 << 20;  // a shim is far smaller: this is none

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// lib/jitcorral, lib64/jitcorral and lib/<triplet>/jitcorral below `prefix`.
std::vector<fs::path> installed_folders(const fs::path& prefix) {
  std::vector<fs::path> folders = {prefix / "lib" / "jitcorral", prefix / "lib64" / "jitcorral"};
  std::error_code error;
  const auto first = static_cast<std::ptrdiff_t>(folders.size());
  for (fs::directory_iterator entry(prefix / "lib", error), end; !error && entry != end;
       entry.increment(error))
    folders.push_back(entry->path() / "jitcorral");
  std::sort(folders.begin() + first, folders.end());
  return folders;
}

}  // namespace

std::string find_shim() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return "";
  const fs::path here = self.parent_path();
  std::vector<fs::path> folders = installed_folders(here.parent_path());
  folders.insert(folders.begin(), {here, here.parent_path()});
  for (const fs::path& folder : folders)
    if (is_file(folder / kLibrary)) return (folder / kLibrary).string();
  return "";
}

std::string shim_version(const std::string& path) {
  std::error_code error;
  if (fs::file_size(path, error) > kMostBytes || error) return "";
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t at = bytes.find(kMarker);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + kMarker.size();
  constexpr std::string_view kAllowed =
      "0123456789.+-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const std::size_t end = std::min(bytes.find_first_not_of(kAllowed, begin), bytes.size());
  return bytes.substr(begin, std::min<std::size_t>(end - begin, 64));
}

}  // namespace jitcorral::command

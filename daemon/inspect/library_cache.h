// /etc/ld.so.cache: where ldconfig found which library.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "jitcorral/vocabulary.h"

namespace jitcorral::inspect {

class LibraryCache {
 public:
  // Of the libraries for that ISA; empty if there is no cache, or none that makes sense.
  static LibraryCache read(const std::string& path, Isa isa);
  // The format "glibc-ld.so.cache1.1", also behind the old one.
  static LibraryCache parse(std::string_view bytes, Isa isa);

  // The path of a library by its name; empty: not in the cache.
  std::string find(const std::string& name) const;
  std::size_t size() const { return paths_.size(); }

 private:
  std::unordered_map<std::string, std::string> paths_;
};

}  // namespace jitcorral::inspect

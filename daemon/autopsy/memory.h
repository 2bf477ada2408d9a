// What lay in a dead process's memory: from its core, and where that has nothing, from the files
// that were mapped, if they are still the same; or what somebody knows of it without a core.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "autopsy/core_file.h"
#include "collect/proc.h"

namespace jitcorral::autopsy {

struct Piece {
  Address at;
  std::vector<std::byte> bytes;
};

class Memory {
 public:
  // `executable`: a path to read instead of that which the core names; may be empty.
  Memory(const inspect::File& file, const Core& core, std::string executable);

  // Without a core: a list of mappings, and what is known of their bytes.
  Memory(const Core& none, std::vector<collect::proc::Mapping> mappings, std::vector<Piece> pieces);

  bool of_core() const { return file_ != nullptr; }
  // Whether there were mappings that have no segment: of those that no file is mapped to, nothing
  // is known.
  bool leaves_out_mappings() const { return leaves_out_; }
  // As /proc/PID/maps would have it.
  const std::vector<collect::proc::Mapping>& mappings() const { return mappings_; }
  // The executable's path, as the core has it; empty: not known.
  const std::string& executable() const { return executable_; }

  // What there is of it from its begin on.
  std::vector<std::byte> read(AddressRange range);
  std::optional<std::uint64_t> word(Address at);
  // Files whose bytes were wanted and could not be had, one clause each.
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  struct Image {
    std::optional<inspect::File> file;
    bool usable = false;
  };
  std::vector<std::byte> stored(AddressRange range) const;
  std::vector<std::byte> of_file(AddressRange range);
  Image& image_of(const MappedFile& mapped);
  std::string build_id_in_memory(const std::string& path) const;
  void name_mappings();
  void add_left_out(const std::vector<MappedFile>& files);

  const inspect::File* file_ = nullptr;
  const Core& core_;
  std::string instead_;  // --exe
  std::string executable_;
  std::vector<collect::proc::Mapping> mappings_;
  std::map<std::string, Image> images_;
  std::vector<std::string> missing_;
  bool leaves_out_ = false;
  std::vector<Piece> pieces_;
};

}  // namespace jitcorral::autopsy

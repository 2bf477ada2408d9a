// What an ELF file says of itself: either ISA's, 64-bit. Every offset and count in it is taken for
// hostile: checked against the file, and capped.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/file.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral::inspect {

// One clear line on what is wrong with the file.
class BadElf : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Segment {
  std::uint32_t type = 0;   // PT_LOAD, ...
  std::uint32_t flags = 0;  // PF_R | PF_W | PF_X
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // in the file
};

struct Elf {
  Isa isa = Isa::kUnknown;               // unknown: another machine's
  unsigned machine = 0;                  // EM_...
  bool is_32_bit = false;                // then nothing below is read
  bool is_position_independent = false;  // ET_DYN
  bool has_dynamic = false;
  bool is_marked_pie = false;       // DF_1_PIE: an executable, no library
  bool no_default_folders = false;  // DF_1_NODEFLIB
  std::string interpreter;          // PT_INTERP; empty: no dynamic linker
  std::string soname, rpath, runpath;
  std::vector<std::string> needed;
  std::vector<Segment> segments;
  std::uint64_t symbols = 0, strings = 0, strings_size = 0,
                symbol_count = 0;  // offsets in the file
};

bool begins_as_elf(const File& file);
// Throws BadElf.
Elf read_elf(const File& file);

struct Symbol {
  std::string_view name;
  bool is_defined = false;
  bool is_function = false;
  std::uint64_t size = 0;
};
// Every dynamic symbol, in order; stops where the table is damaged.
void each_symbol(const File& file, const Elf& elf, const std::function<void(const Symbol&)>& visit);

}  // namespace jitcorral::inspect

// A core file: the memory, the threads and the mappings of a process that died, of either ISA on
// either. Every offset, count and size in it is taken for hostile. One that was cut off is read as
// far as it goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "decode/operands.h"
#include "inspect/file.h"
#include "jitcorral/range.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral::autopsy {

// One clear clause on what is wrong with the file.
class BadCore : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Thread {
  std::int32_t id = 0;
  int signal = 0;
  Address pc;
  decode::RegisterValues registers;
  bool has_registers = true;  // false: only the program counter is known
};

struct Signal {
  int number = 0, code = 0;
  Address address;  // si_addr
};

// NT_FILE: a range that a file is mapped to.
struct MappedFile {
  AddressRange range;
  std::uint64_t offset = 0;  // bytes into the file
  std::string path;
};

struct CoreSegment {
  AddressRange range;
  bool readable = false, writable = false, executable = false;
  std::uint64_t offset = 0;
  Bytes stored{};  // from the begin on; what is not there was not dumped, or is cut off
};

struct Auxiliary {
  std::uint64_t phdr = 0, base = 0, vdso = 0, page_size = 0, execfn = 0;
};

// What the notes say.
struct Notes {
  std::vector<Thread> threads;  // the first is the one that the signal hit
  std::optional<Signal> signal;
  std::vector<MappedFile> files;
  bool has_files = false;  // NT_FILE is there: what it does not name is of no file
  Auxiliary auxiliary;
  std::string name;       // NT_PRPSINFO: the program's, 15 characters
  std::string arguments;  // the same, 79
  bool damaged = false;   // some note makes no sense, and was left out
};
// Takes what makes sense of the bytes of a PT_NOTE segment into `notes`.
void read_notes(std::span<const std::byte> bytes, Isa isa, Notes& notes);

struct Core {
  Isa isa = Isa::kUnknown;
  std::vector<CoreSegment> segments;  // by address
  Notes notes;
  Bytes cut_off{};  // what the headers promise beyond the end of the file
};

// Throws BadCore.
Core read_core(const inspect::File& file);

}  // namespace jitcorral::autopsy

// Looks through what a module's segments hold: texts in read-only data, system calls in its code.
#pragma once

#include <bitset>
#include <cstddef>

#include "inspect/elf_file.h"
#include "inspect/marks.h"

namespace jitcorral::inspect {

struct Contents {
  std::bitset<kTexts> texts;  // of kMarkers and kTraitMarks, in the order of text_of
  std::size_t inline_maps = 0;
  bool has(Trait trait) const;
};

// Read-only segments alone are looked through for texts, as the shim does.
Contents look_through(const File& file, const Elf& elf);

// How often this code enters the kernel by itself to map memory: the number of mmap goes into its
// register right before the instruction. Not every such place has that shape (a number that comes
// from elsewhere is not seen), but what has it is one: no false one in 200 MB of LLVM and Node.
std::size_t inline_maps(std::string_view code, Isa isa, std::size_t starts);

}  // namespace jitcorral::inspect

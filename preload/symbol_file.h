// The symbol table of an ELF file on disk, of which nothing is mapped: for executables whose
// functions are not among their dynamic symbols.
//
// Opens the file for some 100 system calls of the dynamic linker's own kinds; holds 64 KiB of
// address space meanwhile. Nothing of it is kept. Not for a process behind a seccomp filter, which
// may not know pread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace jitcorral {

// Calls `visit(i, name)` for each of the `count` link-time addresses (at most kMostLookUps) that
// lies in a function of the file's symbol table, in order. `name` is cut at 255 bytes and valid
// during the call.
inline constexpr std::size_t kMostLookUps = 8;
class SymbolVisitor {
 public:
  virtual void visit(std::size_t i, std::string_view name) = 0;

 protected:
  ~SymbolVisitor() = default;
};
void look_up_symbols(const char* path, const std::uint64_t* addresses, std::size_t count,
                     SymbolVisitor& visitor);

}  // namespace jitcorral

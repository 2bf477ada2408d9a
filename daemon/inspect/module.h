// One ELF module, looked at: what it is, what of the engines it holds, what it asks of others.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspect/elf_file.h"
#include "inspect/look_through.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral::inspect {

struct Facts {
  Contents contents;
  std::string engine_symbol;       // the function by which the shim knows its role
  Role symbol_role = Role::kNone;  // whose it is
  bool has_personality = false;    // kScanHint: only then the shim looks through a module's texts
  bool has_tsan = false, has_msan = false;  // defined here, as the shim looks for them
  bool has_asan = false;
  bool is_asan_library = false;    // the runtime is a library of its own, which wants to be first
  bool opens_libraries = false;    // imports dlopen
  bool opens_namespaces = false;   // imports dlmopen
  bool asks_for_llvm_jit = false;  // imports something of MCJIT or ORC
};

Facts facts_of(const File& file, const Elf& elf, std::string_view name);

// libc and the dynamic linker, whose own system calls are everybody's.
bool is_libc(std::string_view name);

// The engine in a module as the shim's table has it.
struct Recognition {
  Role role = Role::kNone;
  std::string by;           // what gave it away, for people
  bool by_shim = true;      // false: the shim would not look
  bool is_by_name = false;  // only its name says so
};
std::optional<Recognition> recognise(const Facts& facts, std::string_view name, bool is_executable);

}  // namespace jitcorral::inspect

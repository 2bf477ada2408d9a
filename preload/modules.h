// The loaded modules of the process: which one an address lies in, what its symbols say.
//
// Nothing here takes a lock of the dynamic linker on glibc >= 2.35 (_dl_find_object is lock-free).
// On older glibc a look-up of an address that no module of the start holds costs a dl_iterate_phdr;
// dladdr, dlsym and dlopen are never called: they wait for a lock that another thread may hold
// while it runs a constructor.
#pragma once

#include <cstdint>
#include <string_view>

#include "jitcorral/range.h"

namespace jitcorral {

// One loaded module, as its own mapped headers describe it. Valid while the module stays loaded.
struct Module {
  AddressRange mapped;            // first to last byte of its segments; empty: no module
  std::uint64_t bias = 0;         // run-time minus link-time addresses
  const char* path = "";          // as the dynamic linker names it; "" for the executable
  const void* dynamic = nullptr;  // its PT_DYNAMIC; null when unknown

  bool found() const { return !mapped.empty(); }
};

namespace modules {

// Call once from the constructor, before any other thread runs.
void prepare();

// The module that holds `address`; not found() for JIT code and anonymous memory.
Module containing(const void* address);

// The executable's segments, from the auxiliary vector.
AddressRange executable();

// The running kernel's version as LINUX_VERSION_CODE has it (major << 16 | minor << 8 | patch),
// from the note in its vdso: no system call. 0 where there is no vdso (qemu, gVisor).
std::uint32_t kernel_version();

// A function of the vdso, which answers without a system call; null where there is none.
void* vdso_function(const char* name);

// The name of the dynamic symbol whose extent holds `address`; empty if there is none.
std::string_view symbol_at(const Module& module, const void* address);

// Whether the module's dynamic symbols define (`defined`) or import `name`.
bool has_symbol(const Module& module, std::string_view name, bool defined);

// The definition of `name` that comes after this library in the start's search order, as
// dlsym(RTLD_NEXT) finds it; null if there is none. From the constructor, or where the host waits
// for the dynamic linker anyway.
void* next_definition(const char* name);
// The first definition in the start's search order, as dlsym(RTLD_DEFAULT) finds it.
void* first_definition(const char* name);

// Whether one of the module's read-only segments contains `text`.
bool contains_text(const Module& module, std::string_view text);

std::uint64_t hash_of(std::string_view text);

// Identity that survives a restart: the build-id if there is one, else the name.
std::uint64_t identity(const Module& module);

}  // namespace modules
}  // namespace jitcorral

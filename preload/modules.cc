#include "modules.h"

#include <sys/auxv.h>

#include <atomic>
#include <cerrno>

#include "elf_image.h"
#include "jitcorral/glob.h"
#include "layout.h"

// struct dl_find_object appeared in glibc 2.35's <dlfcn.h>; the shim is built with any glibc and
// runs with any. Layout from the ABI (elf/dl-find_object.h), without DLFO_STRUCT_HAS_EH_DBASE.
struct JitcorralDlFindObject {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  link_map* map;
  void* eh_frame;
  unsigned long long reserved[7];
};

namespace jitcorral::modules {
namespace {

using FindObject = int(void*, JitcorralDlFindObject*);
constinit FindObject* find_object = nullptr;

struct Segments {
  AddressRange mapped;
  const void* dynamic = nullptr;
  const void* eh_frame = nullptr;
};

Segments segments_of(const ElfW(Phdr) * headers, std::size_t count, std::uint64_t bias) {
  Segments s;
  for (std::size_t i = 0; i < count; ++i) {
    const ElfW(Phdr)& h = headers[i];
    const Address begin{bias + h.p_vaddr};
    if (h.p_type == PT_LOAD) s.mapped = hull(s.mapped, range_of(begin, Bytes{h.p_memsz}));
    if (h.p_type == PT_DYNAMIC) s.dynamic = reinterpret_cast<const void*>(begin.value);
    if (h.p_type == PT_GNU_EH_FRAME) s.eh_frame = reinterpret_cast<const void*>(begin.value);
  }
  return s;
}

// The executable's segments and bias. Its dynamic section only where its headers tell the bias.
Segments executable_segments() {
  const auto* headers = reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
  const std::size_t count = getauxval(AT_PHNUM);
  std::uint64_t bias = 0;
  bool told = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_PHDR) continue;
    bias = reinterpret_cast<std::uint64_t>(headers) - headers[i].p_vaddr;
    told = true;
  }
  Segments s = segments_of(headers, count, bias);
  if (!told) s.dynamic = nullptr;
  return s;
}

using Iterate = int(int (*)(dl_phdr_info*, std::size_t, void*), void*);

// libc's dl_iterate_phdr, whoever's name comes first: ThreadSanitizer's jumps to nowhere before its
// runtime has begun, which is after our constructor. It is found by the list of modules that the
// linker keeps for debuggers. One that is not found is called by its name.
Iterate* find_iterate() {
  const r_debug* debug = nullptr;
  const auto* d = static_cast<const ElfW(Dyn)*>(executable_segments().dynamic);
  for (; d != nullptr && d->d_tag != DT_NULL; ++d)
    if (d->d_tag == DT_DEBUG) debug = reinterpret_cast<const r_debug*>(d->d_un.d_ptr);
  if (debug == nullptr) return dl_iterate_phdr;
  for (const link_map* m = debug->r_map; m != nullptr; m = m->l_next) {
    const ElfImage image(m->l_addr, m->l_ld);
    if (m->l_ld == nullptr || image.find_defined("__libc_start_main") == 0) continue;
    const std::uint64_t found = image.find_defined("dl_iterate_phdr");
    if (found != 0) return reinterpret_cast<Iterate*>(found);
  }
  return dl_iterate_phdr;
}

// First called before another thread runs; later the list may be changing, and is not read again.
Iterate* iterate() {
  static constinit std::atomic<Iterate*> known{nullptr};
  Iterate* found = known.load(std::memory_order_relaxed);
  if (found == nullptr) known.store(found = find_iterate(), std::memory_order_relaxed);
  return found;
}

// Calls `visit(info, segments)` for each module of the main namespace until it returns true.
template <typename Visit>
void each_module(Visit visit) {
  iterate()(
      [](dl_phdr_info* info, std::size_t, void* data) -> int {
        const Segments s = segments_of(info->dlpi_phdr, info->dlpi_phnum, info->dlpi_addr);
        return (*static_cast<Visit*>(data))(*info, s) ? 1 : 0;
      },
      &visit);
}

Module to_module(const dl_phdr_info& info, const Segments& s) {
  return {s.mapped, info.dlpi_addr, info.dlpi_name == nullptr ? "" : info.dlpi_name, s.dynamic};
}

Address address_of(const void* p) {
  return {reinterpret_cast<std::uint64_t>(p)};
}

// 0 where there is none (gVisor, qemu, vdso=0): then getauxval sets errno, which is the host's.
std::uint64_t vdso_base() {
  const int kept = errno;
  const std::uint64_t base = getauxval(AT_SYSINFO_EHDR);
  errno = kept;
  return base;
}

bool is_vdso(const Segments& s) {
  return s.mapped.contains(Address{vdso_base()});
}

template <typename Accept>
void* search_definition(const char* name, Accept accept) {
  void* found = nullptr;
  each_module([&](const dl_phdr_info& info, const Segments& s) {
    if (is_vdso(s) || !accept(s)) return false;
    found = reinterpret_cast<void*>(ElfImage(info.dlpi_addr, s.dynamic).find_defined(name));
    return found != nullptr;
  });
  return found;
}

const ElfW(Phdr) * headers_of(const Module& module, std::size_t& count) {
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(module.mapped.begin.value);
  count = 0;
  if (header == nullptr) return nullptr;
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phoff != sizeof *header)
    return nullptr;
  count = header->e_phnum;
  return reinterpret_cast<const ElfW(Phdr)*>(module.mapped.begin.value + header->e_phoff);
}

std::uint64_t hash_bytes(const unsigned char* p, std::size_t n) {
  std::uint64_t h = n;
  for (std::size_t i = 0; i < n; ++i) h = mix(h ^ p[i]);
  return h;
}

}  // namespace

int find_object_or_iterate(void* pc, void* result) {
  auto* out = static_cast<JitcorralDlFindObject*>(result);
  if (find_object != nullptr) return find_object(pc, out);
  int status = -1;
  each_module([&](const dl_phdr_info&, const Segments& s) {
    if (!s.mapped.contains(address_of(pc))) return false;
    *out = {};
    out->map_start = reinterpret_cast<void*>(s.mapped.begin.value);
    out->map_end = reinterpret_cast<void*>(s.mapped.end.value);
    out->eh_frame = const_cast<void*>(s.eh_frame);
    status = s.eh_frame == nullptr ? -1 : 0;
    return true;
  });
  return status;
}

void prepare() {
  find_object = reinterpret_cast<FindObject*>(first_definition("_dl_find_object"));
}

Module containing(const void* address) {
  if (find_object != nullptr) {
    JitcorralDlFindObject found = {};
    if (find_object(const_cast<void*>(address), &found) != 0 || found.map == nullptr) return {};
    const auto* map = found.map;
    return {{address_of(found.map_start), address_of(found.map_end)},
            map->l_addr,
            map->l_name == nullptr ? "" : map->l_name,
            map->l_ld};
  }
  Module module;
  each_module([&](const dl_phdr_info& info, const Segments& s) {
    if (!s.mapped.contains(address_of(address))) return false;
    module = to_module(info, s);
    return true;
  });
  return module;
}

AddressRange executable() {
  return executable_segments().mapped;
}

std::string_view symbol_at(const Module& module, const void* address) {
  return ElfImage(module.bias, module.dynamic).symbol_at(address_of(address).value);
}

bool has_symbol(const Module& module, std::string_view name, bool defined) {
  const ElfImage image(module.bias, module.dynamic);
  return defined ? image.find_defined(name) != 0 : image.imports(name);
}

void* next_definition(const char* name) {
  static constinit const char here = 0;
  bool passed_us = false;
  return search_definition(name, [&](const Segments& s) {
    if (passed_us) return true;
    passed_us = s.mapped.contains(address_of(&here));
    return false;
  });
}

void* first_definition(const char* name) {
  return search_definition(name, [](const Segments&) { return true; });
}

bool contains_text(const Module& module, std::string_view text) {
  std::size_t count = 0;
  const auto* headers = headers_of(module, count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& h = headers[i];
    if (h.p_type != PT_LOAD || (h.p_flags & (PF_W | PF_R)) != PF_R || h.p_filesz == 0) continue;
    const void* begin = reinterpret_cast<const void*>(module.bias + h.p_vaddr);
    if (memmem(begin, h.p_filesz, text.data(), text.size()) != nullptr) return true;
  }
  return false;
}

namespace {

// Calls `visit(type, name, data, size)` for each note of the image until it returns true.
template <typename Visit>
void each_note(const Module& module, Visit visit) {
  std::size_t count = 0;
  const auto* headers = headers_of(module, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_NOTE) continue;
    const auto* p = reinterpret_cast<const unsigned char*>(module.bias + headers[i].p_vaddr);
    const auto* end = p + headers[i].p_filesz;
    while (p + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, p, sizeof note);
      const auto* name = p + sizeof note;
      const auto* data = name + ((note.n_namesz + 3) & ~3U);
      if (data + note.n_descsz > end) break;
      const auto* text = reinterpret_cast<const char*>(name);
      if (note.n_namesz > 0 &&
          visit(note.n_type, std::string_view(text, note.n_namesz - 1), data, note.n_descsz))
        return;
      p = data + ((note.n_descsz + 3) & ~3U);
    }
  }
}

}  // namespace

namespace {

// Not found() where there is none.
Module vdso() {
  const std::uint64_t base = vdso_base();
  if (base == 0) return {};
  // It is linked at 0 or, on old kernels, elsewhere; its first segment is its first byte.
  Module module{range_of(Address{base}, kib(8)), base, "", nullptr};
  std::size_t count = 0;
  const auto* headers = headers_of(module, count);
  for (std::size_t i = 0; i < count; ++i)
    if (headers[i].p_type == PT_LOAD) module.bias = base - headers[i].p_vaddr;
  for (std::size_t i = 0; i < count; ++i)
    if (headers[i].p_type == PT_DYNAMIC)
      module.dynamic = reinterpret_cast<const void*>(module.bias + headers[i].p_vaddr);
  return module;
}

}  // namespace

void* vdso_function(const char* name) {
  const Module module = vdso();
  if (!module.found() || module.dynamic == nullptr) return nullptr;
  return reinterpret_cast<void*>(ElfImage(module.bias, module.dynamic).find_defined(name));
}

std::uint32_t kernel_version() {
  const Module module = vdso();
  if (!module.found()) return 0;
  std::uint32_t version = 0;
  each_note(module,
            [&](unsigned type, std::string_view name, const unsigned char* data, std::size_t size) {
              if (type != 0 || name != "Linux" || size != sizeof version) return false;
              std::memcpy(&version, data, sizeof version);
              return true;
            });
  return version;
}

std::uint64_t hash_of(std::string_view text) {
  return hash_bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

std::uint64_t identity(const Module& module) {
  std::uint64_t hash = 0;
  each_note(module,
            [&](unsigned type, std::string_view name, const unsigned char* data, std::size_t size) {
              if (type != NT_GNU_BUILD_ID || name != "GNU") return false;
              hash = hash_bytes(data, size);
              return true;
            });
  if (hash != 0) return hash;
  return hash_of(basename_of(module.path));
}

}  // namespace jitcorral::modules

// A folder of its own, and ELF files of either ISA written into it: as small as they can be, so
// that each test says what its file holds.
#pragma once

#include <elf.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "inspect/surroundings.h"

namespace jitcorral::inspect {

struct Sample {
  std::uint16_t machine = EM_X86_64;
  std::uint16_t type = ET_DYN;
  std::string interpreter;  // empty: none
  std::string soname, rpath, runpath;
  std::vector<std::string> needed;
  std::vector<std::string> imports, functions;  // dynamic symbols
  std::string text;                             // read-only data
  std::string code;  // in the same segment if there is any: it is executable then
  std::uint64_t flags_1 = 0;
  bool gnu_hash = false;  // only this table tells how many symbols there are
};

// One segment with everything in it, at address 0.
inline std::string elf_bytes(const Sample& sample) {
  std::string strings(1, '\0');
  const auto string = [&](const std::string& text) {
    const std::size_t at = strings.size();
    strings += text + '\0';
    return at;
  };
  std::vector<Elf64_Sym> symbols(1);
  for (const std::string& name : sample.imports) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(string(name));
    symbol.st_info = STT_FUNC;
    symbols.push_back(symbol);
  }
  for (const std::string& name : sample.functions) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(string(name));
    symbol.st_info = STT_FUNC;
    symbol.st_shndx = 1;
    symbol.st_size = 16;
    symbols.push_back(symbol);
  }
  std::vector<Elf64_Dyn> dynamic;
  const auto entry = [&](Elf64_Sxword tag, std::uint64_t value) {
    Elf64_Dyn dyn{};
    dyn.d_tag = tag;
    dyn.d_un.d_val = value;
    dynamic.push_back(dyn);
  };
  for (const std::string& name : sample.needed) entry(DT_NEEDED, string(name));
  if (!sample.soname.empty()) entry(DT_SONAME, string(sample.soname));
  if (!sample.rpath.empty()) entry(DT_RPATH, string(sample.rpath));
  if (!sample.runpath.empty()) entry(DT_RUNPATH, string(sample.runpath));
  if (sample.flags_1 != 0) entry(DT_FLAGS_1, sample.flags_1);
  const std::size_t entries = dynamic.size() + 5;

  const bool has_interpreter = !sample.interpreter.empty();
  std::vector<Elf64_Phdr> segments(has_interpreter ? 3 : 2);
  std::size_t at = sizeof(Elf64_Ehdr) + segments.size() * sizeof(Elf64_Phdr);
  const auto place = [&](std::size_t size) {
    const std::size_t here = at;
    at = (at + size + 7) / 8 * 8;
    return here;
  };
  const std::size_t dynamic_at = place(entries * sizeof(Elf64_Dyn));
  const std::size_t symbols_at = place(symbols.size() * sizeof(Elf64_Sym));
  const auto count = static_cast<std::uint32_t>(symbols.size());
  std::vector<std::uint32_t> hash = {1, count, 0};
  if (sample.gnu_hash) {
    hash = {1, 1, 1, 0, 0, 0, 1};  // one bucket, from symbol 1 on, one bloom word; then the chain
    for (std::uint32_t i = 1; i < count; ++i) hash.push_back(i + 1 == count ? 1 : 2);
  }
  const std::size_t hash_at = place(hash.size() * sizeof hash[0]);
  const std::size_t strings_at = place(strings.size());
  const std::size_t interpreter_at = place(sample.interpreter.size() + 1);
  const std::size_t text_at = place(sample.text.size() + 1);
  const std::size_t code_at = place(sample.code.size());
  entry(DT_STRTAB, strings_at);
  entry(DT_STRSZ, strings.size());
  entry(DT_SYMTAB, symbols_at);
  entry(sample.gnu_hash ? DT_GNU_HASH : DT_HASH, hash_at);
  entry(DT_NULL, 0);

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = sample.type;
  header.e_machine = sample.machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(segments.size());
  segments[0].p_type = PT_LOAD;
  segments[0].p_flags = PF_R | (sample.code.empty() ? 0U : static_cast<unsigned>(PF_X));
  segments[0].p_filesz = segments[0].p_memsz = at;
  segments[1].p_type = PT_DYNAMIC;
  segments[1].p_flags = PF_R | PF_W;
  segments[1].p_offset = segments[1].p_vaddr = dynamic_at;
  segments[1].p_filesz = segments[1].p_memsz = entries * sizeof(Elf64_Dyn);
  if (has_interpreter) {
    segments[2].p_type = PT_INTERP;
    segments[2].p_offset = segments[2].p_vaddr = interpreter_at;
    segments[2].p_filesz = segments[2].p_memsz = sample.interpreter.size() + 1;
  }

  std::string bytes(at, '\0');
  const auto put = [&](std::size_t where, const void* from, std::size_t size) {
    if (size != 0) std::memcpy(bytes.data() + where, from, size);
  };
  put(0, &header, sizeof header);
  put(sizeof header, segments.data(), segments.size() * sizeof(Elf64_Phdr));
  put(dynamic_at, dynamic.data(), dynamic.size() * sizeof(Elf64_Dyn));
  put(symbols_at, symbols.data(), symbols.size() * sizeof(Elf64_Sym));
  put(hash_at, hash.data(), hash.size() * sizeof hash[0]);
  put(strings_at, strings.data(), strings.size());
  put(interpreter_at, sample.interpreter.data(), sample.interpreter.size());
  put(text_at, sample.text.data(), sample.text.size());
  put(code_at, sample.code.data(), sample.code.size());
  return bytes;
}

inline constexpr const char* kGlibc = "/lib64/ld-linux-x86-64.so.2";
inline constexpr const char* kAllocate =
    "_ZN4llvm3sys6Memory20allocateMappedMemoryEmPKNS0_11MemoryBlockEjRSt10error_code";

class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jitcorral-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }

  std::string file(const std::string& name, const std::string& bytes, mode_t mode = 0644) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    chmod(path.c_str(), mode);
    return path.string();
  }
  std::string elf(const std::string& name, const Sample& sample) const {
    return file(name, elf_bytes(sample), 0755);
  }

  // Nothing of the machine's: no cache, no variables, a library for x86-64.
  Surroundings surroundings() const {
    Surroundings here;
    here.folder = folder_.string();
    here.cache = *this / "no-cache";
    here.disable = *this / "no-disable";
    here.shim = elf("shim/libjitcorral.so", {});
    here.environment["PATH"] = *this / "bin";
    return here;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace jitcorral::inspect

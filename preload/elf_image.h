// Reads the headers, dynamic symbols and notes of an ELF image where the dynamic linker mapped it.
#pragma once

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "jitcorral/range.h"

namespace jitcorral {

class ElfImage {
 public:
  // `dynamic`: the image's PT_DYNAMIC in memory, relocated (glibc) or not (musl, vdso).
  ElfImage(std::uint64_t bias, const void* dynamic) : bias_(bias) {
    if (dynamic == nullptr) return;
    for (auto d = static_cast<const ElfW(Dyn)*>(dynamic); d->d_tag != DT_NULL; ++d) {
      switch (d->d_tag) {
        case DT_SYMTAB:
          symbols_ = at<ElfW(Sym)>(d->d_un.d_ptr);
          break;
        case DT_STRTAB:
          strings_ = at<char>(d->d_un.d_ptr);
          break;
        case DT_GNU_HASH:
          gnu_hash_ = at<std::uint32_t>(d->d_un.d_ptr);
          break;
        case DT_HASH:
          sysv_hash_ = at<std::uint32_t>(d->d_un.d_ptr);
          break;
        case DT_STRSZ:
          strings_size_ = d->d_un.d_val;
          break;
        case DT_RELA:
          relocations_[0].first = at<ElfW(Rela)>(d->d_un.d_ptr);
          break;
        case DT_RELASZ:
          relocations_[0].count = d->d_un.d_val / sizeof(ElfW(Rela));
          break;
        case DT_RELACOUNT:
          relocations_[0].relative = d->d_un.d_val;  // these come first, and name no symbol
          break;
        case DT_JMPREL:
          relocations_[1].first = at<ElfW(Rela)>(d->d_un.d_ptr);
          break;
        case DT_PLTRELSZ:
          relocations_[1].count = d->d_un.d_val / sizeof(ElfW(Rela));
          break;
        case DT_VERSYM:
          versions_ = at<std::uint16_t>(d->d_un.d_ptr);
          break;
        default:
          break;
      }
    }
  }

  bool has_symbols() const {
    return symbols_ != nullptr && strings_ != nullptr &&
           (gnu_hash_ != nullptr || sysv_hash_ != nullptr);
  }

  // Value of a defined, default-version function or object; 0 if there is none.
  std::uint64_t find_defined(std::string_view name) const {
    if (!has_symbols()) return 0;
    std::uint64_t found = 0;
    if (gnu_hash_ != nullptr) {
      gnu_candidates(name, [&](std::uint32_t i) {
        if (found == 0 && matches(i, name)) found = symbols_[i].st_value;
      });
    } else {
      const std::uint32_t count = sysv_hash_[1];
      for (std::uint32_t i = 1; i < count && found == 0; ++i)
        if (matches(i, name)) found = symbols_[i].st_value;
    }
    return found == 0 ? 0 : bias_ + found;
  }

  // Whether a relocation of the image refers to an undefined symbol of that name. The relocations
  // are the only list of imports that is true of every image: GNU_HASH leaves imports out or in as
  // the linker likes, and where the symbol table ends nothing says once patchelf (every manylinux
  // wheel) has moved its strings.
  bool imports(std::string_view name) const {
    if (!has_symbols()) return false;
    for (const Relocations& list : relocations_) {
      for (std::size_t i = list.relative; i < list.count; ++i) {
        const std::uint64_t symbol = ELF64_R_SYM(list.first[i].r_info);
        if (symbol != 0 && symbols_[symbol].st_shndx == SHN_UNDEF && name_is(symbol, name))
          return true;
      }
    }
    return false;
  }

  // The function whose [value, value + size) holds the address.
  std::string_view symbol_at(std::uint64_t address) const {
    if (!has_symbols()) return {};
    const std::uint64_t value = address - bias_;
    const std::uint32_t end = symbol_count();
    for (std::uint32_t i = 1; i < end; ++i) {
      const ElfW(Sym)& s = symbols_[i];
      if (s.st_shndx != SHN_UNDEF && (s.st_info & 0xf) == STT_FUNC && s.st_value <= value &&
          value - s.st_value < s.st_size)
        return name_of(i);
    }
    return {};
  }

 private:
  // glibc relocates these pointers in place, musl and the vdso keep them relative to the image.
  template <typename T>
  const T* at(std::uint64_t pointer) const {
    return reinterpret_cast<const T*>(pointer < bias_ ? bias_ + pointer : pointer);
  }

  struct Relocations {
    const ElfW(Rela) * first = nullptr;
    std::size_t count = 0;
    std::size_t relative = 0;
  };

  std::string_view name_of(std::uint64_t i) const {
    return symbols_[i].st_name < strings_size_ ? strings_ + symbols_[i].st_name : "";
  }
  bool name_is(std::uint64_t i, std::string_view name) const { return name_of(i) == name; }

  bool matches(std::uint32_t i, std::string_view name) const {
    const ElfW(Sym)& s = symbols_[i];
    const unsigned type = s.st_info & 0xf;
    if (s.st_shndx == SHN_UNDEF || s.st_value == 0) return false;
    if (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE) return false;
    constexpr std::uint16_t kHiddenVersion = 0x8000;
    if (versions_ != nullptr && (versions_[i] & kHiddenVersion) != 0) return false;
    return name_is(i, name);
  }

  template <typename Visit>
  void gnu_candidates(std::string_view name, Visit visit) const {
    std::uint32_t hash = 5381;
    for (char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
    const std::uint32_t buckets = gnu_hash_[0], first = gnu_hash_[1], bloom_words = gnu_hash_[2];
    if (buckets == 0) return;
    const std::uint32_t* bucket = gnu_hash_ + 4 + bloom_words * (sizeof(ElfW(Addr)) / 4);
    const std::uint32_t* chain = bucket + buckets;
    std::uint32_t i = bucket[hash % buckets];
    if (i < first) return;
    for (;; ++i) {
      const std::uint32_t h = chain[i - first];
      if ((h | 1) == (hash | 1)) visit(i);
      if ((h & 1) != 0) return;
    }
  }

  std::uint32_t symbol_count() const {
    if (sysv_hash_ != nullptr) return sysv_hash_[1];
    const std::uint32_t buckets = gnu_hash_[0], first = gnu_hash_[1], bloom_words = gnu_hash_[2];
    const std::uint32_t* bucket = gnu_hash_ + 4 + bloom_words * (sizeof(ElfW(Addr)) / 4);
    const std::uint32_t* chain = bucket + buckets;
    std::uint32_t last = 0;
    for (std::uint32_t b = 0; b < buckets; ++b)
      if (last < bucket[b]) last = bucket[b];
    if (last < first) return first;
    while ((chain[last - first] & 1) == 0) ++last;
    return last + 1;
  }

  std::uint64_t bias_;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* strings_ = nullptr;
  std::uint64_t strings_size_ = 0;
  Relocations relocations_[2];
  const std::uint32_t* gnu_hash_ = nullptr;
  const std::uint32_t* sysv_hash_ = nullptr;
  const std::uint16_t* versions_ = nullptr;
};

}  // namespace jitcorral

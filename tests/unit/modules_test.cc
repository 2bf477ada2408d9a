#include "modules.h"
#include "proc_maps.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstring>
#include <new>

#include <memory>
#include <string>

#include "elf_image.h"

// Known texts and names of this executable.
extern "C" __attribute__((visibility("default"), used, noinline)) int jitcorral_test_marker(int n) {
  return n * 3 + 1;
}

namespace jitcorral {
namespace {

constexpr const char* kText = "a text that only modules_test.cc holds: 8f3a91";

const void* at(const void* base, std::size_t offset) {
  return static_cast<const char*>(base) + offset;
}
const void* function(const char* name) {
  return dlsym(RTLD_DEFAULT, name);
}
Address address(const void* p) {
  return {reinterpret_cast<std::uint64_t>(p)};
}
template <typename F>
const void* code(F* f) {
  return reinterpret_cast<const void*>(f);
}

// Every look-up by way of _dl_find_object and, as on an older glibc, by walking; prepare() cannot
// be undone, so the tests that run before it are in a suite of their own, which comes first.
class ModulesUnprepared : public testing::Test {};
class Modules : public testing::Test {
 protected:
  static void SetUpTestSuite() { modules::prepare(); }
};

void expect_containing_works() {
  const void* in_libc = at(function("getenv"), 3);
  const Module libc = modules::containing(in_libc);
  ASSERT_TRUE(libc.found());
  EXPECT_TRUE(libc.mapped.contains(address(in_libc)));
  EXPECT_NE(std::string(libc.path).find("libc.so"), std::string::npos) << libc.path;
  Dl_info info = {};
  ASSERT_NE(dladdr(in_libc, &info), 0);
  EXPECT_EQ(libc.mapped.begin, address(info.dli_fbase));
  EXPECT_EQ(libc.bias, address(info.dli_fbase).value);
  EXPECT_NE(libc.dynamic, nullptr);

  const Module self = modules::containing(code(jitcorral_test_marker));
  ASSERT_TRUE(self.found());
  EXPECT_STREQ(self.path, "");
  EXPECT_EQ(self.mapped.begin, modules::executable().begin);

  int on_stack = 0;
  EXPECT_FALSE(modules::containing(&on_stack).found());
  const auto on_heap = std::make_unique<char[]>(100);
  EXPECT_FALSE(modules::containing(on_heap.get()).found());
  EXPECT_FALSE(modules::containing(nullptr).found());
  EXPECT_FALSE(modules::containing(reinterpret_cast<void*>(UINTPTR_MAX)).found());
  void* map = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_FALSE(modules::containing(map).found());
  munmap(map, 4096);
}

TEST_F(ModulesUnprepared, WalkFindsWhatHoldsAnAddress) {
  expect_containing_works();
}
TEST_F(Modules, LookUpFindsWhatHoldsAnAddress) {
  expect_containing_works();
}

TEST_F(Modules, RangeHoldsItsFirstAndLastByte) {
  const Module libc = modules::containing(function("getenv"));
  const auto* first = reinterpret_cast<const void*>(libc.mapped.begin.value);
  EXPECT_EQ(modules::containing(first).mapped, libc.mapped);
  const auto* before = reinterpret_cast<const void*>(libc.mapped.begin.value - 1);
  EXPECT_NE(modules::containing(before).mapped, libc.mapped);
}

TEST_F(Modules, ExecutableHoldsItsCodeAndData) {
  static int data = 1;
  const AddressRange exe = modules::executable();
  EXPECT_TRUE(exe.contains(address(code(jitcorral_test_marker))));
  EXPECT_TRUE(exe.contains(address(&data)));
  EXPECT_TRUE(exe.contains(address(kText)));
  EXPECT_FALSE(exe.contains(address(function("getenv"))));
  EXPECT_LT(exe.size(), gib(1));
}

TEST_F(Modules, SymbolAtNamesTheFunctionAroundAnAddress) {
  for (const char* name : {"getenv", "qsort", "mprotect", "strtol"}) {
    const void* begin = function(name);
    const Module module = modules::containing(begin);
    Dl_info info = {};
    ASSERT_NE(dladdr(begin, &info), 0);
    for (const std::size_t offset : {0U, 1U, 4U}) {
      const std::string_view found = modules::symbol_at(module, at(begin, offset));
      ASSERT_FALSE(found.empty()) << name;
      // Aliases share an address: either name will do.
      EXPECT_EQ(function(std::string(found).c_str()), begin) << name << " as " << found;
    }
  }
}

TEST_F(Modules, SymbolAtNamesNothingOutsideFunctions) {
  const Module libc = modules::containing(function("getenv"));
  EXPECT_EQ(modules::symbol_at(libc, reinterpret_cast<void*>(libc.mapped.begin.value)), "");
  EXPECT_EQ(modules::symbol_at(libc, function("environ")), "") << "an object is no function";
  EXPECT_EQ(modules::symbol_at(libc, nullptr), "");
  EXPECT_EQ(modules::symbol_at(Module{}, function("getenv")), "");
}

TEST_F(Modules, FirstDefinitionIsWhatDlsymFinds) {
  for (const char* name :
       {"mmap", "mmap64", "munmap", "mprotect", "mremap", "free", "realloc", "posix_memalign",
        "aligned_alloc", "getenv", "memalign", "valloc", "reallocarray", "malloc_usable_size",
        "_dl_find_object", "dlsym", "environ", "stdout", "pthread_create"})
    EXPECT_EQ(modules::first_definition(name), function(name)) << name;
  EXPECT_EQ(modules::first_definition("no_such_function_anywhere"), nullptr);
  EXPECT_EQ(modules::first_definition(""), nullptr);
}

TEST_F(Modules, FirstDefinitionIsTheDefaultVersion) {
  // Several versions of these live in glibc.
  for (const char* name : {"pthread_cond_wait", "realpath", "regexec", "posix_spawn", "memcpy"}) {
    const void* found = modules::first_definition(name);
    EXPECT_TRUE(found == nullptr || found == function(name)) << name;
  }
  EXPECT_EQ(modules::first_definition("realpath"), function("realpath"));
}

TEST_F(Modules, NextDefinitionIsBehindThisModule) {
  EXPECT_EQ(modules::next_definition("getenv"), function("getenv"));
  EXPECT_EQ(modules::next_definition("jitcorral_test_marker"), nullptr);
  EXPECT_EQ(modules::next_definition("no_such_function_anywhere"), nullptr);
}

TEST_F(Modules, SymbolsAreDefinedOrImported) {
  const Module libc = modules::containing(function("getenv"));
  EXPECT_TRUE(modules::has_symbol(libc, "getenv", true));
  EXPECT_FALSE(modules::has_symbol(libc, "getenv", false));
  EXPECT_FALSE(modules::has_symbol(libc, "no_such_function_anywhere", true));
  const Module self = modules::containing(code(jitcorral_test_marker));
  EXPECT_TRUE(modules::has_symbol(self, "mprotect", false) ||
              modules::has_symbol(self, "munmap", false));
  EXPECT_FALSE(modules::has_symbol(self, "munmap", true));
  EXPECT_FALSE(modules::has_symbol(Module{}, "getenv", true));
}

// The x86-64 and aarch64 linkers put some undefined symbols behind DT_GNU_HASH's first index.
TEST_F(Modules, EveryUndefinedSymbolIsAnImport) {
  const Module self = modules::containing(code(jitcorral_test_marker));
  EXPECT_TRUE(modules::has_symbol(self, "__cxa_finalize", false));
}

// An image as a linker, and after it patchelf, may lay it out.
struct SmallImage {
  ElfW(Sym) symbols[3] = {};
  // GNU ld's .gnu.hash of a module that exports nothing says that the hashed symbols begin at 1
  // (elflink.c, "Empty .gnu.hash section": SYMIDX above the special symbol 0).
  std::uint32_t gnu_hash[7] = {1, 1, 1, 0, 0, 0, 0};
  ElfW(Rela) relocations[3] = {};
  ElfW(Dyn) dynamic[8] = {};

  SmallImage(const char* strings, std::size_t size) {
    symbols[1].st_name = 24;
    symbols[2].st_name = 1;
    for (int i = 1; i < 3; ++i) symbols[i].st_info = (STB_GLOBAL << 4) | STT_FUNC;
    relocations[1].r_info = ELF64_R_INFO(2, 6);
    relocations[2].r_info = ELF64_R_INFO(1, 6);
    const auto pointer = [](const void* p) { return reinterpret_cast<ElfW(Addr)>(p); };
    const ElfW(Addr) values[][2] = {{DT_SYMTAB, pointer(symbols)},
                                    {DT_STRTAB, pointer(strings)},
                                    {DT_STRSZ, size},
                                    {DT_GNU_HASH, pointer(gnu_hash)},
                                    {DT_RELA, pointer(relocations)},
                                    {DT_RELASZ, sizeof relocations},
                                    {DT_RELACOUNT, 1}};
    for (std::size_t i = 0; i < std::size(values); ++i) {
      dynamic[i].d_tag = static_cast<ElfW(Sxword)>(values[i][0]);
      dynamic[i].d_un.d_ptr = values[i][1];
    }
  }
};
constexpr char kStrings[] = "\0_Unwind_GetRegionStart\0puts";

TEST_F(Modules, ModuleThatExportsNothingStillHasImports) {
  const SmallImage small(kStrings, sizeof kStrings);
  const ElfImage image(0, small.dynamic);
  EXPECT_EQ(image.find_defined("puts"), 0U);
  EXPECT_TRUE(image.imports("_Unwind_GetRegionStart"));
  EXPECT_TRUE(image.imports("puts"));
  EXPECT_FALSE(image.imports("gets"));
}

// patchelf, which every manylinux wheel has met, moves the strings far behind the symbols: what
// lies between is no symbol, and may not be mapped.
TEST_F(Modules, SymbolsWhoseStringsWereMovedAwayAreNotReadBeyondTheirEnd) {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  auto* base = static_cast<char*>(
      mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(base, MAP_FAILED);
  memcpy(base + 2 * page, kStrings, sizeof kStrings);
  ASSERT_EQ(mprotect(base + page, page, PROT_NONE), 0);
  auto* small = new (base + page - sizeof(SmallImage)) SmallImage(base + 2 * page, sizeof kStrings);
  const ElfImage image(0, small->dynamic);
  EXPECT_TRUE(image.imports("puts"));
  EXPECT_FALSE(image.imports("gets"));
  munmap(base, 3 * page);
}

TEST_F(Modules, TextIsFoundInReadOnlyDataOnly) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "an instrumented module has red zones between its texts";
#endif
  const Module self = modules::containing(code(jitcorral_test_marker));
  EXPECT_TRUE(modules::contains_text(self, kText));
  std::string absent(kText);
  absent.replace(absent.size() - 6, 6, "nowhere");
  EXPECT_FALSE(modules::contains_text(self, absent));
  static char writable[] = "writable: ";  // never a whole text in read-only memory
  static std::string made = std::string(writable) + std::to_string(getpagesize());
  EXPECT_FALSE(modules::contains_text(self, made));
}

TEST_F(Modules, TextOfALibraryIsNotFoundInAnother) {
  const Module libc = modules::containing(function("getenv"));
  EXPECT_TRUE(modules::contains_text(libc, "GNU C Library"));
  EXPECT_FALSE(modules::contains_text(libc, kText));
}

TEST_F(Modules, IdentityIsStableAndTellsLibrariesApart) {
  const Module libc = modules::containing(function("getenv"));
  const Module inner = modules::containing(at(function("lfind"), 8));
  const Module self = modules::containing(code(jitcorral_test_marker));
  const Module cxx = modules::containing(function("_ZSt9terminatev"));
  ASSERT_TRUE(cxx.found());
  EXPECT_EQ(modules::identity(libc), modules::identity(libc));
  EXPECT_EQ(modules::identity(libc), modules::identity(inner));
  EXPECT_NE(modules::identity(libc), modules::identity(self));
  EXPECT_NE(modules::identity(libc), modules::identity(cxx));
  EXPECT_NE(modules::identity(cxx), modules::identity(self));
}

TEST_F(Modules, LibrariesAreFoundByGlob) {
  const Module libc = modules::containing(function("getenv"));
  EXPECT_EQ(find_mapped_file("libc.so*").begin, libc.mapped.begin);
  EXPECT_EQ(find_mapped_file("*/libc.so*").begin, libc.mapped.begin);
  EXPECT_TRUE(find_mapped_file("libnothing*").empty());
  EXPECT_TRUE(find_mapped_file("").empty());
}

TEST_F(Modules, LibraryLoadedLaterIsFoundWhileItIsThere) {
  void* handle = dlopen("libanl.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) handle = dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr);
  const auto* map = static_cast<const link_map*>(handle);
  const Module module = modules::containing(map->l_ld);
  EXPECT_TRUE(module.found());
  EXPECT_STREQ(module.path, map->l_name);
  EXPECT_EQ(module.bias, map->l_addr);
  dlclose(handle);
}

}  // namespace
}  // namespace jitcorral

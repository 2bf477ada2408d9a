#include "inspect/linker.h"

#include <gtest/gtest.h>

#include "inspect_scratch.h"

namespace jitcorral::inspect {
namespace {

struct Entry {
  std::int32_t flags;
  std::string name, path;
};

// A cache as ldconfig writes it.
std::string cache_bytes(const std::vector<Entry>& entries) {
  std::string strings, records;
  const std::size_t begin = 48 + entries.size() * 24;
  const auto put = [](std::string& to, std::uint32_t value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const Entry& entry : entries) {
    put(records, static_cast<std::uint32_t>(entry.flags));
    put(records, static_cast<std::uint32_t>(begin + strings.size()));
    strings += entry.name + '\0';
    put(records, static_cast<std::uint32_t>(begin + strings.size()));
    strings += entry.path + '\0';
    records.append(12, '\0');
  }
  std::string out = "glibc-ld.so.cache1.1";
  put(out, static_cast<std::uint32_t>(entries.size()));
  put(out, static_cast<std::uint32_t>(strings.size()));
  out.append(20, '\0');
  return out + records + strings;
}

constexpr std::int32_t kX86 = 0x0303, kArm = 0x0a03, kI386 = 0x0003;
const std::vector<Entry> kEntries = {{kI386, "libz.so.1", "/lib/i386/libz.so.1"},
                                     {kX86, "libz.so.1", "/lib/x/libz.so.1"},
                                     {kArm, "libz.so.1", "/lib/a/libz.so.1"},
                                     {kX86, "librel.so", "relative"}};

TEST(LibraryCacheTest, LibrariesOfTheIsaAreFound) {
  const std::string bytes = cache_bytes(kEntries);
  EXPECT_EQ(LibraryCache::parse(bytes, Isa::kX86_64).find("libz.so.1"), "/lib/x/libz.so.1");
  EXPECT_EQ(LibraryCache::parse(bytes, Isa::kAarch64).find("libz.so.1"), "/lib/a/libz.so.1");
  EXPECT_EQ(LibraryCache::parse(bytes, Isa::kX86_64).find("librel.so"), "");
  EXPECT_EQ(LibraryCache::parse(bytes, Isa::kX86_64).find("libnone.so"), "");
}

TEST(LibraryCacheTest, TheNewCacheIsFoundBehindAnOldOne) {
  std::string old = "ld.so-1.7.0";
  old += std::string("\0\1\0\0\0", 5);   // one entry
  old += std::string(12, 'x') + "pppp";  // it, and up to the next multiple of 8
  EXPECT_EQ(LibraryCache::parse(old + cache_bytes(kEntries), Isa::kX86_64).find("libz.so.1"),
            "/lib/x/libz.so.1");
}

TEST(LibraryCacheTest, DamagedCachesAreBorne) {
  const std::string bytes = cache_bytes(kEntries);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_LE(LibraryCache::parse(bytes.substr(0, size), Isa::kX86_64).size(), 1U);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = '\xff';
    LibraryCache::parse(changed, Isa::kX86_64);
  }
}

TEST(LibraryCacheTest, TheMachinesOwnKnowsLibc) {
  const LibraryCache cache = LibraryCache::read("/etc/ld.so.cache", kOwnIsa);
  if (cache.size() == 0) GTEST_SKIP() << "no ld.so.cache";
  EXPECT_NE(cache.find("libc.so.6"), "");
}

class LinkerTest : public testing::Test {
 protected:
  // Where the program's only library is found; empty: it is missing.
  std::string found(const std::string& program) {
    const Elf elf = read_elf(File::open(program).value());
    Linker linker(here_, elf);
    linker.add(program, Certainty::kLinked, "the executable");
    for (const Module& module : linker.modules())
      if (module.name == "libx.so") return module.path;
    return "";
  }
  std::string program(const Sample& sample) { return folder_.elf("bin/program", sample); }

  Scratch folder_;
  Surroundings here_ = folder_.surroundings();
};

TEST_F(LinkerTest, FoldersAreSearchedInTheLinkersOrder) {
  const std::string by_rpath = folder_.elf("r/libx.so", {}), by_path = folder_.elf("l/libx.so", {}),
                    by_runpath = folder_.elf("u/libx.so", {}),
                    by_cache = folder_.elf("c/libx.so", {});
  here_.cache = folder_.file("cache", cache_bytes({{kX86, "libx.so", by_cache}}));
  const std::vector<std::string> needed = {"libx.so"};
  EXPECT_EQ(found(program({.needed = needed})), by_cache);
  EXPECT_EQ(found(program({.runpath = folder_ / "u", .needed = needed})), by_runpath);
  EXPECT_EQ(found(program({.rpath = folder_ / "r", .needed = needed})), by_rpath);
  here_.environment["LD_LIBRARY_PATH"] = folder_ / "l";
  EXPECT_EQ(found(program({.needed = needed})), by_path);
  EXPECT_EQ(found(program({.runpath = folder_ / "u", .needed = needed})), by_path);
  EXPECT_EQ(found(program({.rpath = folder_ / "r", .needed = needed})), by_rpath);
  // RUNPATH makes RPATH nothing.
  EXPECT_EQ(found(program({.rpath = folder_ / "r", .runpath = folder_ / "u", .needed = needed})),
            by_path);
}

TEST_F(LinkerTest, OriginIsWhereTheModuleLies) {
  const std::string library = folder_.elf("lib/libx.so", {});
  for (const char* path : {"$ORIGIN/../lib", "${ORIGIN}/../lib"})
    EXPECT_EQ(std::filesystem::canonical(found(program({.runpath = path, .needed = {"libx.so"}}))),
              library);
}

TEST_F(LinkerTest, RpathIsInheritedAndRunpathIsNot) {
  folder_.elf("lib/libmiddle.so", {.needed = {"libx.so"}});
  folder_.elf("lib/libx.so", {});
  EXPECT_NE(found(program({.rpath = folder_ / "lib", .needed = {"libmiddle.so"}})), "");
  EXPECT_EQ(found(program({.runpath = folder_ / "lib", .needed = {"libmiddle.so"}})), "");
}

TEST_F(LinkerTest, AnotherMachinesLibraryIsPassedBy) {
  folder_.elf("a/libx.so", {.machine = EM_AARCH64});
  folder_.file("t/libx.so", "not an ELF file");
  const std::string right = folder_.elf("b/libx.so", {});
  here_.environment["LD_LIBRARY_PATH"] = folder_ / "a:" + (folder_ / "t") + ":" + (folder_ / "b");
  EXPECT_EQ(found(program({.needed = {"libx.so"}})), right);
}

TEST_F(LinkerTest, AnotherMachinesProgramLooksInItsRoot) {
  if (kOwnIsa != Isa::kX86_64) GTEST_SKIP() << "its own machine's";
  here_.environment["QEMU_LD_PREFIX"] = folder_ / "root";
  const std::string right =
      folder_.elf("root/lib/aarch64-linux-gnu/libx.so", {.machine = EM_AARCH64});
  EXPECT_EQ(found(program({.machine = EM_AARCH64, .needed = {"libx.so"}})), right);
}

TEST_F(LinkerTest, MissingLibrariesAreNamedOnce) {
  folder_.elf("lib/liba.so", {.needed = {"libmissing.so"}});
  const std::string path =
      program({.rpath = folder_ / "lib", .needed = {"liba.so", "libmissing.so"}});
  Linker linker(here_, read_elf(File::open(path).value()));
  linker.add(path, Certainty::kLinked, "the executable");
  ASSERT_EQ(linker.missing().size(), 1U);
  EXPECT_EQ(linker.missing()[0].name, "libmissing.so");
  EXPECT_EQ(linker.modules().size(), 2U);
}

TEST_F(LinkerTest, LibrariesThatNeedEachOtherEnd) {
  folder_.elf("lib/liba.so", {.rpath = "$ORIGIN", .needed = {"libb.so", "liba.so"}});
  folder_.elf("lib/libb.so", {.rpath = "$ORIGIN", .needed = {"liba.so"}});
  const std::string path = program({.rpath = folder_ / "lib", .needed = {"liba.so"}});
  Linker linker(here_, read_elf(File::open(path).value()));
  linker.add(path, Certainty::kLinked, "the executable");
  EXPECT_EQ(linker.modules().size(), 3U);
}

}  // namespace
}  // namespace jitcorral::inspect

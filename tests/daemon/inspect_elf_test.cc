#include "inspect/elf_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "inspect/module.h"
#include "inspect_scratch.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

Elf elf_of(const std::string& path) {
  return read_elf(File::open(path).value());
}

Facts facts(const std::string& path) {
  const File file = File::open(path).value();
  return facts_of(file, read_elf(file), basename_of(path));
}

class ElfTest : public testing::Test {
 protected:
  Scratch folder_;
};

TEST_F(ElfTest, BothIsasAreRead) {
  EXPECT_EQ(elf_of(folder_.elf("x", {})).isa, Isa::kX86_64);
  EXPECT_EQ(elf_of(folder_.elf("a", {.machine = EM_AARCH64})).isa, Isa::kAarch64);
  const Elf other = elf_of(folder_.elf("r", {.machine = EM_RISCV}));
  EXPECT_EQ(other.isa, Isa::kUnknown);
  EXPECT_EQ(other.machine, unsigned{EM_RISCV});
}

TEST_F(ElfTest, WhatTheDynamicLinkerReadsIsRead) {
  const Elf elf = elf_of(folder_.elf("e", {.interpreter = kGlibc,
                                           .soname = "libe.so.1",
                                           .rpath = "/r",
                                           .runpath = "$ORIGIN/../lib",
                                           .needed = {"liba.so", "libb.so.2"},
                                           .flags_1 = DF_1_PIE}));
  EXPECT_EQ(elf.interpreter, kGlibc);
  EXPECT_EQ(elf.soname, "libe.so.1");
  EXPECT_EQ(elf.rpath, "/r");
  EXPECT_EQ(elf.runpath, "$ORIGIN/../lib");
  EXPECT_EQ(elf.needed, (std::vector<std::string>{"liba.so", "libb.so.2"}));
  EXPECT_TRUE(elf.is_position_independent);
  EXPECT_TRUE(elf.is_marked_pie);
}

TEST_F(ElfTest, OwnExecutableHasWhatItWasLinkedWith) {
  const Elf elf = elf_of("/proc/self/exe");
  EXPECT_EQ(elf.isa, kOwnIsa);
  EXPECT_NE(std::find(elf.needed.begin(), elf.needed.end(), "libc.so.6"), elf.needed.end());
  const File file = File::open("/proc/self/exe").value();
  bool has_import = false;
  each_symbol(file, elf,
              [&](const Symbol& s) { has_import |= s.name == "__cxa_throw" && !s.is_defined; });
  EXPECT_TRUE(has_import);
}

TEST_F(ElfTest, WhatIsNoProgramIsSaidInOneLine) {
  const auto why = [&](const std::string& bytes) -> std::string {
    try {
      elf_of(folder_.file("f", bytes));
    } catch (const BadElf& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why(""), "shorter than an ELF header");
  EXPECT_EQ(why("#!/bin/sh\necho hello\n"), "not an ELF file");
  EXPECT_EQ(why(elf_bytes({.type = ET_REL})), "an object file, not a program");
  EXPECT_EQ(why(elf_bytes({.machine = EM_NONE})), "a damaged ELF file: it is for no machine");
  EXPECT_EQ(why(elf_bytes({.type = ET_CORE})), "a core dump, not a program");
  EXPECT_EQ(why(elf_bytes({}).substr(0, 40)), "a truncated ELF file: it ends in its header");
  EXPECT_EQ(why(elf_bytes({}).substr(0, 100)),
            "a truncated ELF file: its program headers lie beyond its end");
  EXPECT_EQ(why(elf_bytes({}).substr(0, 180)),
            "a truncated ELF file: a segment lies beyond its end");
}

TEST_F(ElfTest, OnlyRegularFilesAreOpened) {
  EXPECT_FALSE(File::open(folder_ / "").has_value());
  EXPECT_FALSE(File::open(folder_ / "missing").has_value());
  EXPECT_FALSE(File::open("/dev/zero").has_value());
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(File::open(folder_ / "fifo").has_value());
}

TEST_F(ElfTest, EnginesAreRecognisedAsTheShimDoes) {
  const auto role = [&](const std::string& name, const Sample& sample) {
    const auto found = recognise(facts(folder_.elf(name, sample)), name, false);
    return found ? found->role : Role::kNone;
  };
  EXPECT_EQ(role("libLLVM-14.so.1", {.functions = {kAllocate}}), Role::kLlvm);
  EXPECT_EQ(role("libLLVM-14.so.1", {.imports = {kAllocate}}), Role::kNone);  // somebody else's
  EXPECT_EQ(role("libllvmlite.so", {}), Role::kLlvm);
  EXPECT_EQ(role("libjulia-codegen.so.1.10", {}), Role::kJulia);
  EXPECT_EQ(role("host", {.text = "/r/cranelift-jit-0.116.1/src/backend.rs"}), Role::kCranelift);
  EXPECT_EQ(role("host", {.text = "cranelift-codegen-0.116.1/src"}), Role::kNone);
}

TEST_F(ElfTest, TextsOfAModuleThatDoesNotUnwindAreNotSeenByTheShim) {
  Sample sample{.text = "Unable to allocate section memory!"};
  EXPECT_FALSE(recognise(facts(folder_.elf("h", sample)), "h", true)->by_shim);
  sample.imports = {std::string(kScanHint)};
  EXPECT_TRUE(recognise(facts(folder_.elf("h", sample)), "h", true)->by_shim);
}

TEST_F(ElfTest, MapsByInlineSystemCallsAreCounted) {
  const std::string map_x86("\x31\xff\xb8\x09\x00\x00\x00\x4c\x89\xe7\x0f\x05", 12);
  const std::string getpid("\xb8\x27\x00\x00\x00\x0f\x05", 7);
  const std::string far =
      "\xb8" + std::string("\x09\x00\x00\x00", 4) + std::string(60, '\x90') + "\x0f\x05";
  EXPECT_EQ(facts(folder_.elf("x", {.code = map_x86 + getpid + map_x86})).contents.inline_maps, 2U);
  EXPECT_EQ(facts(folder_.elf("x", {.code = getpid + far})).contents.inline_maps, 0U);
  const std::string map_arm("\xc8\x1b\x80\xd2\x01\x00\x00\xd4", 8);
  EXPECT_EQ(facts(folder_.elf("a", {.machine = EM_AARCH64, .code = map_arm})).contents.inline_maps,
            1U);
  EXPECT_EQ(facts(folder_.elf("a", {.machine = EM_AARCH64, .code = map_x86})).contents.inline_maps,
            0U);
}

TEST_F(ElfTest, TextsAndCodeAreFoundAcrossChunks) {
  constexpr std::size_t kChunk = 1 << 20;
  const std::string text = "/cranelift-jit-0.116.1/src", map("\xb8\x09\x00\x00\x00\x0f\x05", 7);
  for (std::size_t before = kChunk - 600; before < kChunk; before += 13) {
    const Facts found = facts(folder_.elf(
        "big", {.text = std::string(before, '.') + text, .code = std::string(64, '\x90') + map}));
    ASSERT_TRUE(found.contents.texts[0]) << before;
    ASSERT_EQ(found.contents.inline_maps, 1U) << before;
  }
}

// A file in memory, looked at as any other.
class HostileBytes : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    fd_ = memfd_create("hostile", MFD_CLOEXEC);
    ASSERT_GE(fd_, 0);
    path_ = "/proc/self/fd/" + std::to_string(fd_);
    bytes_ = elf_bytes({.interpreter = kGlibc,
                        .soname = "libhostile.so.1",
                        .runpath = "$ORIGIN",
                        .needed = {"libc.so.6", "libm.so.6"},
                        .imports = {"dlopen", std::string(kScanHint)},
                        .functions = {kAllocate, "__tsan_init"},
                        .text = "cranelift-jit-0.116.1",
                        .code = "\x90",
                        .gnu_hash = GetParam()});
  }
  void TearDown() override { close(fd_); }

  // All that is ever done with a file. True: it made sense.
  bool look(const std::string& bytes) {
    EXPECT_EQ(ftruncate(fd_, 0), 0);
    EXPECT_EQ(pwrite(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    try {
      const File file = File::open(path_).value();
      const Elf elf = read_elf(file);
      static_cast<void>(recognise(facts_of(file, elf, "hostile"), "hostile", true));
      return true;
    } catch (const BadElf& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return false;
    }
  }

  int fd_ = -1;
  std::string path_, bytes_;
};

INSTANTIATE_TEST_SUITE_P(Hash, HostileBytes, testing::Bool());

TEST_P(HostileBytes, WholeItMakesSense) {
  EXPECT_TRUE(look(bytes_));
  const File file = File::open(path_).value();
  EXPECT_EQ(read_elf(file).symbol_count, 5U);
}

TEST_P(HostileBytes, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < bytes_.size(); ++size)
    ASSERT_FALSE(look(bytes_.substr(0, size))) << size;
}

TEST_P(HostileBytes, AnyByteMayBeAnything) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const char value : {'\0', '\1', '\x7f', '\x80', '\xff'}) {
      std::string changed = bytes_;
      changed[at] = value;
      look(changed);
    }
  }
}

TEST_P(HostileBytes, AnyFieldMayBeHuge) {
  for (std::size_t at = 0; at + 8 <= bytes_.size(); at += 4) {
    for (const std::uint64_t value :
         {~std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0} >> 1,
          std::uint64_t{bytes_.size()}, std::uint64_t{bytes_.size()} - 1}) {
      std::string changed = bytes_;
      std::memcpy(changed.data() + at, &value, sizeof value);
      look(changed);
    }
  }
}

}  // namespace
}  // namespace jitcorral::inspect

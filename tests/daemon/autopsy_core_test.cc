// Cores as the kernel writes them, and what is left of them when they are cut off or hostile.
#include <gtest/gtest.h>

#include "autopsy_sample.h"

namespace jitcorral::autopsy {
namespace {

constexpr unsigned kRx = PF_R | PF_X, kRw = PF_R | PF_W;

CoreSample sample() {
  CoreSample core;
  core.thread(0x10000, {{10, 0xAA}, {19, 0x30000}, {21, 0xF5}}).signal(0xDEAD);
  core.file(0x20000, 0x21000, "/usr/bin/prog");
  core.map(0x10000, 0x1000, kRx, std::string(0x40, '\x90'));
  core.map(0x20000, 0x1000, PF_R);
  core.map(0x30000, 0x1000, kRw, std::string(0x800, 'x'));
  return core;
}

std::string what_is_wrong(const std::string& bytes) {
  try {
    core_of(bytes);
  } catch (const BadCore& bad) {
    return bad.what();
  }
  return "nothing";
}

TEST(CoreFile, ThreadsSignalAndFilesAreRead) {
  const Core core = core_of(sample().bytes());
  ASSERT_EQ(core.notes.threads.size(), 1U);
  const Thread& thread = core.notes.threads[0];
  EXPECT_EQ(thread.id, 4711);
  EXPECT_EQ(thread.signal, 11);
  EXPECT_EQ(thread.pc, Address{0x10000});
  EXPECT_EQ(thread.registers.general[0], 0xAAU);
  EXPECT_EQ(thread.registers.general[4], 0x30000U);
  EXPECT_EQ(thread.registers.fs, 0xF5U);
  ASSERT_TRUE(core.notes.signal);
  EXPECT_EQ(core.notes.signal->address, Address{0xDEAD});
  ASSERT_EQ(core.notes.files.size(), 1U);
  EXPECT_EQ(core.notes.files[0].path, "/usr/bin/prog");
  EXPECT_FALSE(core.notes.damaged);
  EXPECT_EQ(core.cut_off, Bytes{});
}

TEST(CoreFile, AarchThreadsHaveRegistersOfTheirOwn) {
  CoreSample sample(Isa::kAarch64);
  sample.thread(0x10000, {{0, 7}, {30, 8}, {31, 9}}).map(0x10000, 0x1000, kRx);
  const Core core = core_of(sample.bytes());
  ASSERT_EQ(core.notes.threads.size(), 1U);
  const auto& general = core.notes.threads[0].registers.general;
  EXPECT_EQ(general[0], 7U);
  EXPECT_EQ(general[30], 8U);
  EXPECT_EQ(general[31], 9U);
}

TEST(CoreFile, MemoryIsReadAsFarAsItIsStored) {
  const inspect::File file = opened(sample().bytes());
  const Core core = read_core(file);
  Memory memory(file, core, "");
  EXPECT_EQ(memory.read(range_of({0x30000}, {0x1000})).size(), 0x800U);
  EXPECT_EQ(memory.read(range_of({0x307FF}, {2})).size(), 1U);
  EXPECT_TRUE(memory.read(range_of({0x40000}, {1})).empty());
  EXPECT_TRUE(memory.read(range_of({0xFFF}, {1})).empty());
  EXPECT_TRUE(memory.missing().empty());
  // A file that is not there any more.
  EXPECT_TRUE(memory.read(range_of({0x20000}, {8})).empty());
  EXPECT_EQ(memory.missing().size(), 1U);
}

TEST(CoreFile, MappingsHaveTheNamesOfTheirFiles) {
  const inspect::File file = opened(sample().bytes());
  const Core core = read_core(file);
  const Memory memory(file, core, "");
  ASSERT_EQ(memory.mappings().size(), 3U);
  EXPECT_EQ(memory.mappings()[0].name, "");
  EXPECT_EQ(memory.mappings()[0].permissions, "r-xp");
  EXPECT_EQ(memory.mappings()[1].name, "/usr/bin/prog");
  EXPECT_EQ(memory.mappings()[2].name, "[stack]");
}

TEST(CoreFile, WhatIsNoCoreIsRefusedWithItsReason) {
  std::string bytes = sample().bytes();
  EXPECT_NE(what_is_wrong("").find("shorter"), std::string::npos);
  EXPECT_NE(what_is_wrong("text, and no core").find("not an ELF"), std::string::npos);
  EXPECT_NE(what_is_wrong("\x28\xb5\x2f\xfd....").find("zstd"), std::string::npos);
  EXPECT_NE(what_is_wrong(bytes.substr(0, 40)).find("shorter"), std::string::npos);
  std::string other = bytes;
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_NE(what_is_wrong(other).find("32-bit"), std::string::npos);
  other = bytes;
  CoreSample::put(other, offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_DYN});
  EXPECT_NE(what_is_wrong(other).find("not a core"), std::string::npos);
  other = bytes;
  CoreSample::put(other, offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_RISCV});
  EXPECT_NE(what_is_wrong(other).find("243"), std::string::npos);
  other = bytes;
  CoreSample::put(other, offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 3);
  EXPECT_NE(what_is_wrong(other).find("no segments"), std::string::npos);
}

TEST(CoreFile, ACoreThatIsCutOffAnywhereIsReadOrRefused) {
  const std::string bytes = sample().bytes();
  const auto headers = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
  for (std::size_t size = 0; size < bytes.size(); size += size < 2048 ? 1 : 97) {
    try {
      const Core core = core_of(bytes.substr(0, size));
      EXPECT_GT(core.cut_off, Bytes{}) << size;
      crash_of(bytes.substr(0, size));
    } catch (const BadCore&) {
      EXPECT_LT(size, headers) << size;
    }
  }
}

TEST(CoreFile, NotesThatMakeNoSenseAreLeftOut) {
  CoreSample core;
  core.note(NT_PRSTATUS, "short").note(NT_SIGINFO, "short");
  std::string files(40, '\0');
  CoreSample::put(files, 0, UINT64_MAX);
  CoreSample::put(files, 8, std::uint64_t{4096});
  core.note(NT_FILE, files).map(0x10000, 0x1000, kRx);
  const Core read = core_of(core.bytes());
  EXPECT_TRUE(read.notes.damaged);
  EXPECT_TRUE(read.notes.threads.empty());
  EXPECT_TRUE(read.notes.files.empty());
  EXPECT_FALSE(read.notes.signal);
}

TEST(CoreFile, SegmentsThatWrapRoundOrOverlapDoNoHarm) {
  CoreSample core;
  core.thread(UINT64_MAX - 8, {{19, UINT64_MAX - 4}});
  core.map(UINT64_MAX - 0xFFF, UINT64_MAX, kRx, std::string(64, '\x90'));
  core.map(0x10000, 0x2000, kRx, std::string(64, '\x90'));
  core.map(0x11000, 0x2000, kRx, std::string(64, '\x90'));
  const Core read = core_of(core.bytes());
  EXPECT_EQ(read.segments.size(), 2U);
  EXPECT_TRUE(read.notes.damaged);
  crash_of(core.bytes());
}

TEST(CoreFile, EveryByteMayBeWrong) {
  const std::string bytes = sample().bytes();
  const std::size_t most = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr) + 700;
  for (std::size_t at = 0; at < most; ++at)
    for (const char value : {'\x00', '\x7f', '\xff'}) {
      std::string other = bytes;
      other[at] = value;
      try {
        crash_of(other);
      } catch (const BadCore&) {
      }
    }
}

}  // namespace
}  // namespace jitcorral::autopsy

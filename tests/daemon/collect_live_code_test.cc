// Whose memory is what, as a list of mappings and a record show it; emulators.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "collect/emulated.h"
#include "collect/live_code.h"
#include "collect/memory.h"

namespace jitcorral::collect {
namespace {

using decode::Owner;

proc::Mapping mapping(std::uint64_t begin, std::uint64_t end, const char* permissions,
                      const char* name) {
  return {{{begin}, {end}}, permissions, name};
}

TEST(LiveCode, MappingsAreWhoseTheirNamesAndPermissionsSay) {
  const struct {
    proc::Mapping mapping;
    Owner owner;
  } rows[] = {
      {mapping(0x1000, 0x2000, "r-xp", ""), Owner::kEngine},
      {mapping(0x1000, 0x2000, "r-xs", "/memfd:doublemapper (deleted)"), Owner::kEngine},
      {mapping(0x1000, 0x2000, "r-xp", "/tmp/ffiXYZ (deleted)"), Owner::kEngine},
      {mapping(0x1000, 0x2000, "r--p", ""), Owner::kConstant},
      {mapping(0x1000, 0x2000, "rw-p", ""), Owner::kNameless},
      {mapping(0x1000, 0x2000, "r-xp", "/usr/lib/libc.so.6"), Owner::kFile},
      {mapping(0x1000, 0x2000, "r-xp", "/usr/lib/libc.so.6 (deleted)"), Owner::kFile},
      {mapping(0x1000, 0x2000, "r-xp", "[vdso]"), Owner::kFile},
      {mapping(0x1000, 0x2000, "rw-p", "[heap]"), Owner::kOther},
      {mapping(0x1000, 0x2000, "rw-s", "/dev/shm/x"), Owner::kOther},
  };
  for (const auto& row : rows)
    EXPECT_EQ(places_of({row.mapping}, {}).at(0).owner, row.owner) << row.mapping.name;
}

TEST(LiveCode, WhatARecordKnowsCutsMappingsApart) {
  WhatToAudit what;
  what.known = {{{{0x3000}, {0x4000}}, 2, false}, {{{0x1000}, {0x2000}}, 1, false}};
  const auto places = places_of({mapping(0x1000, 0x6000, "rw-p", "")}, what);
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[0].engine, 1);
  EXPECT_EQ(places[1].owner, Owner::kNameless);
  EXPECT_EQ(places[2].range, (AddressRange{{0x3000}, {0x4000}}));
  EXPECT_EQ(places[2].owner, Owner::kEngine);
  EXPECT_EQ(places[3].range, (AddressRange{{0x4000}, {0x6000}}));
}

TEST(LiveCode, UnderAnEmulatorTheRecordSaysWhatIsCode) {
  WhatToAudit what;
  what.emulated = true;
  what.shift = Bytes{0x10000};
  what.known = {{{{0x1000}, {0x2000}}, 0, true}};
  const auto places = places_of({mapping(0x11000, 0x13000, "r--p", "")}, what);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_TRUE(places[0].executable);
  EXPECT_EQ(places[0].range.begin, Address{0x1000});
  EXPECT_FALSE(places[1].executable);
}

TEST(Emulated, AnEmulatorIsKnownByItsName) {
  EXPECT_EQ(emulator_of("/usr/bin/qemu-aarch64"), "aarch64");
  EXPECT_EQ(emulator_of("/usr/bin/qemu-aarch64-static"), "aarch64");
  EXPECT_EQ(emulator_of("/usr/bin/qemu-system-x86_64"), "");
  EXPECT_EQ(emulator_of("/usr/bin/python3"), "");
}

TEST(Emulated, TheShiftIsFoundByWhereLibrariesLie) {
  const std::vector<proc::Mapping> mappings = {
      mapping(0x7000, 0x8000, "r--p", "/sysroot/lib/libLLVM.so"),
      mapping(0x9000, 0xA000, "rw-p", "")};
  model::Site site;
  site.module = "/lib/libLLVM.so";
  site.address = 0x2100;
  site.offset = 0x100;
  const AddressRange known[] = {{{0x4000}, {0x5000}}};
  EXPECT_EQ(shift_of(mappings, known, std::span(&site, 1)), Bytes{0x5000});
  const AddressRange as_is[] = {{{0x9000}, {0xA000}}};
  EXPECT_EQ(shift_of(mappings, as_is, {}), Bytes{0});
  const AddressRange gone[] = {{{0x1000}, {0x2000}}};
  EXPECT_EQ(shift_of(mappings, gone, std::span(&site, 1)), std::nullopt);
}

TEST(ProcessMemory, PagesThatWereNeverWrittenReadAsZeros) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const at =
      mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  std::memset(static_cast<char*>(at) + 2 * page, 7, page);
  const ProcessMemory memory(getpid());
  const Address begin{reinterpret_cast<std::uint64_t>(at)};
  for (const bool sparse : {true, false}) {
    const auto bytes = memory.read(range_of(begin, Bytes{4 * page}), sparse);
    ASSERT_TRUE(bytes);
    EXPECT_EQ((*bytes)[0], std::byte{0});
    EXPECT_EQ((*bytes)[2 * page], std::byte{7});
    EXPECT_EQ((*bytes)[3 * page], std::byte{0});
  }
  munmap(at, 4 * page);
  EXPECT_FALSE(memory.read(range_of(begin, Bytes{page}), false));
}

}  // namespace
}  // namespace jitcorral::collect

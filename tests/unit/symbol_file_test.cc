// Names of functions from the symbol table of a file.
#include "symbol_file.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "modules.h"
#include "purposes.h"
#include "virtual_call.h"

// No dynamic symbols of the executable: only its file knows them.
static __attribute__((noinline, used)) int hidden_function_one(int n) {
  return n * 7 + 1;
}
static __attribute__((noinline, used)) int hidden_function_two(int n) {
  return n * 5 + 2;
}

namespace jitcorral {
namespace {

class Collecting final : public SymbolVisitor {
 public:
  void visit(std::size_t i, std::string_view name) override { names[i] = std::string(name); }
  std::string names[kMostLookUps];
};

template <typename F>
std::uint64_t link_time(F* f) {
  const auto at = reinterpret_cast<std::uint64_t>(f);
  return at - modules::containing(reinterpret_cast<const void*>(f)).bias;
}

std::vector<char> bytes_of(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Scratch {
 public:
  explicit Scratch(const std::vector<char>& bytes)
      : path(testing::TempDir() + "/symbol_file_" +
             std::to_string(reinterpret_cast<std::uintptr_t>(this))) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ~Scratch() { std::remove(path.c_str()); }
  const std::string path;
};

TEST(SymbolFile, FunctionsThatOnlyTheFileKnowsHaveTheirNames) {
  modules::prepare();
  // As return addresses: the last one is the byte behind the function's last.
  const std::uint64_t addresses[] = {link_time(&hidden_function_two) + 4, 1,
                                     link_time(&hidden_function_one) + 1};
  Collecting found;
  look_up_symbols("/proc/self/exe", addresses, 3, found);
  EXPECT_NE(found.names[0].find("hidden_function_two"), std::string::npos) << found.names[0];
  EXPECT_EQ(found.names[1], "");
  EXPECT_NE(found.names[2].find("hidden_function_one"), std::string::npos) << found.names[2];
}

TEST(SymbolFile, FilesThatAreNoneSayNothing) {
  const std::uint64_t address = 0x1234;
  const std::vector<char> texts[] = {
      {}, std::vector<char>(10, 'x'), std::vector<char>(5000, '\xff')};
  for (const std::vector<char>& text : texts) {
    const Scratch file(text);
    Collecting found;
    look_up_symbols(file.path.c_str(), &address, 1, found);
    EXPECT_EQ(found.names[0], "");
  }
  Collecting found;
  look_up_symbols("/no/such/file", &address, 1, found);
  look_up_symbols("/", &address, 1, found);
  EXPECT_EQ(found.names[0], "");
}

// Whatever the headers of a file claim, reading it ends, and says no more than is there.
TEST(SymbolFile, BrokenHeadersAreHarmless) {
  modules::prepare();
  std::vector<char> good = bytes_of("/proc/self/exe");
  ASSERT_GT(good.size(), sizeof(ElfW(Ehdr)));
  const std::uint64_t address = link_time(&hidden_function_one) + 1;
  for (std::size_t at = 0; at < sizeof(ElfW(Ehdr)); ++at) {
    std::vector<char> bad(good.begin(), good.begin() + 8192);  // sections are gone
    bad[at] = static_cast<char>(~bad[at]);
    const Scratch file(bad);
    Collecting found;
    look_up_symbols(file.path.c_str(), &address, 1, found);
    EXPECT_EQ(found.names[0], "");
  }
}

TEST(Purposes, MangledNamesOfBothCompilersSayWhatABlockIsFor) {
  EXPECT_EQ(purpose_of(Role::kCranelift,
                       "_ZN76_$LT$cranelift_jit..backend..JITModule$u20$as$u20$cranelift_module.."
                       "module..Module$GT$21define_function_bytes17h5a3E"),
            Kind::kCode);
  EXPECT_EQ(purpose_of(Role::kCranelift,
                       "_RNvXs_NtCs1_13cranelift_jit7backendNtB4_9JITModuleNt"
                       "6module6Module11define_data"),
            Kind::kRwdata);
  EXPECT_EQ(purpose_of(Role::kLlvm,
                       "_ZN4llvm20SectionMemoryManager19allocateCodeSectionEmjjNS_"
                       "9StringRefE"),
            Kind::kCode);
  EXPECT_EQ(purpose_of(Role::kLlvm, "define_function"), Kind::kUnknown);
  EXPECT_EQ(purpose_of(Role::kCranelift, ""), Kind::kUnknown);
  EXPECT_FALSE(has_purposes(Role::kJulia));
}

// As in Debian's libLLVM 14 and 22.
TEST(Purposes, AFunctionThatOnlyJumpsOnIsKnownByTheSlotThatItsCallerTook) {
  constexpr std::string_view kEmit =
      "_ZN4llvm15RuntimeDyldImpl11emitSectionERKNS_6object10ObjectFileERKNS1_10SectionRefEb";
  // mov 0x20(%rsp),%r8; call *0x10(%rax) | *0x18(%rax)
  const unsigned char code[] = {0x4c, 0x8b, 0x44, 0x24, 0x20, 0xff, 0x50, 0x10};
  const unsigned char data[] = {0x4c, 0x8b, 0x44, 0x24, 0x20, 0xff, 0x50, 0x18};
  EXPECT_EQ(purpose_of_call(Role::kLlvm, kEmit, virtual_slot_x86_64(std::end(code))), Kind::kCode);
  EXPECT_EQ(purpose_of_call(Role::kLlvm, kEmit, virtual_slot_x86_64(std::end(data))),
            Kind::kRwdata);
  // ldr x8,[x8,#16] | #24; ldr x5,[sp,#56]; ldr w6,[sp,#52]; blr x8
  const std::uint32_t code_words[] = {0xf9401c00, 0xf9402be4, 0xaa1c03e1, 0xaa1c03e1, 0xaa1c03e1,
                                      0xaa1c03e1, 0xf9400908, 0xf9401fe5, 0xb94037e6, 0xd63f0100};
  const std::uint32_t data_words[] = {0xf9401c00, 0xf9402be4, 0xaa1c03e1, 0xaa1c03e1, 0xaa1c03e1,
                                      0xaa1c03e1, 0xf9400d08, 0xf9401fe5, 0xb94037e6, 0xd63f0100};
  const auto slot = [](const auto& words) {
    return virtual_slot_aarch64(reinterpret_cast<const unsigned char*>(std::end(words)));
  };
  EXPECT_EQ(purpose_of_call(Role::kLlvm, kEmit, slot(code_words)), Kind::kCode);
  EXPECT_EQ(purpose_of_call(Role::kLlvm, kEmit, slot(data_words)), Kind::kRwdata);
}

TEST(Purposes, OtherCallsAndOtherFunctionsSayNothing) {
  const unsigned char direct[] = {0x90, 0xe8, 0xa7, 0x2b, 0x3d, 0xfe};
  const unsigned char by_stack[] = {0x90, 0xff, 0x54, 0x24, 0x10};  // call *0x10(%rsp)
  const unsigned char odd[] = {0x90, 0xff, 0x50, 0x13};
  EXPECT_EQ(virtual_slot_x86_64(std::end(direct)), kNoSlotKnown);
  EXPECT_EQ(virtual_slot_x86_64(std::end(by_stack)), kNoSlotKnown);
  EXPECT_EQ(virtual_slot_x86_64(std::end(odd)), kNoSlotKnown);
  std::uint32_t nops[12];
  for (std::uint32_t& word : nops) word = 0xd503201f;
  const auto* end = reinterpret_cast<const unsigned char*>(std::end(nops));
  EXPECT_EQ(virtual_slot_aarch64(end), kNoSlotKnown);
  nops[11] = 0xd63f0100;
  EXPECT_EQ(virtual_slot_aarch64(end), kNoSlotKnown);  // nobody loads x8
  EXPECT_EQ(purpose_of_call(Role::kLlvm, "_ZN4llvm15RuntimeDyldImpl14loadObjectImplE", 2),
            Kind::kUnknown);
  EXPECT_EQ(purpose_of_call(Role::kCranelift, "RuntimeDyldImpl11emitSection", 2), Kind::kUnknown);
}

}  // namespace
}  // namespace jitcorral

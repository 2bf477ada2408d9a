// Crashes by cut-off references, in cores made byte by byte, and what is concluded of them.
#include <gtest/gtest.h>

#include "autopsy_sample.h"

namespace jitcorral::autopsy {
namespace {

constexpr unsigned kRx = PF_R | PF_X, kRw = PF_R | PF_W;
constexpr std::uint64_t kCodeAt = 0x123400000000, kDataAt = kCodeAt + (1U << 24);

std::string page(const std::string& code) {
  std::string out = code;
  out.resize(4096, '\0');
  return out;
}
std::string word(std::uint64_t value) {
  return {reinterpret_cast<const char*>(&value), 4};
}
std::string address(std::uint64_t value) {
  return {reinterpret_cast<const char*>(&value), 8};
}

CoreSample crash(Isa isa, const std::string& code, std::uint64_t pc,
                 const std::vector<std::pair<std::size_t, std::uint64_t>>& registers = {}) {
  CoreSample core(isa);
  core.thread(pc, registers).map(kCodeAt, 4096, kRx, page(code));
  core.file(0x1000, 0x2000, "/usr/bin/prog").map(0x1000, 4096, kRx);
  return core;
}

// mov rax, [rip + to]; ret
const std::string kLoad = std::string("\x48\x8b\x05") + word(kDataAt - kCodeAt - 7) + '\xc3';

TEST(Crash, ALoadThatIsCutOffIsTheCause) {
  CoreSample core = crash(Isa::kX86_64, kLoad, kCodeAt);
  core.signal(kDataAt).map(kDataAt - (1ULL << 32), 4096, PF_R, page(""));
  const Crash said = crash_of(core.bytes());
  EXPECT_EQ(said.conclusion, Conclusion::kCause);
  ASSERT_TRUE(said.culprit && said.culprit->landed.truncation);
  EXPECT_EQ(said.culprit->landed.truncation->times, -1);
  EXPECT_EQ(said.touched, Address{kDataAt});
}

TEST(Crash, WhatReachesIsRuledOut) {
  CoreSample core = crash(Isa::kX86_64, kLoad, kCodeAt + 7);
  core.map(kDataAt, 4096, PF_R, page(""));
  const Crash said = crash_of(core.bytes());
  EXPECT_EQ(said.conclusion, Conclusion::kRuledOut);
  EXPECT_EQ(said.audit.landed(), 1U);
}

TEST(Crash, WhatADebuggersCoreLeavesOutIsThereButRulesNothingOut) {
  // call +0x1000, into a file that has no segment; and something where it would be taken for cut
  // off.
  CoreSample core(Isa::kX86_64);
  core.thread(kCodeAt + 5).map(kCodeAt, 4096, kRx, page("\xe8" + word(0x1000 - 5) + '\xc3'));
  core.file(kCodeAt + 0x1000, kCodeAt + 0x2000, "/usr/lib/libm.so.6");
  core.map(kCodeAt + 0x1000 - (1ULL << 32), 4096, kRx, page("\xc3"));
  const Crash said = crash_of(core.bytes());
  EXPECT_EQ(said.conclusion, Conclusion::kUnknown);
  EXPECT_EQ(said.audit.landed(), 1U);
  EXPECT_TRUE(said.audit.misses.empty());
}

TEST(Crash, CodeThatIsNotInTheCoreIsUnknown) {
  CoreSample core(Isa::kX86_64);
  core.thread(kCodeAt).file(0x1000, 0x2000, "/usr/bin/prog").map(kCodeAt, 4096, kRx);
  EXPECT_EQ(crash_of(core.bytes()).conclusion, Conclusion::kUnknown);
}

TEST(Crash, ABranchThatIsCutOffIsFoundByTheLinkRegister) {
  // stp x29, x30, [sp, #-16]!; bl +0x100; ldp; ret
  const std::string code =
      word(0xA9BF7BFD) + word(0x94000040) + word(0xA8C17BFD) + word(0xD65F03C0);
  const std::uint64_t to = kCodeAt + 4 + 0x100 + (1U << 20);
  const std::string far = word(0xA9BF7BFD) + word(0x94040040) + code.substr(8);
  CoreSample core = crash(Isa::kAarch64, far, to, {{30, kCodeAt + 8}});
  core.map((to & ~0xFFFULL) + (1U << 28), 4096, kRx, page(word(0xD65F03C0)));
  const Crash said = crash_of(core.bytes());
  EXPECT_EQ(said.conclusion, Conclusion::kCause);
  EXPECT_TRUE(said.sent_away && said.in_jit);
  ASSERT_TRUE(said.instruction);
  EXPECT_EQ(said.instruction->at, Address{kCodeAt + 4});
  EXPECT_EQ(said.culprit->landed.truncation->bits, 28U);
}

TEST(Crash, ACallByRegisterIsFoundByTheStack) {
  // sub rsp, 8; call rax; add rsp, 8; ret
  const std::string code = "\x48\x83\xec\x08\xff\xd0\x48\x83\xc4\x08\xc3";
  CoreSample core = crash(Isa::kX86_64, code, 0x666000, {{19, 0x30000}});
  core.map(0x30000, 4096, kRw, page(address(kCodeAt + 6)));
  const Crash said = crash_of(core.bytes());
  ASSERT_TRUE(said.instruction && said.origin);
  EXPECT_EQ(said.instruction->text, "call rax");
  EXPECT_EQ(said.origin->reg, "rax");
  EXPECT_EQ(said.conclusion, Conclusion::kRuledOut);
}

TEST(Crash, APointerThatWasCutOffAndHandedOnIsTheCause) {
  // lea rdi, [rip + data]; ret
  const std::string code = std::string("\x48\x8d\x3d") + word(kDataAt - kCodeAt - 7) + '\xc3';
  CoreSample core = crash(Isa::kX86_64, code, 0x1000, {{14, kDataAt}});
  core.map(0x1000, 4096, kRx, page("\x8a\x47\x40\xc3"));  // mov al, [rdi + 0x40]; ret
  core.signal(kDataAt + 0x40).map(kDataAt + (2ULL << 32), 4096, PF_R, page(""));
  const Crash said = crash_of(core.bytes());
  EXPECT_EQ(said.conclusion, Conclusion::kCause);
  EXPECT_FALSE(said.in_jit);
  ASSERT_TRUE(said.culprit);
  EXPECT_EQ(said.culprit->landed.reference.from, Address{kCodeAt});
}

TEST(Crash, ControlInNowhereWithoutAnyJitIsUnknown) {
  CoreSample core(Isa::kX86_64);
  core.thread(0x666000).file(0x1000, 0x2000, "/usr/bin/prog").map(0x1000, 0x1000, PF_R);
  EXPECT_EQ(crash_of(core.bytes()).conclusion, Conclusion::kUnknown);
}

}  // namespace
}  // namespace jitcorral::autopsy

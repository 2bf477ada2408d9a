// From the references of a process's code to what is found.
#include <gtest/gtest.h>

#include "decode/audit.h"
#include "decode_sample.h"

namespace jitcorral::decode {
namespace {

Place place(Address begin, Bytes size, const char* permissions, Owner owner) {
  Place out;
  out.range = range_of(begin, size);
  out.readable = permissions[0] == 'r';
  out.writable = permissions[1] == 'w';
  out.executable = permissions[2] == 'x';
  out.owner = owner;
  return out;
}

Bits load_from(Address data, Address at) {
  return Bits{0x48, 0x8B, 0x05} + word(data.value - at.value - 7);
}

// Code that loads from `data`, with more places.
Audit audit(Address data, std::vector<Place> more, const Bits& before = {}) {
  Bits bits = before;
  bits += load_from(data, kBase + Bytes{bits.bytes.size()});
  bits.fill(bits.bytes.size() + 200, 0x50);  // push rax
  bits += Bits{0xC3};
  bits.fill(0x1000, 0);
  const Place code = place(kBase, kib(4), "r-x", Owner::kEngine);
  more.push_back(code);
  const Places places(std::move(more));
  Auditor auditor(Isa::kX86_64, places);
  auditor.add(code, bits.bytes);
  return auditor.finish();
}

TEST(Audit, CodeWhoseReferencesLandIsWithinReach) {
  const Address data = kBase + gib(1);
  const Audit out = audit(data, {place(data, kib(4), "rw-", Owner::kOther)});
  EXPECT_EQ(out.finding, Finding::kWithinReach);
  EXPECT_EQ(out.seen(), 1U);
  EXPECT_EQ(out.landed(), 1U);
  EXPECT_EQ(out.size(), kib(4));
  EXPECT_TRUE(out.misses.empty());
}

TEST(Audit, ACutOffReferenceIsOutOfReachWithItsProof) {
  const Address data = kBase + gib(5);
  const Audit out = audit(data, {place(data, kib(4), "rw-", Owner::kOther)});
  EXPECT_EQ(out.finding, Finding::kOutOfReach);
  ASSERT_EQ(out.misses.size(), 1U);
  EXPECT_TRUE(out.misses[0].proof);
  EXPECT_EQ(out.misses[0].landed.truncation->meant, data);
  EXPECT_EQ(out.misses[0].text, "mov rax, qword ptr [rip + 0x3ffffff9]");
}

TEST(Audit, AMissThatNothingExplainsIsUnknown) {
  const Audit out = audit(kBase + gib(1), {});
  EXPECT_EQ(out.finding, Finding::kUnknown);
  ASSERT_EQ(out.misses.size(), 1U);
  EXPECT_FALSE(out.misses[0].proof);
}

TEST(Audit, AMissThatChanceExplainsIsUnknown) {
  const Audit out = audit(kBase + gib(5), {place(kBase + gib(4), gib(3), "rw-", Owner::kOther)});
  EXPECT_EQ(out.finding, Finding::kUnknown);
}

// 60 MiB of code lie within the span of a BL: only the begin of a function is no chance.
TEST(Audit, ACutOffCallMeansTheBeginOfAFunction) {
  const Place caller = place(kBase, kib(4), "r-x", Owner::kEngine);
  const Place callee = place(kBase + mib(200), mib(60), "r-x", Owner::kEngine);
  const Places places({caller, callee});
  Bits called = words({kNop, kNop, kNop, kNop, kRet});
  called.fill(64, 0);
  const auto finding = [&](Bytes behind) {
    Auditor auditor(Isa::kAarch64, places);
    const Bits calls = words({bl(kBase, callee.range.begin + behind), 0x14000000 /* b . */});
    auditor.add(caller, calls.bytes);
    auditor.add(callee, called.bytes);
    return auditor.finish().finding;
  };
  EXPECT_EQ(finding(Bytes{16}), Finding::kOutOfReach);
  EXPECT_EQ(finding(Bytes{4096}), Finding::kUnknown);
}

TEST(Audit, OneMissInWhatMayBeDataProvesNothingTwoThatAgreeDo) {
  const Address data = kBase + gib(5);
  const std::vector<Place> places = {place(data, kib(4), "rw-", Owner::kConstant)};
  // Runs into what does not decode, so that nothing of it is believed.
  const auto doubtful = [&](int loads) {
    Bits bits;
    for (int i = 0; i < loads; ++i) bits += load_from(data, kBase + Bytes{bits.bytes.size()});
    bits += {0x06, 0x06};
    bits.fill(64, 0xCC);
    return audit(kBase + Bytes{64}, places, bits);
  };
  EXPECT_EQ(doubtful(1).finding, Finding::kWithinReach);
  EXPECT_EQ(doubtful(1).doubtful_misses, 1U);
  EXPECT_EQ(doubtful(2).finding, Finding::kOutOfReach);
}

// Heaps of code, as HotSpot and V8 keep them: something in them always looks like a broken
// function.
TEST(Audit, AMissInMemoryThatIsMixedProvesNothing) {
  Bits data;
  data.fill(32, 0x06);
  data.fill(48, 0x90);
  EXPECT_EQ(audit(kBase + gib(1), {}).finding, Finding::kUnknown);
  const Audit out = audit(kBase + gib(1), {}, data);
  EXPECT_EQ(out.finding, Finding::kWithinReach);
  EXPECT_EQ(out.doubtful_misses, 1U);
}

TEST(Audit, WhatCouldNotBeReadIsNotWithinReach) {
  const Places places;
  Auditor auditor(Isa::kX86_64, places);
  auditor.add_blind("4 KiB could not be read");
  EXPECT_EQ(auditor.finish().finding, Finding::kUnknown);
}

TEST(Audit, WithoutCodeNothingIsFound) {
  const Places places;
  EXPECT_EQ(Auditor(Isa::kX86_64, places).finish().finding, Finding::kNoCode);
}

TEST(Audit, BytesOfWhichLittleIsCodeAreUnknown) {
  const Place code = place(kBase, kib(4), "r-x", Owner::kEngine);
  const Places places({code});
  Bits bits;
  bits.fill(0x1000, 0x06);
  Auditor auditor(Isa::kX86_64, places);
  auditor.add(code, bits.bytes);
  const Audit out = auditor.finish();
  EXPECT_EQ(out.finding, Finding::kUnknown);
  EXPECT_EQ(out.bytes.undecoded, kib(4));
}

}  // namespace
}  // namespace jitcorral::decode

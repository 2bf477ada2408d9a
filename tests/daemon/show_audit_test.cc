// What `jitcorral audit` says.
#include <gtest/gtest.h>

#include "show/audit.h"

namespace jitcorral::show {
namespace {

decode::Place place(std::uint64_t begin, std::uint64_t size, std::string name) {
  decode::Place out;
  out.range = range_of({begin}, {size});
  out.readable = out.writable = true;
  out.name = std::move(name);
  return out;
}

AuditedProcess sample() {
  AuditedProcess process;
  process.pid = 4711;
  process.executable = "/usr/bin/python3.11";
  process.engines = {"LLVM 14 in libLLVM-14.so.1"};
  decode::Audit& audit = process.audit;
  audit.isa = Isa::kAarch64;
  audit.mappings = 2;
  audit.bytes.flowed = kib(38);
  audit.bytes.padding = kib(2);
  audit.fields[static_cast<std::size_t>(decode::Field::kAdrp)] = {1214, 1214};
  audit.finding = decode::Finding::kWithinReach;
  return process;
}

AuditedProcess cut_off() {
  AuditedProcess process = sample();
  process.audit.fields[static_cast<std::size_t>(decode::Field::kAdrp)].landed = 1213;
  process.audit.finding = decode::Finding::kOutOfReach;
  decode::Miss miss;
  miss.proof = true;
  miss.text = "adrp x8, #0x7f0000005000";
  miss.with_text = "ldr x0, [x8, #0x18]";
  decode::Landed& landed = miss.landed;
  landed.reference.from = {0x7f0000001000};
  landed.reference.with = Address{0x7f0000001004};
  landed.reference.to = {0x7f0000005018};
  landed.reference.field = decode::Field::kAdrp;
  landed.reference.access = decode::Access::kRead;
  landed.reference.size = 8;
  landed.landing = decode::Landing::kNowhere;
  decode::Truncation truncation;
  truncation.times = 1;
  truncation.bits = 33;
  truncation.meant = {0x7f0200005018};
  truncation.place = place(0x7f0200005000, 0x1000, "");
  truncation.place.engine = 0;
  truncation.chance = 1e-6;
  landed.truncation = truncation;
  process.audit.misses.push_back(miss);
  return process;
}

TEST(ShowAudit, TheVerdictStandsFirstWithItsNumbers) {
  const std::string text = audit_text(sample(), 20, {});
  EXPECT_TRUE(
      text.starts_with("within-reach: 1,214 references of 38 KiB of code all land in mapped "
                       "memory of the expected kind\n"))
      << text;
  EXPECT_NE(text.find("adrp   4 GiB  1,214  1,214     0"), std::string::npos) << text;
}

TEST(ShowAudit, AMissSaysWhatItDoesWhereAndWhatItMeant) {
  const std::string text = audit_text(cut_off(), 20, {});
  for (const char* part :
       {"out-of-reach: 1 of 1,214 references of 38 KiB of code was cut off, and misses what it "
        "meant",
        "0x7f0000001000: adrp x8, #0x7f0000005000; 0x7f0000001004: ldr x0, [x8, #0x18]",
        "reads 8 bytes at 0x7f0000005018, where nothing is mapped",
        "exactly 2^33 (8 GiB): it meant 0x7f0200005018, in rw-", "of LLVM 14 in libLLVM-14.so.1",
        "adrp reaches 4 GiB, and that is 8 GiB away"})
    EXPECT_NE(text.find(part), std::string::npos) << part << '\n' << text;
}

TEST(ShowAudit, TheJsonHasTheSameExactly) {
  const Json json = audit_json(cut_off(), 20);
  EXPECT_EQ(json["verdict"], "out-of-reach");
  EXPECT_EQ(json["references"]["seen"], 1214);
  EXPECT_EQ(json["references"]["cut_off"], 1);
  const Json& miss = json["misses"][0];
  EXPECT_EQ(miss["with"], "0x7f0000001004");
  EXPECT_EQ(miss["cut_off"]["meant"], "0x7f0200005018");
  EXPECT_EQ(miss["cut_off"]["place"]["engine"], "LLVM 14 in libLLVM-14.so.1");
  EXPECT_TRUE(miss["place"].is_null());
}

TEST(ShowAudit, MoreMissesThanAskedForAreCounted) {
  AuditedProcess process = cut_off();
  process.audit.misses.resize(3, process.audit.misses[0]);
  EXPECT_NE(audit_text(process, 1, {}).find("and 2 more: --limit 0 shows all"), std::string::npos);
  EXPECT_EQ(audit_json(process, 1)["misses_left_out"], 2);
  EXPECT_EQ(audit_json(process, 0)["misses"].size(), 3U);
}

TEST(ShowAudit, NamesFromOutsideAreMadeHarmless) {
  AuditedProcess process = cut_off();
  process.executable = "/tmp/\x1b[31mred";
  process.audit.misses[0].landed.place = place(0x7f0000005000, 0x1000, "/tmp/\xff\x1b]0;x");
  process.audit.misses[0].landed.landing = decode::Landing::kWrongKind;
  EXPECT_EQ(audit_text(process, 0, {}).find('\x1b'), std::string::npos);
  EXPECT_NO_THROW(dump(audit_json(process, 0)));
}

TEST(ShowAudit, LinesKeepToTheWidth) {
  TextOptions narrow;
  narrow.width = 60;
  const std::string text = audit_text(cut_off(), 0, narrow);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 60U) << text.substr(at, end - at);
    at = end + 1;
  }
}

}  // namespace
}  // namespace jitcorral::show

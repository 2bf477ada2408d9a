// What a list of mappings says without any bytes.
#include <gtest/gtest.h>

#include "autopsy/distances.h"

namespace jitcorral::autopsy {
namespace {

using decode::Access;
using decode::Field;
using decode::Owner;
using decode::Place;

constexpr std::uint64_t kCodeAt = 0x123400000000;

Place place(std::uint64_t begin, const char* permissions, Owner owner) {
  Place out;
  out.range = range_of({begin}, kib(4));
  out.readable = permissions[0] == 'r';
  out.writable = permissions[1] == 'w';
  out.executable = permissions[2] == 'x';
  out.owner = owner;
  return out;
}
const Place kCode = place(kCodeAt, "r-x", Owner::kEngine);

const Span& span_to(const std::vector<Span>& all, bool code) {
  return all[0].to_code == code ? all[0] : all[1];
}

TEST(Spans, PairsBeyondAreCountedByTheReachOfEachIsa) {
  const decode::Places places({kCode, place(kCodeAt + (3ULL << 30), "r--", Owner::kConstant),
                               place(kCodeAt + (200U << 20), "r-x", Owner::kEngine),
                               place(kCodeAt + (1U << 20), "r-x", Owner::kFile)});
  const std::vector<Span> arm = spans(Isa::kAarch64, places), x86 = spans(Isa::kX86_64, places);
  EXPECT_EQ(span_to(arm, true).field, Field::kBranch26);
  EXPECT_EQ(span_to(arm, true).beyond, 2U);
  EXPECT_EQ(span_to(arm, false).beyond, 0U);
  EXPECT_EQ(span_to(x86, true).beyond, 0U);
  EXPECT_EQ(span_to(x86, false).pairs, 2U);
  EXPECT_EQ(span_to(x86, false).beyond, 2U);
  EXPECT_EQ(span_to(x86, false).code->range.begin, Address{kCodeAt});
}

TEST(Spans, WithoutCodeOfAJitThereIsNone) {
  const decode::Places places({place(kCodeAt, "r-x", Owner::kFile)});
  for (const Span& span : spans(Isa::kX86_64, places)) {
    EXPECT_EQ(span.pairs, 0U);
    EXPECT_FALSE(span.nearest);
  }
}

TEST(MeantBy, IsExactlyASpanAwayOrNothing) {
  const Place data = place(kCodeAt + 0x10000000 + (6ULL << 32), "r--", Owner::kConstant);
  const decode::Places places({kCode, data});
  const auto found = meant_by(Isa::kX86_64, {kCodeAt + 0x10000008}, Access::kRead, places);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].truncation->times, 6);
  EXPECT_EQ(found[0].truncation->meant, data.range.begin + Bytes{8});
  // Beyond what any code could refer to.
  EXPECT_TRUE(meant_by(Isa::kX86_64, {kCodeAt + (3ULL << 32) + 8}, Access::kRead, places).empty());
  EXPECT_TRUE(meant_by(Isa::kX86_64, {kCodeAt + (1ULL << 30)}, Access::kRead, places).empty());
}

}  // namespace
}  // namespace jitcorral::autopsy

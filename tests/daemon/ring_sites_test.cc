// Call sites: each travels once a ring, and again when it turns out to be something else.
#include <map>

#include "caller.h"
#include "record_sites.h"
#include "ring_scratch.h"

namespace jitcorral::callers {

// Stands in for the shim's table of callers.
std::map<const void*, std::atomic<std::uint64_t>>& recorded_table() {
  static std::map<const void*, std::atomic<std::uint64_t>> table;
  return table;
}
std::atomic<std::uint64_t>* recorded_as(const void* address) {
  return address == nullptr ? nullptr : &recorded_table()[address];
}

}  // namespace jitcorral::callers

namespace jitcorral::ring_test {
namespace {

const void* here() {
  return reinterpret_cast<const void*>(&here);
}

class RingSites : public ::testing::Test {
 protected:
  void SetUp() override {
    callers::recorded_table().clear();
    sites::begin(ring.writer, 1, "/the/executable");
  }
  Ring ring;
  RingReader reader = ring.open();
};

TEST_F(RingSites, TravelOnceARing) {
  const std::uint32_t id = sites::id_of(ring.writer, here(), Role::kLlvm);
  ASSERT_NE(id, 0U);
  const std::uint32_t used = ring.header().texts_used;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sites::id_of(ring.writer, here(), Role::kLlvm), id);
  EXPECT_EQ(ring.header().texts_used, used);
  const auto site = reader.site(id);
  ASSERT_TRUE(site);
  EXPECT_EQ(site->role, Role::kLlvm);
  EXPECT_EQ(site->address, reinterpret_cast<std::uint64_t>(here()));
  EXPECT_EQ(site->module, "/the/executable");
}

TEST_F(RingSites, AreToldAgainWhenTheyAreLearned) {
  const std::uint32_t id = sites::id_of(ring.writer, here(), Role::kNone);
  const std::uint32_t learned = sites::id_of(ring.writer, here(), Role::kLearned);
  EXPECT_NE(id, learned);
  EXPECT_EQ(reader.site(id)->role, Role::kNone);
  EXPECT_EQ(reader.site(learned)->role, Role::kLearned);
}

TEST_F(RingSites, AreToldAgainInTheNextRing) {
  const void* libc = reinterpret_cast<const void*>(&std::strlen);
  sites::id_of(ring.writer, here(), Role::kLlvm);
  sites::id_of(ring.writer, libc, Role::kNone);
  const Ring next;
  RingReader next_reader = next.open();
  sites::begin(next.writer, 2, "/the/child");
  const auto site = next_reader.site(sites::id_of(next.writer, here(), Role::kLlvm));
  ASSERT_TRUE(site);
  EXPECT_EQ(site->module, "/the/child");
  const auto other = next_reader.site(sites::id_of(next.writer, libc, Role::kNone));
  ASSERT_TRUE(other);
  EXPECT_NE(other->module, "");
  EXPECT_NE(other->module, "/the/child");
}

TEST_F(RingSites, OfOneModuleNameItOnce) {
  const auto* getenv_at = reinterpret_cast<const char*>(&getenv);
  const auto first = sites::id_of(ring.writer, getenv_at, Role::kNone);
  const std::uint32_t used = ring.header().texts_used;
  const auto second = sites::id_of(ring.writer, getenv_at + 1, Role::kNone);
  const std::string module = reader.site(first)->module;
  EXPECT_EQ(reader.site(second)->module, module);
  EXPECT_LT(ring.header().texts_used - used, sizeof(ring::Site) + 64);
}

TEST_F(RingSites, InMemoryOfNoModuleHaveAnAddressOnly) {
  const auto page = std::make_unique<char[]>(64);
  const auto site = reader.site(sites::id_of(ring.writer, page.get(), Role::kJulia));
  ASSERT_TRUE(site);
  EXPECT_EQ(site->module, "");
  EXPECT_EQ(site->symbol, "");
  EXPECT_EQ(site->address, reinterpret_cast<std::uint64_t>(page.get()));
}

TEST_F(RingSites, ThatDoNotFitAreCountedAndNotRemembered) {
  while (ring.writer.add_text("x") != 0) {
  }
  const std::uint32_t lost = ring.header().texts_lost;
  EXPECT_EQ(sites::id_of(ring.writer, here(), Role::kLlvm), 0U);
  EXPECT_GT(ring.header().texts_lost, lost);
  const Ring next;
  sites::begin(next.writer, 2, "/the/child");
  EXPECT_NE(sites::id_of(next.writer, here(), Role::kLlvm), 0U);
}

}  // namespace
}  // namespace jitcorral::ring_test

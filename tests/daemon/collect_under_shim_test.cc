#include "collect/under_shim.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace jitcorral::collect {
namespace {

TEST(UnderShim, TheLibraryAndTheRingAreReadFromTheMaps) {
  UnderShim process;
  EXPECT_TRUE(
      read_maps("7f00-7f10 r-xp 0 fe:01 1 /opt/j c/libjitcorral.so\n"
                "7f20-7f30 rw-s 0 00:01 2 /memfd:jitcorral-ring (deleted)\n",
                process));
  EXPECT_EQ(process.library, "/opt/j c/libjitcorral.so");
  EXPECT_TRUE(process.has_ring);
}

TEST(UnderShim, AnUpdatedLibraryIsStillTheLibrary) {
  UnderShim process;
  EXPECT_TRUE(read_maps("7f00-7f10 r-xp 0 fe:01 1 /lib/libjitcorral.so.0.1 (deleted)\n", process));
  EXPECT_EQ(process.library, "/lib/libjitcorral.so.0.1");
  EXPECT_FALSE(process.has_ring);
}

TEST(UnderShim, OtherNamesAreNot) {
  UnderShim process;
  EXPECT_FALSE(
      read_maps("7f00-7f10 r-xp 0 fe:01 1 /libjitcorral.so.d/libc.so.6\n"
                "7f20-7f30 rw-p 0 00:00 0 \n7f40-7f50 rw-p 0 00:00 0 [heap]\n",
                process));
}

TEST(UnderShim, AProcessWithoutItIsNotFound) {
  const Scan scan = scan_processes();
  EXPECT_TRUE(std::none_of(scan.found.begin(), scan.found.end(),
                           [](const UnderShim& p) { return p.pid == getpid(); }));
}

}  // namespace
}  // namespace jitcorral::collect

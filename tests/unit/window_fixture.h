// What the tests of the window share: a window opened for real in this process, shielded or bare.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "jitcorral/policy.h"
#include "modules.h"
#include "opening.h"
#include "window.h"

namespace jitcorral {

inline Bytes page() {
  return {static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))};
}
inline Bytes pages(std::uint64_t n) {
  return {page().count * n};
}

inline unsigned char* memory(Address a) {
  return reinterpret_cast<unsigned char*>(a.value);
}

// Bytes of `r` that are mapped with these permissions ("" for any).
inline Bytes mapped(AddressRange r, const char* permissions = "") {
  Bytes sum{};
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    AddressRange one;
    char flags[8] = "";
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &one.begin.value, &one.end.value, flags) != 3)
      continue;
    if (strncmp(flags, permissions, strlen(permissions)) == 0)
      sum = sum + intersection(r, one).size();
  }
  if (maps != nullptr) fclose(maps);
  return sum;
}

inline AddressRange libc() {
  AddressRange all;
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    AddressRange one;
    if (strstr(line, "/libc.so") != nullptr &&
        sscanf(line, "%" SCNx64 "-%" SCNx64, &one.begin.value, &one.end.value) == 2)
      all = hull(all, one);
  }
  if (maps != nullptr) fclose(maps);
  return all;
}

constexpr Bytes kSize = mib(64);

inline Site reserved_site(Bytes size = kSize) {
  Policy policy;
  policy.window = size;
  Surroundings around;
  around.libraries = libc();
  around.random = 5;
  around.atomic_fixed = modules::kernel_version() >= (6U << 16 | 12U << 8);
  const auto site = find_site(policy, around, true);
  EXPECT_TRUE(site && site->shielded);
  return site ? *site : Site{};
}

// Nothing is mapped there, and the kernel would not place anything there by itself.
inline Site bare_site(Bytes size = kSize) {
  const KernelResult top = kernel::reserve({}, mib(1), 0);
  kernel::unmap(range_of(top.address(), mib(1)));
  const Address begin = round_down(top.address() - gib(64), mib(2));
  return {{range_of(begin, size), true}, {}, false, false};
}

inline MapCall call_of(Bytes length, int prot = PROT_READ | PROT_WRITE) {
  return {{}, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
}

// A window that gives its whole range back to the kernel at the end.
class Opened {
 public:
  explicit Opened(const Site& site) : range_(site.layout.window) {
    window_->set_page_size(PageSize::of(page()));
    EXPECT_TRUE(window_->begin_opening());
    window_->publish(site);
  }
  ~Opened() { kernel::unmap(range_); }
  Window* operator->() const { return window_.get(); }
  Placed place(Bytes length, Kind kind = Kind::kCode) const {
    return window_->place(call_of(length), kind, page());
  }
  AddressRange range() const { return range_; }
  // The n-th page, and a run of them.
  AddressRange run(std::uint64_t first, std::uint64_t n = 1) const {
    return range_of(range_.begin + pages(first), pages(n));
  }

 private:
  std::unique_ptr<Window> window_ = std::make_unique<Window>();
  AddressRange range_;
};

// Runs the body in a child, which may not allocate; 0 is success, all else a step's number.
inline int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

inline void limit(int resource, rlim_t soft) {
  struct rlimit now = {};
  getrlimit(static_cast<__rlimit_resource>(resource), &now);
  now.rlim_cur = soft;
  setrlimit(static_cast<__rlimit_resource>(resource), &now);
}

class WindowTest : public testing::TestWithParam<bool> {
 protected:
  static bool shielded() { return GetParam(); }
  static Site site(Bytes size = kSize) {
    return shielded() ? reserved_site(size) : bare_site(size);
  }
};

}  // namespace jitcorral

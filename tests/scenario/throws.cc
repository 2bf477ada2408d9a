// Exceptions fly through frames that map and allocate; a handler throws out of a fault.
#include <stdexcept>
#include <string>
#include <vector>

#include "scenario.h"

namespace {

struct Block {
  void* p;
  explicit Block(size_t n) : p(mmap(nullptr, n, RW, PRIVATE, -1, 0)), size(n) {
    if (p == MAP_FAILED) throw std::bad_alloc();
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { munmap(p, size); }
  size_t size;
};

int depth(int n) {
  Block block((n % 9 + 1) * PAGE);
  fill(block.p, block.size, 3);
  if (n == 0) throw std::runtime_error("bottom");
  try {
    return depth(n - 1);
  } catch (const std::runtime_error& e) {
    if (n % 3 == 0) throw std::runtime_error(std::string(e.what()) + ".");
    throw;
  }
}

void at_exit() {
  char* p = static_cast<char*>(map(2 * PAGE));
  fact("atexit %d", p != nullptr && munmap(p, 2 * PAGE) == 0);
}

}  // namespace

int main() {
  atexit(at_exit);
  int caught = 0;
  for (int i = 0; i < 200; ++i) {
    try {
      depth(30);
    } catch (const std::exception& e) {
      caught += std::string(e.what()) == "bottom..........";
    }
  }
  fact("caught %d", caught);
  try {
    std::vector<char> huge(static_cast<size_t>(1) << 46);
    fact("not thrown");
  } catch (const std::bad_alloc&) {
    fact("bad_alloc");
  }
  return 0;
}

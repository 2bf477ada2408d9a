// Memory from posix_memalign that the host carves up with mmap and munmap before it frees it (a
// ring buffer mapped over it, a guard page given back): free takes that block and nothing beside
// it.
#include "scenario.h"

enum { kBlocks = 6 };
static const size_t kSize = 1 << 20;

static void carve(const char* what, size_t offset, int unmaps) {
  char* p[kBlocks];
  void* q = NULL;
  for (int i = 0; i < kBlocks; ++i) {
    NEED(posix_memalign(&q, PAGE, kSize) == 0);
    p[i] = q;
    fill(p[i], kSize, (unsigned)i);
  }
  for (int i = 1; i < kBlocks; i += 2) {
    char* at = p[i] + offset;
    if (unmaps)
      NEED(munmap(at, PAGE) == 0);
    else
      NEED(mmap(at, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    free(p[i]);
  }
  int lost = 0;
  for (int i = 0; i < kBlocks; i += 2) lost += strchr(pages(p[i], 256), '-') != NULL;
  fact("%s: blocks lost %d", what, lost);
  if (lost) exit(1);
  for (int i = 0; i < kBlocks; i += 2) {
    fact("holds %d", holds(p[i], kSize, (unsigned)i, 0));
    free(p[i]);
  }
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "end";
  if (strcmp(what, "end") == 0) carve("last page mapped over", kSize - PAGE, 0);
  if (strcmp(what, "begin") == 0) carve("first page mapped over", 0, 0);
  if (strcmp(what, "middle") == 0) carve("middle page mapped over", kSize / 2, 0);
  if (strcmp(what, "unmap") == 0) carve("last page unmapped", kSize - PAGE, 1);
  return 0;
}

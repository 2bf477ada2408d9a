// MAP_FIXED_NOREPLACE: granted in a hole, EEXIST where anything is mapped; hints into a hole.
#include "scenario.h"

static void try_at(const char* what, void* at, size_t length) {
  errno = 0;
  void* q = mmap(at, length, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
  fact("%s: %s %s", what,
       q == at           ? "there"
       : q == MAP_FAILED ? "fails"
                         : "elsewhere",
       name_of_error(q == MAP_FAILED ? errno : 0));
  if (q == at) {
    fact("zero %d", is_zero(q, length));
    fill(q, length, 6);
    fact("munmap %d", munmap(q, length));
  }
}

static void at_holes(size_t unit) {
  char* p = map(8 * unit);
  NEED(p);
  fill(p, 8 * unit, 2);
  try_at("taken", p, unit);
  FACT(munmap(p + 2 * unit, 4 * unit));
  try_at("hole", p + 2 * unit, 4 * unit);
  try_at("part of a hole", p + 3 * unit, unit);
  try_at("over the edge below", p + unit, 2 * unit);
  try_at("over the edge above", p + 5 * unit, 2 * unit);
  fact("edges hold %d %d", holds(p, 2 * unit, 2, 0),
       holds(p + 6 * unit, 2 * unit, 2, 6 * unit / PAGE));
  // A hint from a caller whose memory is shared, so no JIT's: granted where free.
  void* q = mmap(p + 3 * unit, unit, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fact("hint into the hole %d", q == p + 3 * unit);
  fill(q, unit, 8);
  try_at("on the hinted", p + 3 * unit, unit);
  void* r = mmap(p + 3 * unit, unit, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fact("hint onto the taken %d", r != MAP_FAILED && r != p + 3 * unit);
  FACT(munmap(r, unit));
  for (int i = 0; i < 64; ++i) {
    char* s = map(unit);
    NEED(s);
    fill(s, unit, 1);
  }
  fact("hinted holds %d", holds(q, unit, 8, 0));
  FACT(munmap(p, 8 * unit));
  try_at("everything", p, 8 * unit);
  errno = 0;
  fact("hint, no length %d %s", mmap(p, 0, RW, PRIVATE, -1, 0) == MAP_FAILED, name_of_error(errno));
  errno = 0;
  fact("hint, endless %d %s", mmap(p, SIZE_MAX - 4 * PAGE, RW, PRIVATE, -1, 0) == MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  fact("unaligned %d %s", mmap(p + 1, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED,
       name_of_error(errno));
}

int main(void) {
  at_holes(PAGE);
  at_holes(MIB);
  return 0;
}

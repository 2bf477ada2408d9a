// The weak C interface: there or not, and consistent when it is.
#include "scenario.h"

int main(void) {
  char* p = map(2 * PAGE);
  NEED(p);
  if (!jitcorral_version) {
    fact("consistent 1");
    return 0;
  }
  int ok = jitcorral_version() != NULL && strchr(jitcorral_version(), '.') != NULL;
  jitcorral_window window = {1, 1, 1};
  errno = 4711;
  ok &= jitcorral_get_window(&window, sizeof window) >= sizeof window;
  const int in = jitcorral_inside(p);
  ok &= in == ((uintptr_t)p >= window.base && (uintptr_t)p - window.base < window.size);
  ok &= !jitcorral_inside(NULL) && !jitcorral_inside(&window) && !jitcorral_inside((void*)-1L);
  jitcorral_counters before, after;
  ok &= jitcorral_get_counters(&before, sizeof before) >= sizeof before;
  ok &= errno == 4711;
  ok &= munmap(p, 2 * PAGE) == 0;
  jitcorral_get_counters(&after, sizeof after);
  ok &= !in || after.given_back == before.given_back + 1;
  // A caller that knows less of the struct, or nothing.
  memset(&after, 0xee, sizeof after);
  jitcorral_get_counters(&after, sizeof after.steered);
  ok &= after.passed == 0xeeeeeeeeeeeeeeee && after.steered == before.steered;
  jitcorral_get_counters(&after, 0);
  memset(&window, 0xee, sizeof window);
  jitcorral_get_window(&window, 0);
  ok &= window.reserved == (int)0xeeeeeeee;
  struct {
    jitcorral_counters known;
    uint64_t more[8];
  } wide;
  memset(&wide, 0xee, sizeof wide);
  ok &= jitcorral_get_counters(&wide.known, sizeof wide) == sizeof wide.known;
  ok &= wide.more[0] == 0xeeeeeeeeeeeeeeee;
  jitcorral_reset_counters();
  jitcorral_get_counters(&after, sizeof after);
  ok &= after.steered == 0 && after.passed == 0 && after.given_back == 0;
  map(PAGE);
  fact("consistent %d", ok);
  return 0;
}

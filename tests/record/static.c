// Linked statically, so that no library can be loaded into it. Says that it runs, and ends at the
// end of its standard input.
#include <unistd.h>

int main(void) {
  char c;
  if (write(1, "static\n", 7) != 7) return 1;
  while (read(0, &c, 1) > 0) {
  }
  return 0;
}

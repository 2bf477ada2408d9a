/* For `llvm-rtdyld -execute`: sections that must reach each other, and nothing from outside. */
static const int table[4] = {1, 2, 3, 4};
int counter = 5;

__attribute__((noinline)) int step(int x) {
  return table[x & 3] + counter++;
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < 4; i++) sum += step(i);
  return sum == 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 ? 0 : 1;
}

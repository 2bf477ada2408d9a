<?php
// Hot enough for opcache's tracing JIT; opcache.jit_debug=0x4000 makes it say what it compiled.
function work(int $n): int {
  $s = 0;
  for ($i = 0; $i < $n; ++$i) {
    if ($i % 3 == 0) $s += $i; elseif ($i % 5 == 0) $s -= $i; else $s += 1;
  }
  return $s;
}
$values = [];
for ($n = 0; $n < 6000; ++$n) $values[] = work($n);
rsort($values);
echo $values[0], ' ', $values[3000], ' ', count($values), "\n";

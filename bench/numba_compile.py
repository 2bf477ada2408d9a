"""Compiles N different small functions by Numba, eagerly; prints the seconds it took (process time
of this process, all threads). What `bench/record` runs bare and under `jitcorral run`."""
import sys
import time

import numba


def make(n):
    space = {}
    exec(f"def f(x):\n    s = 0.0\n    for i in range(x):\n        s += i * {n}.5 + {n % 7}\n    return s", space)
    return space["f"]


count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
wall, cpu = time.perf_counter(), time.process_time()
total = 0.0
for n in range(count):
    total += numba.njit("float64(int64)")(make(n))(10)
print(f"{time.perf_counter() - wall:.6f} {time.process_time() - cpu:.6f} {total}")

"""Hot enough for a tracing JIT: PyPy maps memory for its machine code."""
import sys


def work(n):
    s = 0
    for i in range(n):
        if i % 3 == 0:
            s += i
        elif i % 5 == 0:
            s -= i
        else:
            s += 1
    return s


values = sorted((work(n) for n in range(1500)), reverse=True)
print(values[0], values[750], len(values))
if sys.implementation.name == "pypy":
    import pypyjit
    print("compiled", pypyjit.get_stats_snapshot().counters["TOTAL_COMPILED_LOOPS"] > 0)

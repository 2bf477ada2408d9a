"""A short Numba program, for tests that trace every call or emulate. With --hostile the address space
turns hostile after the first function (see hostile.py)."""

import sys

import numpy as np
from numba import njit


@njit
def f(a):
    total = 0
    for x in a:
        if x < 0:
            raise ValueError("negative")
        total += x
    return total


@njit
def g(n):
    out = [0]
    for i in range(n):
        out.append(f(np.arange(i)))
    return out


print(f(np.arange(5)), flush=True)
if "--hostile" in sys.argv:
    import hostile

    hostile.scatter_what_comes_next()
print(g(10))
try:
    f(np.array([-1]))
except ValueError as error:
    print("exception", error)

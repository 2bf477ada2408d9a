"""A short Numba program, for tests that trace every call."""

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


print(g(10))
try:
    f(np.array([-1]))
except ValueError as error:
    print("exception", error)

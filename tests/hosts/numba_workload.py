"""An ordinary Numba program: arrays, exceptions, lists, dicts, strings, several modules, threads,
and a prefork server that forks after it has JITted. Prints results that do not depend on where
anything lies; two runs must print the same.
"""

import os
import sys
import threading

import numpy as np
from numba import njit, prange, vectorize


@njit
def dot(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit
def mandelbrot(width, height, limit):
    out = np.zeros((height, width), np.int64)
    for y in range(height):
        for x in range(width):
            c = complex(-2.0 + 3.0 * x / width, -1.0 + 2.0 * y / height)
            z = 0j
            n = 0
            while n < limit and z.real * z.real + z.imag * z.imag < 4.0:
                z = z * z + c
                n += 1
            out[y, x] = n
    return out


@njit
def checked_divide(a, b):
    if b == 0:
        raise ValueError("division by zero, as asked")
    return a // b


@njit
def primes(n):
    found = [2]
    for candidate in range(3, n, 2):
        for p in found:
            if p * p > candidate:
                found.append(candidate)
                break
            if candidate % p == 0:
                break
    return found


@njit
def histogram(values):
    counts = {}
    for v in values:
        if v in counts:
            counts[v] += 1
        else:
            counts[v] = 1
    return sorted([(k, counts[k]) for k in counts])


@njit
def sort_and_search(a, needle):
    b = np.sort(a)
    return np.searchsorted(b, needle), np.sqrt(np.abs(b)).sum(), np.unique(b // 3).size


@vectorize(["float64(float64, float64)"])
def hypot(a, b):
    return np.sqrt(a * a + b * b)


@njit(parallel=True)
def parallel_sum(a):
    total = 0.0
    for i in prange(a.shape[0]):
        total += a[i] * 2.0
    return total


def many_functions(count):
    """Each compiles on its own: more modules, as a real program has."""
    results = []
    for n in range(count):
        scope = {}
        exec(f"def f(x):\n    s = {n}\n    for i in range(x):\n        s += i * {n + 1}\n    return s\n", scope)
        results.append(njit(scope["f"])(n + 10))
    return results


def serve(requests, workers):
    """A prefork server: the parent has JITted, children compile more and answer through pipes."""
    answers = []
    pipes = []
    for worker in range(workers):
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(receive)

                @njit
                def answer(request):
                    return request * 7 + worker

                lines = [str(int(answer(r)) + int(dot(np.arange(r, dtype=np.float64), np.ones(r)))) for r in requests]
                os.write(send, ",".join(lines).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(send)
        pipes.append((pid, receive))
    for pid, receive in pipes:
        text = b""
        while chunk := os.read(receive, 65536):
            text += chunk
        os.close(receive)
        _, status = os.waitpid(pid, 0)
        answers.append((status, text.decode()))
    return answers


def in_threads(count):
    results = [None] * count

    def work(n):
        scope = {}
        exec(f"def g(x):\n    return x * {n} + 1\n", scope)
        results[n] = int(njit(scope["g"])(n))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def main():
    a = np.arange(1000, dtype=np.float64)
    print("dot", dot(a, a))
    print("mandelbrot", int(mandelbrot(60, 40, 50).sum()))
    print("divide", checked_divide(17, 5))
    try:
        checked_divide(1, 0)
        print("no exception")
    except ValueError as error:
        print("exception", error)
    print("primes", len(primes(5000)), primes(5000)[-1])
    print("histogram", histogram(np.arange(100) % 7))
    print("search", sort_and_search(np.arange(500)[::-1].copy(), 123))
    print("ufunc", float(hypot(a, a[::-1]).sum()))
    print("functions", sum(many_functions(8)))
    print("threads", in_threads(4))
    print("server", serve([1, 5, 9], 3))
    if "--parallel" in sys.argv:  # starts a thread pool, so behind the fork
        print("parallel", parallel_sum(a))


if __name__ == "__main__":
    main()

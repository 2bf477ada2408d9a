"""What tests of real code and of real crashes share: one function a test, by its name, in a folder of its own."""

import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("JITCORRAL_", "XDG_")) and k != "LD_PRELOAD"}
tests = {}


def test(function):
    tests[function.__name__] = function
    return function


def expect(right, *what):
    if not right:
        raise AssertionError(*what)


class Skip(Exception):
    pass


def main(make_bench):
    """`make_bench`: of the folder and the words behind the test's name; what it makes has end()."""
    name, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(folder, *words)
        try:
            tests[name](bench)
        except Skip as why:
            print(f"SKIPPED: {why}")
            return 77
        finally:
            bench.end()
    return 0

#!/usr/bin/env python3
"""A program of a sanitizer runs under the shim as it does without. ThreadSanitizer and MemorySanitizer
keep a shadow of every mapping at fixed distances: there the shim steps aside, and says so. Programs of
AddressSanitizer are served.

    sanitized.py --shim SHIM COMPILER thread|memory|address
"""
import argparse
import os
import subprocess
import tempfile

from host_test import describe, expect, main, own_lines, run, skip, without_own_lines

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("compiler")
options.add_argument("sanitizer")
options = options.parse_args()


def test():
    with tempfile.TemporaryDirectory(prefix="jitcorral-sanitized-") as folder:
        program = os.path.join(folder, "sanitized")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sanitized.c")
        try:
            built = subprocess.run([options.compiler, f"-fsanitize={options.sanitizer}", "-O1", source, "-o", program],
                                   capture_output=True, text=True)
        except FileNotFoundError:
            skip(f"no {options.compiler}")
        if built.returncode != 0:
            skip(f"{options.compiler} has no runtime of -fsanitize={options.sanitizer}")
        # A dynamic runtime wants to come first, which no preload can.
        os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0"
        bare = run([program])
        expect(bare.returncode == 0, "bare: " + describe(bare))
        ours = run([program], LD_PRELOAD=options.shim, INCLUDE="*", STATS=1)
    expect(ours.returncode == 0, "under the shim: " + describe(ours))
    expect((ours.stdout, without_own_lines(ours.stderr)) == (bare.stdout, bare.stderr.strip()),
           "other output: " + describe(ours))
    counts = own_lines(ours.stderr, "exit")
    if options.sanitizer == "address":
        expect(len(counts) == 1 and int(counts[0]["steered"]) > 0, "nothing was steered: " + ours.stderr)
    else:
        expect("stepping aside" in ours.stderr and not counts, "it did not step aside: " + ours.stderr)


main(test)

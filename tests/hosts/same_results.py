"""A host prints the same bare and under the shim, with nothing fallen back, something steered, and
(`--hostile`) dies bare in a hostile address space but not under the shim."""

import argparse

import re

from host_test import describe, died_of_signal, expect, main, own_lines, run, without_own_lines

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("--hostile", help="argument that makes the host's address space hostile")
options.add_argument("--dies-scattered", action="store_true", help="scatter must kill it too")
options.add_argument("command", nargs="+")
options = options.parse_args()


def without_addresses(stderr):
    """Where things lie is the one thing that may differ."""
    return re.sub(r"0x[0-9a-f]+", "0x", without_own_lines(stderr))


def test():
    bare = run(options.command)
    expect(bare.returncode == 0, "bare, in a kind address space: " + describe(bare))
    shim = run(options.command, LD_PRELOAD=options.shim, STATS=1)
    expect(shim.returncode == 0, "under the shim: " + describe(shim))
    expect(shim.stdout == bare.stdout, f"other output under the shim:\n{bare.stdout}---\n{shim.stdout}")
    expect(without_addresses(shim.stderr) == without_addresses(bare.stderr), "other stderr: " + shim.stderr)
    counts = own_lines(shim.stderr, "exit")[-1]
    expect(int(counts["steered"]) > 0, f"nothing was steered: {counts}")
    expect(counts["fellback"] == "0" and counts["failed"] == "0", f"fell back: {counts}")
    print("under the shim:", counts)
    if options.hostile:
        bare = run([*options.command, options.hostile])
        expect(died_of_signal(bare), "bare, hostile: expected death by a signal: " + describe(bare))
        shim = run([*options.command, options.hostile], LD_PRELOAD=options.shim, STATS=1)
        expect(shim.returncode == 0, "under the shim, hostile: " + describe(shim))
    if options.dies_scattered:
        scattered = run(options.command, LD_PRELOAD=options.shim, POLICY="scatter", SEED=1)
        expect(died_of_signal(scattered), "scattered: expected death by a signal: " + describe(scattered))


main(test)

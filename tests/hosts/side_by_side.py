#!/usr/bin/env python3
"""Runs llvmlite_modules.py in a hostile address space, bare and under jitcorral, and prints both
outcomes side by side with where code and data lay. Exits 0 only if bare died of a signal and every
result under jitcorral was right."""

import argparse
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = [sys.executable, os.path.join(HERE, "llvmlite_modules.py"), "--hostile", "--show"]
REACH = 2**31


def run(environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JITCORRAL_") and k != "LD_PRELOAD"}
    return subprocess.run(PROGRAM, env={**clean, **environment}, capture_output=True, text=True)


def outcome(result):
    if result.returncode < 0:
        return "killed by " + signal.Signals(-result.returncode).name
    last = result.stdout.strip().splitlines()
    return last[-1] if last else f"exit status {result.returncode}"


def places(result):
    found = re.findall(r"^module \d+: code (0x[0-9a-f]+) data (0x[0-9a-f]+)", result.stdout, re.M)
    return [(int(code, 16), int(data, 16)) for code, data in found]


def rows(result):
    for number, (code, data) in enumerate(places(result)):
        distance = abs(code - data)
        if distance >= 1 << 30:
            size = f"{distance / (1 << 30):8.1f} GiB"
        else:
            size = f"{distance / (1 << 10):8.0f} KiB"
        verdict = "ok" if distance < REACH else "OUT OF REACH"
        yield f"{number}  {code:#x}  {size}  {verdict}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--shim", required=True)
    options = options.parse_args()
    shim = os.path.abspath(options.shim)

    bare = run({})
    with_shim = run({"LD_PRELOAD": shim, "JITCORRAL_STATS": "1", "JITCORRAL_VERBOSE": "1"})

    columns = [("bare", bare), ("LD_PRELOAD=libjitcorral.so", with_shim)]
    bodies = []
    for title, result in columns:
        body = [title, "", "#  code            from its data", *rows(result), "", outcome(result)]
        bodies.append(body)
    width = max(len(line) for line in bodies[0]) + 4
    print("One llvmlite program, the same hostile address space: what is mapped after its first")
    print("module lies more than 4 GiB away from what was mapped before.\n")
    for n in range(max(map(len, bodies))):
        left, right = (body[n] if n < len(body) else "" for body in bodies)
        # The outcomes stand on one line.
        print(f"{left:<{width}}{right}".rstrip())
    for line in with_shim.stderr.splitlines():
        if line.startswith("[jitcorral:"):
            print(line)

    if bare.returncode >= 0:
        print("side_by_side: the bare run was expected to die of a signal, but did not", file=sys.stderr)
        return 1
    if with_shim.returncode != 0:
        print("side_by_side: the run under jitcorral failed:", file=sys.stderr)
        print(with_shim.stdout + with_shim.stderr, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

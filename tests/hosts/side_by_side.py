#!/usr/bin/env python3
"""Runs llvmlite_modules.py in a hostile address space, bare and under jitcorral, and prints both
outcomes side by side with where code and data lay, then what `jitcorral report` says of the kernel's
placement (run once more under --policy observe) and of jitcorral's. Exits 0 only if bare died of a
signal, every result under jitcorral was right, and the two verdicts are at-risk and within-reach."""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = [sys.executable, os.path.join(HERE, "llvmlite_modules.py"), "--hostile", "--show"]
REACH = 2**31


CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("JITCORRAL_") and k != "LD_PRELOAD"}


def run(before):
    return subprocess.run(before + PROGRAM, env=CLEAN, capture_output=True, text=True)


def report(command, db, number):
    """The verdict of the run, and the text."""
    shown = [subprocess.run([command, "report", "--db", db, "--run", str(number), *more], env=CLEAN, check=True,
                            capture_output=True, text=True).stdout for more in (["--json"], [])]
    return json.loads(shown[0])["runs"][0]["verdict"], shown[1]


def outcome(result):
    # `jitcorral run` says a signal as shells do.
    by = -result.returncode if result.returncode < 0 else result.returncode - 128
    if by > 0:
        return "killed by " + signal.Signals(by).name
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
    options.add_argument("--command", required=True, help="path of `jitcorral`")
    options.add_argument("--db", help="keep what was recorded in this database, made anew")
    options = options.parse_args()
    if options.db:
        for end in ("", "-wal", "-shm"):
            pathlib.Path(options.db + end).unlink(missing_ok=True)
        return show(os.path.abspath(options.command), options.db)
    with tempfile.TemporaryDirectory() as folder:
        return show(os.path.abspath(options.command), os.path.join(folder, "placements.db"))


def show(command, db):
    bare = run([])
    recorded = [command, "run", "--db", db]
    with_shim = run(recorded + ["--"])
    run(recorded + ["--policy", "observe", "--"])

    columns = [("bare", bare), ("jitcorral run --", with_shim)]
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
    cured, its_report = report(command, db, 1)
    ill, kernels_report = report(command, db, 2)
    print("\n--- what `jitcorral run --policy observe --report` says of the kernel's placement\n")
    print(kernels_report)
    print("--- what `jitcorral run --report` says of jitcorral's\n")
    print(its_report)

    if bare.returncode >= 0:
        print("side_by_side: the bare run was expected to die of a signal, but did not", file=sys.stderr)
        return 1
    if with_shim.returncode != 0:
        print("side_by_side: the run under jitcorral failed:", file=sys.stderr)
        print(with_shim.stdout + with_shim.stderr, file=sys.stderr)
        return 1
    if (ill, cured) != ("at-risk", "within-reach"):
        print(f"side_by_side: verdicts at-risk and within-reach were expected, found {ill} and {cured}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

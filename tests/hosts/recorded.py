#!/usr/bin/env python3
"""Runs a real host bare and under `jitcorral run`: the same output and status, every JIT process
within reach, no event lost, and every call that the shim counted in the record.

    recorded.py --shim IGNORED --command JITCORRAL -- PROGRAM...
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("JITCORRAL_") and k != "LD_PRELOAD"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shim", help="not used: the command finds its own")
    parser.add_argument("--command", required=True)
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    bare = subprocess.run(options.program, env=CLEAN, capture_output=True, check=False)
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        run = [options.command, "run", "--db", os.path.join(folder, "record.db"), "--json", report, "--check", "--"]
        ours = subprocess.run(run + options.program, env=CLEAN, capture_output=True, check=False)
        whole = json.load(open(report))
    wrong = []
    if (bare.stdout, bare.returncode) != (ours.stdout, ours.returncode):
        wrong.append(f"bare: status {bare.returncode}; recorded: status {ours.returncode}")
        wrong.append(bare.stdout.decode()[-500:] + "---\n" + ours.stdout.decode()[-500:] + ours.stderr.decode()[-500:])
    jits = [r for r in whole["runs"] if r["verdict"] != "no-jit"]
    if not any(r["engines"] for r in jits):
        wrong.append("no engine was recorded")
    for run in jits:
        if run["verdict"] != "within-reach":
            wrong.append(f"run {run['id']} ({run['exe']}): {run['verdict']}: {run['because']} {run['blind']}")
        counts = run["counts"]
        if counts is None or counts["dropped"] != 0 or counts["fellback"] != 0:
            wrong.append(f"run {run['id']}: counts {counts}")
            continue
        steered = sum(c.get("steered", 0) for e in run["engines"] for c in e["callers"])
        # A forked child's engines hold what it inherited, too.
        if steered != counts["steered"] and run["parent"] is None:
            wrong.append(f"run {run['id']}: {counts['steered']} steered, {steered} of them in the record")
    print("\n".join(wrong) or f"{len(whole['runs'])} runs, {len(jits)} with a JIT, all within reach")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Tests one row of the table of hosts: fails bare in a hostile layout, right under the shim there and in
a kind one, recorded within reach, steering as the host's own symbols tell.

    row_test.py --list [--isa ISA]     names of the rows
    row_test.py NAME [--times N]       tests it; with --times also compares N interleaved runs

What was found is left in build/hosts/NAME.json, for scripts/hosts. Exit status 77: skipped, and why."""

import argparse
import json
import statistics
import sys
import time

import row as rows
from host_test import describe, expect, main, own_lines, skip, without_own_lines
from launch import Launcher

BL = (128 << 20) - 4


def times(row, launcher, pairs):
    """Median ratio of wall times, under the shim over bare."""
    ratios = []
    for _ in range(pairs):
        pair = []
        for preload in ([], [launcher.shim]):
            start = time.monotonic()
            launcher.run(row.command(launcher), preload=preload, environment={**row.environment, **row.policy},
                         timeout=row.timeout)
            pair.append(time.monotonic() - start)
        ratios.append(pair[1] / pair[0])
    return statistics.median(ratios)


def check(row, launcher, pairs):
    found = {"name": row.name, "title": row.title, "isa": row.isa, "version": row.version(launcher), "note": row.note}
    bare = launcher.run((row.reference or row.command)(launcher), environment=row.environment, timeout=row.timeout)
    expect(bare.returncode == 0, "bare, in a kind layout: " + describe(bare)[-4000:])
    if row.hostile:
        preload = [launcher.hostile] if row.hostile_preload else []
        environment = {**row.environment, **row.hostile_environment}
        failed = launcher.run(row.hostile(launcher), preload=preload, environment=environment, timeout=row.timeout)
        found["fails"] = row.failed(failed)
        expect(found["fails"], "bare, in a hostile layout, it did not fail as expected: " + describe(failed)[-4000:])
        right = launcher.run(row.hostile(launcher), preload=[launcher.shim, *preload], timeout=row.timeout,
                             environment={**environment, **row.policy, "JITCORRAL_STATS": "1"})
        expect(right.returncode == 0, "under the shim, in the hostile layout: " + describe(right)[-4000:])
        counts = own_lines(right.stderr, "exit")[-1]
        expect(counts["fellback"] == "0" and counts["failed"] == "0" and counts["steered"] != "0",
               f"under the shim, in the hostile layout: {counts}")
        found["right"] = True
    with rows.temporary_folder() as folder:
        ours, report = rows.record(row, launcher, folder)
    expect(ours.returncode == 0, "under the shim: " + describe(ours)[-4000:])
    expect(row.same_output(ours.stdout) == row.same_output(bare.stdout),
           f"other output under the shim:\n{bare.stdout[-2000:]}---\n{ours.stdout[-2000:]}")
    jits = [r for r in report["runs"] if r["verdict"] != "no-jit"]
    expect(jits, f"no run with a JIT was recorded: {report}")
    for run in jits:
        expect(run["verdict"] == row.verdict and row.because in run["because"],
               f"{run['exe']}: {run['verdict']}: {run['because']} {run['blind']}")
    code, data = rows.distances(report)
    found["worst_code_code"], found["worst_code_data"] = code, data
    if row.within_bl and code is not None:
        expect(code <= BL, f"code lies {code >> 20} MiB apart: beyond a BL")
    if row.truth:
        truth = row.truth(row, launcher)
        found |= {"seen": truth.seen, "wanted": truth.wanted, "steered": truth.steered, "recall": truth.recall,
                  "precision": truth.precision}
        expect(truth.wanted > 0, "nothing was wanted: the truth sees nothing")
        expect(truth.recall == 1.0, f"not everything that must was steered: {truth}")
        expect(truth.precision >= row.precision, f"too much was steered: {truth}")
    if pairs:
        found["time_ratio"] = times(row, launcher, pairs)
    return found


def test():
    options = argparse.ArgumentParser()
    options.add_argument("name", nargs="?")
    options.add_argument("--list", action="store_true")
    options.add_argument("--isa")
    options.add_argument("--root", help="of the checkout whose build/ is used")
    options.add_argument("--times", type=int, default=0)
    options = options.parse_args()
    table = [r for r in rows.load_rows() if options.isa in (None, r.isa)]
    if options.list:
        print(";".join(r.name for r in table), end="")
        sys.exit(0)
    (row,) = [r for r in table if r.name == options.name]
    launcher = Launcher(row.isa, **({"root": options.root} if options.root else {}))
    results = launcher.root / "build" / "hosts"
    results.mkdir(parents=True, exist_ok=True)
    why = launcher.missing() or row.missing(launcher)
    if why:
        (results / f"{row.name}.json").write_text(json.dumps({"name": row.name, "title": row.title, "isa": row.isa,
                                                              "skipped": why}))
        skip(why)
    found = check(row, launcher, options.times)
    (results / f"{row.name}.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found))


main(test)

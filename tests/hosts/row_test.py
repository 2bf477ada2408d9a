#!/usr/bin/env python3
"""Tests one row of the table of hosts: fails bare in a hostile layout, right under the shim there and in
a kind one, recorded within reach, steering as the host's own symbols tell.

    row_test.py --list [--isa ISA]     names of the rows
    row_test.py NAME [--times N]       tests it; with --times also compares N interleaved runs

What was found is left in build/hosts/NAME.json, for scripts/hosts. Exit status 77: skipped, and why."""

import argparse
import json
import re
import statistics
import sys
import time

import row as rows
import unharmed_row
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


def check(row, launcher):
    found = {"name": row.name, "title": row.title, "isa": row.isa, "version": row.version(launcher), "note": row.note}
    bare = launcher.run((row.reference or row.command)(launcher), environment=row.environment, timeout=row.timeout)
    expect(bare.returncode == 0, "bare, in a kind layout: " + describe(bare)[-4000:])
    if row.hostile:
        first, preload = [], [launcher.hostile] if row.hostile_preload else []
        environment = {**row.environment, **row.hostile_environment}
        if row.hostile_before:
            first, preload = [launcher.call_log], [launcher.hostile]
            environment |= {"CALL_LOG_HOSTILE": str(row.hostile_before[0]), "CALL_LOG_MARKS": row.hostile_before[1]}
        failed = launcher.run(row.hostile(launcher), preload=[*first, *preload], environment=environment,
                              timeout=row.timeout)
        found["fails"] = row.failed(failed)
        expect(found["fails"], "bare, in a hostile layout, it did not fail as expected: " + describe(failed)[-4000:])
        right = launcher.run(row.hostile(launcher), preload=[*first, launcher.shim, *preload], timeout=row.timeout,
                             environment={**environment, **row.policy, "JITCORRAL_STATS": "1"})
        expect(right.returncode == 0, "under the shim, in the hostile layout: " + describe(right)[-4000:])
        counts = own_lines(right.stderr, "exit")[-1]
        expect(counts["fellback"] == "0" and counts["failed"] == "0" and counts["steered"] != "0",
               f"under the shim, in the hostile layout: {counts}")
        found["right"] = True
    if row.reaches:
        # No hostile layout is as bad: then there is none in which it fails.
        scattered = launcher.run(row.command(launcher), preload=[launcher.shim], timeout=row.timeout, environment={
            **row.environment, **row.policy, "JITCORRAL_POLICY": "scatter", "JITCORRAL_STATS": "1"})
        expect(scattered.returncode == 0 and row.same_output(scattered.stdout) == row.same_output(bare.stdout),
               "scattered, it is not right, so it does not reach everywhere: " + describe(scattered)[-4000:])
        expect(any(int(counts["steered"]) > 1 for counts in own_lines(scattered.stderr, "exit")),
               "nothing was scattered")
        found["fails"] = "no, even scattered"
    with rows.temporary_folder() as folder:
        ours, report = rows.record(row, launcher, folder)
    expect(ours.returncode == 0, "under the shim: " + describe(ours)[-4000:])
    expect(row.same_output(ours.stdout) == row.same_output(bare.stdout),
           f"other output under the shim:\n{bare.stdout[-2000:]}---\n{ours.stdout[-2000:]}")
    jits = [r for r in report["runs"] if r["verdict"] != "no-jit"]
    expect(jits, f"no run with a JIT was recorded: {report}")
    for run in jits:
        over = [name for name, reach in run["reach"].items() if reach["pairs_over"]]
        only_blind = (run["verdict"] == "unknown" and row.blind and not over and
                      all(re.fullmatch(row.blind, what) for what in run["blind"]))
        expect((run["verdict"] == row.verdict and row.because in run["because"]) or only_blind,
               f"{run['exe']}: {run['verdict']}: {run['because']} {run['blind']} {over}")
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
    if isinstance(row, unharmed_row.UnharmedRow):
        found = unharmed_row.check(row, launcher, options.times)
    else:
        found = check(row, launcher)
    if options.times:
        found["time_ratio"] = times(row, launcher, options.times)
    (results / f"{row.name}.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found))


main(test)

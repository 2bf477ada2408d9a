#!/usr/bin/env python3
"""Never takes away a reach that the host had by luck: over many ASLR draws and in every layout of the
address space, each file that the JIT's code reaches by 32-bit displacements as the kernel places it
(policy observe), it reaches under auto; and the brk heap keeps its room.

    anchor_test.py ROW [--draws N] [--layout NAME]

Says for each layout how many files were reached, and the farthest of them."""

import argparse
import collections
import os
import re
import sys

import row as rows
from host_test import describe, expect, main, skip
from launch import Launcher

SPAN = 2**31 - 2**21
LINKER = {"x86-64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}

# What comes before the host's own command line.
LAYOUTS = {
    "plain": [],
    "no-aslr": ["setarch", "-R"],
    "bottom-up": ["setarch", "-L"],
    "stack-unlimited": ["prlimit", "--stack=unlimited"],
    "address-space-8g": ["prlimit", "--as=8589934592"],
    "linker": None,  # ld.so ./prog: the executable lies among the libraries
}
# Files that a 32-bit displacement may aim at: the executable and its libraries, not fonts and locales.
LOADED = re.compile(r"\.so\b|/bin/|/hosts/|python3|/julia")


def prefix(layout, isa):
    return [LINKER[isa]] if layout == "linker" else LAYOUTS[layout]


class Draw:
    """One run: where its code lay, and every file and the heap."""

    def __init__(self, row, launcher, layout, policy):
        with rows.temporary_folder() as folder:
            changed = rows.dataclasses.replace(
                row, command=lambda l: [*prefix(layout, row.isa), *absolute(row.command(l), layout)],
                policy={**row.policy, "JITCORRAL_POLICY": policy})
            result, report = rows.record(changed, launcher, folder, preload=[launcher.say_maps])
        expect(result.returncode == 0, f"{layout}, {policy}: " + describe(result)[-3000:])
        runs = [r for r in report["runs"] if r["engines"]]
        expect(runs, f"{layout}, {policy}: no engine was recorded: {result.stderr[-2000:]}")
        spans = [c["span"] for r in runs for e in r["engines"] for c in e["callers"] if c["kind"] == "code"]
        expect(spans, f"{layout}, {policy}: no code was recorded")
        self.low = min(int(s["begin"], 16) for s in spans)
        self.high = max(int(s["end"], 16) for s in spans)
        self.fellback = sum(r["counts"]["fellback"] for r in runs if r["counts"])
        self.files = {}
        line = r"^\[maps\] ([0-9a-f]+)-([0-9a-f]+) .*?(/.*|\[heap\])$"
        for begin, end, name in re.findall(line, result.stderr, re.M):
            if not LOADED.search(name) and name != "[heap]":
                continue
            low, high = self.files.get(name, (1 << 64, 0))
            self.files[name] = (min(low, int(begin, 16)), max(high, int(end, 16)))

    def reached(self):
        distance = {n: max(self.high - b, e - self.low) for n, (b, e) in self.files.items()}
        return {n: d for n, d in distance.items() if d < SPAN}


def absolute(command, layout):
    if layout != "linker" or "/" in str(command[0]):
        return command
    import shutil
    return [shutil.which(command[0]), *command[1:]]


def check(row, launcher, layout, draws):
    reached = {policy: collections.Counter() for policy in ("observe", "auto")}
    farthest = dict.fromkeys(reached, 0)
    for _ in range(draws):
        for policy in reached:
            draw = Draw(row, launcher, layout, policy)
            expect(draw.fellback == 0, f"{layout}: {draw.fellback} calls fell back")
            for name, distance in draw.reached().items():
                reached[policy][os.path.basename(name)] += 1
                farthest[policy] = max(farthest[policy], distance)
    lost = {n: (times, reached["auto"][n]) for n, times in reached["observe"].items() if reached["auto"][n] < times}
    always = {policy: sum(times == draws for times in reached[policy].values()) for policy in reached}
    print(f"{row.name}, {layout}, {draws} draws: files always reached: {always['observe']} as the kernel places, "
          f"{always['auto']} under auto; farthest {farthest['observe'] >> 20} and {farthest['auto'] >> 20} MiB")
    return {f"{layout}: {name}": times for name, times in lost.items()}


def test():
    options = argparse.ArgumentParser()
    options.add_argument("row")
    options.add_argument("--draws", type=int, default=6)
    options.add_argument("--layout", choices=LAYOUTS, action="append")
    options.add_argument("--root")
    options = options.parse_args()
    (row,) = [r for r in rows.load_rows() if r.name == options.row]
    launcher = Launcher(row.isa, **({"root": options.root} if options.root else {}))
    why = launcher.missing() or row.missing(launcher)
    if why:
        skip(why)
    lost = {}
    for layout in options.layout or LAYOUTS:
        lost |= check(row, launcher, layout, options.draws)
    expect(not lost, f"reached less often under auto (as the kernel places, under auto): {lost}")


main(test)

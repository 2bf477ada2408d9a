"""A row of the table of hosts: one unmodified host on one ISA, how it fails without and how its truth
is known. Families declare theirs in rows/; row_test.py tests one; scripts/hosts prints them all."""

import dataclasses
import importlib
import json
import os
import pathlib
import re
import signal
import tempfile
from typing import Callable, Optional

from elf_symbols import function_at
from host_test import describe, expect, own_lines
from launch import Launcher

FAMILIES = ("cranelift", "llvm", "llvm_aarch64", "numba", "mlir", "julia", "postgresql", "unharmed")


@dataclasses.dataclass
class Truth:
    """Of the calls by which this host could get memory: who was wanted, who was steered."""
    seen: int            # mapping calls of the host in all
    wanted: int          # of these, what became code or was referenced by it
    steered: int         # what jitcorral steered
    wanted_steered: int  # both

    @property
    def recall(self):
        return self.wanted_steered / self.wanted if self.wanted else 0.0

    @property
    def precision(self):
        return self.wanted_steered / self.steered if self.steered else 0.0


@dataclasses.dataclass
class Row:
    name: str                    # ctest and --only name: "cranelift-0.116.x86-64"
    title: str                   # in the table: "cranelift-jit"
    isa: str                     # "x86-64" or "aarch64"
    command: Callable            # launcher -> argument list; prints the same at each run, exit status 0
    version: Callable            # launcher -> "0.116.1"
    missing: Callable            # launcher -> why it can't run here, "" if it can
    hostile: Optional[Callable] = None  # launcher -> argument list of the run that fails bare
    # Where `command` is wrong in any layout without: launcher -> one that prints what is right.
    reference: Optional[Callable] = None
    environment: dict = dataclasses.field(default_factory=dict)          # of every run
    hostile_environment: dict = dataclasses.field(default_factory=dict)  # of the hostile run, besides
    hostile_preload: bool = False         # hostile_layout.so is loaded in the hostile run
    hostile_before: tuple = ()            # (N, mark): ... and it turns hostile before the Nth call that `mark` marks
    # How the hostile run failed bare: result -> a short text, "" if it did not fail in the expected way.
    failed: Callable = lambda result: died_of_signal(result)
    reaches: bool = False                 # its code reaches everywhere: right even when jitcorral scatters it
    truth: Optional[Callable] = None      # (row, launcher) -> Truth
    precision: float = 0.99               # at least
    policy: dict = dataclasses.field(default_factory=dict)  # JITCORRAL_... that the host needs to be right
    same_output: Callable = lambda text: text  # leaves out what differs from run to run (addresses, times)
    verdict: str = "within-reach"         # of each run with a JIT
    because: str = ""                     # what its reason must say
    within_bl: bool = True                # all code lies within 128 MiB of itself
    blind: str = ""                       # pattern of what the report may say that it could not see: then "unknown"
    note: str = ""                        # what is to be said beside its figures
    timeout: int = 600


def died_of_signal(result):
    return signal.Signals(-result.returncode).name if result.returncode < 0 else ""


def said(pattern, short=None):
    """A `failed` that looks for a text on either stream of a run that did not succeed."""
    def failed(result):
        match = re.search(pattern, result.stdout + result.stderr)
        return (short or match[0]) if match and result.returncode != 0 else ""
    return failed


def placements(stderr):
    """[(begin, length)] of [jitcorral:place] lines (JITCORRAL_VERBOSE=2)."""
    return [(int(line["at"], 16), int(line["length"], 0)) for line in own_lines(stderr, "place")]


def truth_by_stack(*marks, hidden=""):
    """Who was wanted is told by the stack: a symbol or library in it contains one of `marks`. For hosts
    of which no two threads map the same at the same time: a placement belongs to the newest call of its
    process that is as long and has not got one. `hidden`: a word in the name
    of a library that exports no symbols; those of its own .symtab count."""
    def marked(frame):
        path, address = frame.rsplit("+", 1)
        name = function_at(path, int(address, 16) - 1)  # the call, not where it returns to
        return any(mark in name for mark in marks)

    def truth(row, launcher):
        result = launcher.run(row.command(launcher), preload=[launcher.call_log, launcher.shim],
                              environment={**row.environment, **row.policy, "CALL_LOG_MARKS": ",".join(marks),
                                           **({"CALL_LOG_HIDDEN": hidden} if hidden else {}),
                                           "JITCORRAL_VERBOSE": "2"}, timeout=row.timeout)
        expect(result.returncode == 0, "with the call log: " + describe(result)[-2000:])
        # Threads and forked children write to one standard error, in between each other's lines.
        counted, last = Truth(0, 0, 0, 0), {}  # (pid, tid) -> its call that has no placement yet, newest last
        for line in result.stderr.splitlines():
            if line.startswith("[truth] "):
                pid, tid, length, _, word, *frames = line.split()[1:]
                wanted = word != "-" or any(map(marked, frames))
                last.pop((pid, tid), None)
                last[pid, tid] = (int(length), wanted)
                counted.seen += 1
                counted.wanted += wanted
            elif line.startswith("[jitcorral:place] "):
                counted.steered += 1
                pid, length = re.search(r" pid=(\d+)", line)[1], int(re.search(r" length=(\w+)", line)[1], 0)
                mine = [key for key, call in last.items() if key[0] == pid and call[0] == length]
                expect(mine, f"a placement without its call: {line}")
                counted.wanted_steered += last.pop(mine[-1])[1]
        return counted
    return truth


def truth_by_host(pattern=r"^jit (?:code|data) 0x([0-9a-f]+) (\d+)", command=None):
    """The host itself says where its code and data lie (`environment` may make it), a line each: begin
    in hex, bytes. Wanted are the mappings that hold them; every placement must hold some. `command`:
    launcher -> argument list of a run that has more to tell than the row's own."""
    def truth(row, launcher):
        result = launcher.run((command or row.command)(launcher), preload=[launcher.shim],
                              environment={**row.environment, **row.policy, "JITCORRAL_VERBOSE": "2",
                                           "JITCORRAL_STATS": "1", "HOST_SAYS_WHERE": "1"}, timeout=row.timeout)
        expect(result.returncode == 0, "under the shim: " + describe(result)[-2000:])
        places = placements(result.stderr)
        pieces = [(int(b, 16), int(n)) for b, n in re.findall(pattern, result.stdout, re.M)]
        expect(pieces, "the host did not say where its code lies")
        holds = lambda place, piece: place[0] <= piece[0] and piece[0] + piece[1] <= place[0] + place[1]
        places.sort()
        held, used = 0, set()
        starts = [p[0] for p in places]
        import bisect
        for piece in pieces:
            at = bisect.bisect_right(starts, piece[0]) - 1
            if at >= 0 and holds(places[at], piece):
                held += 1
                used.add(at)
        counts = own_lines(result.stderr, "exit")[-1]
        # Pieces stand for calls: several share a mapping. Recall is over pieces, precision over placements.
        recall = Truth(int(counts["steered"]) + int(counts["passed"]) + int(counts["fellback"]),
                       len(pieces), len(places), len(used))
        recall.wanted_steered, recall.pieces_held = len(used), held
        recall.wanted = len(used) + (len(pieces) - held)
        return recall
    return truth


def record(row, launcher, folder, preload=()):
    """The host's own output under the shim, and the JSON report of its run. `preload`: besides."""
    if launcher.native:
        report = os.path.join(folder, "report.json")
        result = launcher.run([launcher.command, "run", "--db", os.path.join(folder, "record.db"), "--json", report,
                               *[word for name, value in row.policy.items()
                                 for word in ("--set", f"{name}={value}")],
                               "--", *row.command(launcher)], preload=preload, environment=row.environment,
                              timeout=row.timeout)
        return result, json.loads(pathlib.Path(report).read_text())
    ring = os.path.join(folder, "%p.ring")
    result = launcher.run(row.command(launcher), preload=[launcher.shim, *preload], timeout=row.timeout,
                          environment={**row.environment, **row.policy, "JITCORRAL_RECORD": "file:" + ring})
    runs = []
    for path in sorted(pathlib.Path(folder).glob("*.ring")):
        native = Launcher(launcher_native_isa())
        shown = native.run([launcher.command, "report", "--json", str(path)])
        expect(shown.returncode == 0, describe(shown))
        runs += json.loads(shown.stdout)["runs"]
    return result, {"runs": runs}


def launcher_native_isa():
    from launch import NATIVE
    return NATIVE


def distances(report):
    """(worst code-code, worst code-data) over all engines of all runs, bytes; None where there was no pair."""
    worst = lambda name: max((r["reach"][name]["worst"] for r in report["runs"]
                              if r["reach"][name]["worst"] is not None), default=None)
    return worst("bl"), worst("delta32")


def load_rows():
    rows = []
    for family in FAMILIES:
        if (pathlib.Path(__file__).parent / "rows" / f"{family}.py").exists():
            rows += importlib.import_module(f"rows.{family}").ROWS
    return rows


def temporary_folder():
    return tempfile.TemporaryDirectory(prefix="jitcorral-row-")

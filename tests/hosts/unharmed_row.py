"""A row of the other table: a host that needs no window, and must not notice that one could be had."""

import collections
import dataclasses
import re
from typing import Callable

import row as rows
import system_calls
from host_test import describe, expect

# In each program the dynamic linker opens and maps the library: ten calls, and one more for its own
# books. The shim itself asks whether it is switched off, and what standard error is; where memory
# becomes executable, whether there is a recorder.
LOADING = 11
OWN = {"access", "faccessat", "newfstatat", "fstat"}


def most_of_its_own(calls):
    return 2 * calls.loaded + min(calls.loaded, calls.executable)


@dataclasses.dataclass
class UnharmedRow:
    name: str                    # ctest and --only name: "unharmed.luajit.x86-64"
    title: str
    isa: str
    command: Callable            # launcher -> argument list; exit status 0
    version: Callable            # launcher -> "2.1.0"
    missing: Callable            # launcher -> why it can't run here, "" if it can
    compiled: str = ""           # a pattern of what it prints when its JIT was at work; "": it has none
    verdicts: tuple = ("no-jit",)  # of its runs, under `jitcorral run`: of these
    engines: tuple = ()          # who is named as mapping code: patterns, all of them, and nobody else
    says: str = ""               # a pattern: what the report must say of what it could not see
    loads: bool = True           # the shim can be loaded into it
    steady: bool = True          # two runs make the same calls; of others only those for memory are compared
    traced: bool = True          # its system calls are counted; under strace some run for minutes
    same_output: Callable = lambda text: text  # leaves out what differs from run to run
    environment: dict = dataclasses.field(default_factory=dict)
    policy: dict = dataclasses.field(default_factory=dict)
    note: str = ""
    timeout: int = 300


def output_of(row, result):
    return result.returncode, row.same_output(result.stdout), row.same_output(result.stderr)


def check_output(row, bare, ours, how):
    expect(output_of(row, ours) == output_of(row, bare),
           f"another output {how}\n{describe(ours)[-3000:]}\n--- and bare\n{describe(bare)[-3000:]}")


def traced(row, launcher, shim, times):
    """Of `times` runs the one in the middle, and all."""
    found = [system_calls.trace(launcher, row.command(launcher), shim, row.environment, row.timeout)
             for _ in range(times)]
    return sorted(found, key=lambda calls: calls.of_memory)[times // 2], found


def check_system_calls(row, launcher, times, found):
    times = 1 if row.steady else max(1, times)
    (bare, _), (shim, all_shim) = traced(row, launcher, None, times), traced(row, launcher, launcher.shim, times)
    number = (lambda calls: calls.total) if row.steady else (lambda calls: calls.of_memory)
    found |= {"calls_bare": number(bare), "calls_shim": number(shim), "programs": bare.programs, "steady": row.steady,
              "executable": bare.executable}
    if launcher.native:
        found["own"] = len(shim.own)
    expect(bare.executable or not row.compiled, "it made no memory executable: is its JIT at work?")
    expect(bool(shim.loaded) == row.loads, f"the shim was loaded into {shim.loaded} programs")
    for calls in all_shim:
        # What the shim asks for itself is told by where its instructions lie: exact, however noisy the host.
        expect(len(calls.own) <= most_of_its_own(calls) and set(calls.own) <= OWN,
               f"calls of the shim's own: {collections.Counter(calls.own)} in {calls.loaded} programs")
    if row.steady:
        expect(shim.total <= bare.total * 1.02 + (LOADING + 3) * shim.loaded,
               f"more system calls than +2 %: {bare.total}, {shim.total}: {shim.by_name - bare.by_name}")


def check_report(row, launcher, bare, found):
    """Code that nobody saw being mapped is said, not guessed; code that was seen has its owner."""
    with rows.temporary_folder() as folder:
        ours, report = rows.record(row, launcher, folder)
    check_output(row, bare, ours, "under jitcorral run")
    runs = report["runs"]
    expect(runs, "nothing was recorded")
    for run in runs:
        expect(run["verdict"] in row.verdicts, f"{run['exe']}: {run['verdict']}: {run['because']} {run['blind']}")
        counts = run["counts"] or {"steered": 0, "fellback": 0}
        expect(counts["steered"] == counts["fellback"] == 0 and not run["window"],
               f"{run['exe']}: steered: {counts}, {run['window']}")
    with_code = [run for run in runs if run["verdict"] != "no-jit"]
    if row.traced:
        expect(bool(with_code) == bool(found["executable"]), f"{found['executable']} calls made memory executable; "
               f"the report says so of {len(with_code)} of {len(runs)} processes")
    found["verdict"] = (with_code or runs)[0]["verdict"]
    names = {engine["name"] for run in runs for engine in run["engines"]}
    for pattern in row.engines:
        expect(any(re.search(pattern, name) for name in names), f"'{pattern}' is none of {names}")
    strangers = [name for name in names if not any(re.search(pattern, name) for pattern in row.engines)]
    expect(not strangers, f"said to have mapped code: {strangers}")
    said = [text for run in runs for text in [run["because"], *run["blind"]]]
    if row.says:
        found["said"] = next((text for text in said if re.search(row.says, text)), "")
        expect(found["said"], f"the report does not say '{row.says}': {said}")
    else:
        found["said"] = (with_code or runs)[0]["because"]


def check(row, launcher, times=0):
    found = {"name": row.name, "title": row.title, "isa": row.isa, "version": row.version(launcher), "note": row.note,
             "unharmed": True}
    bare = launcher.run(row.command(launcher), environment=row.environment, timeout=row.timeout)
    expect(bare.returncode == 0, "bare: " + describe(bare)[-4000:])
    expect(re.search(row.compiled, bare.stdout + bare.stderr), f"it compiled nothing: {describe(bare)[-2000:]}")
    # And where it steers all that it can: what such a host maps is the host's, wherever it lies.
    for policy in ["auto", "all"][:1 + row.traced]:
        ours = launcher.run(row.command(launcher), preload=[launcher.shim], timeout=row.timeout,
                            environment={**row.environment, "JITCORRAL_POLICY": policy})
        check_output(row, bare, ours, f"under the shim, policy {policy}")
    if row.traced:
        check_system_calls(row, launcher, times, found)
    check_report(row, launcher, bare, found)
    return found

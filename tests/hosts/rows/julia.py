"""Julia 1.5, unmodified: the newest that Debian has for amd64 and arm64, from a tree of its own
(scripts/aarch64-sysroot --suite bullseye)."""

import dataclasses

from row import Row, said, truth_by_stack

LIBRARIES = {"x86-64": ("bullseye-amd64", "x86_64-linux-gnu"), "aarch64": ("bullseye-arm64", "aarch64-linux-gnu")}
# /proc/self/mem is not trusted before Linux 4.10: code is written by way of a second mapping then.
OLD_KERNEL = ["setarch", "x86_64", "--uname-2.6"]


# Julia loads PCRE2 with RTLD_DEEPBIND: its calls go past every preload, and the report says so.
PCRE2 = r"executable memory that no recorded call explains: \S+ \(64 KiB, rwxp\)"


def _tree(launcher):
    return launcher.root / "build" / LIBRARIES[launcher.isa][0]


def _julia(launcher, *arguments):
    return [_tree(launcher) / "usr/bin/julia", "--startup-file=no", *arguments]


def _environment(isa, threads=2):
    # Relative to tests/hosts, where rows run. The tree has no libc of its own.
    tree, multiarch = LIBRARIES[isa]
    return {"LD_LIBRARY_PATH": f"../../build/{tree}/usr/lib/{multiarch}", "JULIA_NUM_THREADS": str(threads)}


def _missing(launcher):
    if not _julia(launcher)[0].exists():
        return "no Julia 1.5 (scripts/test unpacks it by scripts/aarch64-sysroot --suite bullseye)"
    result = launcher.run(_julia(launcher, "-e", "print(1)"), environment=_environment(launcher.isa))
    return "" if result.stdout == "1" else "Julia does not start: " + result.stderr.strip()[-200:]


def _version(launcher):
    return launcher.run(_julia(launcher, "-e", "print(VERSION)"), environment=_environment(launcher.isa)).stdout


def _truth(row, launcher):
    # RuntimeDyld asks the memory manager for every section, and nobody else does. In one thread, so that
    # a placement follows its call.
    environment = _environment(row.isa, threads=1)
    return truth_by_stack("RuntimeDyldImpl")(dataclasses.replace(row, environment=environment), launcher)


def _row(name, isa, program, before=(), **more):
    return Row(name=f"julia.{name}", title="Julia", isa=isa, version=_version, missing=_missing, truth=_truth,
               environment=_environment(isa), blind=PCRE2,
               command=lambda l: [*before, *_julia(l, *program)], **more)


ROWS = [
    _row("x86-64", "x86-64", ["julia_workload.jl", "200"], reaches=True,
         note="large code model; code written by way of /proc/self/mem"),
    _row("dual-map.x86-64", "x86-64", ["julia_workload.jl", "50"], before=OLD_KERNEL,
         reaches=True, note="large code model; each block of a memfd mapped twice"),
    # Emulation takes ten times as long.
    _row("dual-map.aarch64", "aarch64", ["-O0", "julia_workload.jl", "15"],
         hostile=lambda l: _julia(l, "-O0", "julia_workload.jl", "5", "hostile"), hostile_preload=True,
         failed=said("wrong stack trace"),
         note="large code model, but its unwinding tables refer to code by 32 bits; each block mapped twice"),
]

"""cranelift-jit: the host of tests/hosts/cranelift in each version that gets memory in its own way.

0.116 by posix_memalign, since 0.120 also by an arena, since 0.132 by mmap. Calls out of range go by veneers since
0.128 on aarch64 and 0.136 on x86-64; what refers to data of the module itself still must reach it."""

from row import Row, said, truth_by_host

X86, ARM = "x86-64", "aarch64"

# Threads, modules, and functions of more than 128 KiB of instructions.
SMALL = ["--threads", "3", "--modules", "3", "--functions", "30"]
MIXED = ["--threads", "3", "--modules", "2", "--functions", "16", "--large", "1"]
# Tables beyond 128 KiB come from mmap, small functions from the heap: 47 TB apart, in the kindest of layouts.
TABLES = [*SMALL, "--data", "200"]
# So do large functions and small ones.
BOTH_SIDES = [*SMALL, "--code", "200", "--every", "2"]
# In the midst of a module, all that is mapped from now on is made to lie far away.
FAR = ["--functions", "30", "--data", "4", "--far-after", "20"]
FAR_CODE = ["--functions", "30", "--code", "200", "--every", "2", "--far-after", "20"]
# Code up to what a BL reaches, between twice as much data; in blocks that malloc takes from the heap, and larger ones.
MUCH = ["--modules", "1", "--functions", "1200", "--code", "100", "--data", "99"]
MUCH_LARGE = ["--modules", "1", "--functions", "120", "--code", "1000", "--data", "999"]
# First and last function 180 MiB apart.
WIDE = ["--modules", "1", "--functions", "20", "--code", "3000", "--data", "2999"]

REL32 = said(r"TryFromIntError\(\(\)\)", "panic: TryFromIntError")
BRANCH = said(r"assertion failed: \(diff >> 26", "panic: diff >> 26")


def went_astray(result):
    """Calls between 128 and 256 MiB lead to the wrong place, and nothing says so."""
    if result.returncode == 0 or "panicked" in result.stderr:
        return ""
    return "wrong branch: " + ("wrong results" if "WRONG" in result.stdout else "crash")


def _row(version, isa, what="", *, kind, hostile=None, truth=None, stripped=False, **more):
    name = ".".join(["cranelift-" + version, *([what.replace(" ", "-")] if what else []), isa])
    allocator = what if what in ("jemalloc", "mimalloc") else ""
    file = ".".join([version + (f"-{allocator}" if allocator else ""), isa, *(["stripped"] if stripped else [])])

    def path(launcher):
        return launcher.root / "build" / "hosts" / "cranelift" / file

    def missing(launcher):
        if path(launcher).exists():
            return ""
        why = path(launcher).with_name(file.removesuffix(".stripped") + ".missing")
        return why.read_text().strip() if why.exists() else "not built (scripts/rust-hosts)"

    def line(options):
        return lambda launcher: [path(launcher), *options]

    return Row(name=name, title="cranelift-jit" + (f", {what}" if what else ""), isa=isa, command=line(kind),
               missing=missing, hostile=line(hostile) if hostile else None,
               version=lambda launcher: launcher.run([path(launcher), "--version"]).stdout.strip(),
               truth=truth_by_host(command=line(truth)) if truth else None, **more)


ROWS = [
    _row("0.116", X86, kind=SMALL, hostile=TABLES, truth=TABLES, failed=REL32),
    _row("0.116", X86, "stripped", stripped=True, kind=MIXED, hostile=BOTH_SIDES, truth=BOTH_SIDES, failed=REL32),
    _row("0.116", X86, "pic", kind=[*SMALL, "--pic"], hostile=[*BOTH_SIDES, "--pic"], truth=[*SMALL, "--pic"],
         failed=REL32),
    _row("0.116", X86, "near helpers", kind=["--functions", "30", "--near-helpers"],
         hostile=[*BOTH_SIDES, "--near-helpers"], truth=["--near-helpers"], failed=REL32,
         note="helpers of the executable called by rel32"),
    _row("0.116", X86, "much code", kind=MUCH, hostile=MUCH_LARGE, failed=REL32),
    _row("0.116", X86, "jemalloc", kind=MIXED, hostile=[*FAR, "--data", "200"], hostile_preload=True, truth=BOTH_SIDES,
         failed=REL32, precision=0.5, note="its arenas are steered, and with them the program's whole heap"),
    _row("0.116", X86, "mimalloc", kind=MIXED, verdict="at-risk", because="can't be moved: its mapping has a hint",
         within_bl=False, note="its one arena of 1 GiB has a hint: not steered, and the report says so"),
    _row("0.135", X86, kind=MIXED, hostile=FAR, hostile_preload=True, truth=MIXED, failed=REL32),
    _row("0.135", X86, "arena", kind=[*MIXED, "--arena", "16"], hostile=[*MIXED, "--arena", "16", "--near-helpers"],
         truth=[*MIXED, "--arena", "16"], policy={"JITCORRAL_NEAR": "exe"}, failed=REL32,
         note="an arena refers to the executable only"),
    _row("0.137", X86, kind=MIXED, hostile=FAR, hostile_preload=True, truth=MIXED, failed=REL32,
         note="data of the module itself, `is_pic` off"),
    _row("0.137", X86, "stripped", stripped=True, kind=MIXED, hostile=FAR, hostile_preload=True, truth=MIXED,
         failed=REL32),
    _row("0.137", X86, "pic", kind=[*MIXED, "--pic"], truth=[*MIXED, "--pic"],
         note="veneers and a GOT: reaches everywhere"),
    _row("0.116", ARM, kind=SMALL, hostile=FAR_CODE, hostile_preload=True, truth=BOTH_SIDES, failed=BRANCH),
    _row("0.116", ARM, "wide", kind=SMALL, hostile=WIDE, failed=went_astray),
    _row("0.116", ARM, "much code", kind=SMALL, hostile=MUCH_LARGE, failed=BRANCH),
    _row("0.137", ARM, kind=SMALL, hostile=FAR, hostile_preload=True, truth=SMALL, failed=REL32,
         note="ADRP, taken as 32 bits"),
]

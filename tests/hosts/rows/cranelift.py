"""cranelift-jit: the host of tests/hosts/cranelift in each version that gets memory in its own way.

0.116 by posix_memalign, 0.120 also by an arena, since 0.132 by mmap. Since 0.128 (aarch64) and 0.136 (x86-64) calls
out of range go by veneers; what refers to data of the module itself still must reach it."""

from row import Row, said, truth_by_host

X86, ARM = "x86-64", "aarch64"

# Some of everything: several threads, modules, and both sides of malloc's 128 KiB.
SMALL = ["--threads", "3", "--modules", "3", "--functions", "30"]
MIXED = [*SMALL, "--large", "2"]
# Tables beyond 128 KiB come from mmap, small functions from the heap: 47 TB apart, in the kindest of layouts.
TABLES = [*SMALL, "--data", "200"]
# The program reserves address space for a heap in the midst of a module.
FAR = ["--modules", "2", "--functions", "30", "--far-after", "20"]

REL32 = said(r"TryFromIntError\(\(\)\)", "panic: TryFromIntError")
BRANCH = said(r"assertion failed: \(diff >> 26", "panic: diff >> 26")


def went_astray(result):
    """Calls between 128 and 256 MiB lead to the wrong place, and nothing says so."""
    if result.returncode == 0 or "panicked" in result.stderr:
        return ""
    return f"wrong branch: {'signal' if result.returncode < 0 or result.returncode > 128 else 'wrong result'}"


def _row(version, isa, what="", *, kind, hostile, variant="", stripped=False, **more):
    name = ".".join(["cranelift-" + version, *([what] if what else []), isa])
    file = ".".join([version + (f"-{variant}" if variant else ""), isa, *(["stripped"] if stripped else [])])
    path = lambda launcher: launcher.root / "build" / "hosts" / "cranelift" / file

    def missing(launcher):
        if path(launcher).exists():
            return ""
        why = path(launcher).with_name(file.removesuffix(".stripped") + ".missing")
        return why.read_text().strip() if why.exists() else "not built (scripts/rust-hosts)"

    more.setdefault("truth", truth_by_host())
    return Row(name=name, title=" ".join(["cranelift-jit", *([what] if what else [])]), isa=isa,
               command=lambda l: [path(l), *kind], missing=missing,
               hostile=(lambda l: [path(l), *hostile]) if hostile else None,
               version=lambda l: l.run([path(l), "--version"]).stdout.strip(), **more)


ROWS = [
    _row("0.116", X86, kind=SMALL, hostile=TABLES, failed=REL32),
]

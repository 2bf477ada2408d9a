"""Numba with its own settings, and llvmlite programs with small and medium code: Debian's and PyPI's newest."""

import os

from row import Row, said, truth_by_stack

STACK = truth_by_stack("allocateMappedMemory")
# PyPI's llvmlite has LLVM inside and exports none of it.
HIDDEN = truth_by_stack("allocateMappedMemory", hidden="libllvmlite")
# It has assertions, too.
ASSERTION = said(r"isInt<32>\(RealOffset\)", "assertion isInt<32>")

SOURCES = {
    "debian": ("Debian", lambda l: l.sysroot + "/usr/bin/python3", STACK, "package python3-numba"),
    "pypi": ("PyPI", lambda l: f"{l.root}/build/{'venv' if l.native else 'aarch64-venv'}/bin/python3", HIDDEN,
             "scripts/test fetches PyPI's"),
}
# Without importing it, which takes long under emulation.
VERSION = "from importlib.metadata import version; print(' / '.join(version(p) for p in '{}'.split()))"


def _row(name, title, source, isa, *program, asks="numba llvmlite", hostile=True, **settings):
    whose, python, truth, where = SOURCES[source]
    run = lambda l: l.run([python(l), "-W", "ignore", "-c", VERSION.format(asks)])

    def missing(launcher):
        if os.path.exists(python(launcher)) and run(launcher).returncode == 0:
            return ""
        return f"no {asks.split()[0]} ({where})"

    command = lambda l: [python(l), "-W", "ignore", *program]
    if hostile:
        settings["hostile"] = lambda l: [*command(l), "--hostile"]
    return Row(name=f"{name}.{source}.{isa}", title=f"{title}, {whose}", isa=isa, command=command, missing=missing,
               version=lambda l: run(l).stdout.strip(), truth=truth, **settings)


def _numba(source, isa, program, **settings):
    return _row("numba", "Numba / llvmlite", source, isa, program, **settings)


def _llvmlite(model, source, isa, modules=6, **settings):
    return _row(f"llvmlite.{model}", f"llvmlite, {model} pic", source, isa, "llvmlite_modules.py", "--codemodel", model,
                "--modules", str(modules), asks="llvmlite", **settings)


REACHES = "its code model reaches everywhere on x86-64"
ONE_MAPPING = "maps one block for all of a module since llvmlite 0.42: reaches bare"

ROWS = [
    _numba("debian", "x86-64", "numba_workload.py", hostile=False, note=REACHES),
    _numba("pypi", "x86-64", "numba_workload.py", hostile=False, note=REACHES),
    _llvmlite("small", "debian", "x86-64", modules=40),
    _llvmlite("medium", "debian", "x86-64", modules=40),
    _llvmlite("small", "pypi", "x86-64", modules=40, failed=ASSERTION),
    _llvmlite("medium", "pypi", "x86-64", modules=40, failed=ASSERTION),
    # Programs under emulation are short: only to import Numba takes half of their time.
    _numba("debian", "aarch64", "numba_small.py"),
    _numba("pypi", "aarch64", "numba_small.py", hostile=False, note=ONE_MAPPING),
    _llvmlite("small", "debian", "aarch64"),
    _llvmlite("small", "pypi", "aarch64", hostile=False, note=ONE_MAPPING),
]

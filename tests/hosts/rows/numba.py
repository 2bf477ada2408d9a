"""Numba, unmodified, with its own settings."""

import sys

from row import Row, truth_by_stack

HERE_PYTHON = "/usr/bin/python3"


def _python(launcher):
    return launcher.sysroot + HERE_PYTHON


def _missing(launcher):
    result = launcher.run([_python(launcher), "-c", "import numba"])
    return "" if result.returncode == 0 else "no Numba (package python3-numba)"


def _version(launcher):
    code = "import numba, llvmlite; print(f'{numba.__version__} / {llvmlite.__version__}')"
    return launcher.run([_python(launcher), "-c", code]).stdout.strip()


ROWS = [
    Row(name="numba.debian.x86-64", title="Numba / llvmlite, Debian", isa="x86-64",
        command=lambda l: [_python(l), "-W", "ignore", "numba_workload.py"],
        version=_version, missing=_missing, truth=truth_by_stack("allocateMappedMemory"),
        note="its code model reaches everywhere on x86-64"),
]

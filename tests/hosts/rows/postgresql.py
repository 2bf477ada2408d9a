"""PostgreSQL with its JIT (LLVM's ORC over RuntimeDyld), unmodified: a cluster of its own, several sessions."""

import dataclasses
import subprocess

import postgresql_cluster
from row import Row, truth_by_stack

PYTHON = "/usr/bin/python3"


def _programs(launcher):
    return postgresql_cluster.programs()


def _missing(launcher):
    return "" if _programs(launcher) else "no PostgreSQL with JIT (package postgresql-15)"


def _version(launcher):
    said = subprocess.run([_programs(launcher) + "/postgres", "--version"], capture_output=True, text=True).stdout
    return said.split()[2]


def _truth(row, launcher):
    # Of one process: a placement follows its call.
    single = dataclasses.replace(row, command=lambda l: [*row.command(l), "--single"])
    return truth_by_stack("allocateMappedMemory")(single, launcher)


ROWS = [
    Row(name="postgresql.x86-64", title="PostgreSQL, JIT", isa="x86-64", version=_version, missing=_missing,
        command=lambda l: [PYTHON, "-B", "postgresql_queries.py"], truth=_truth,
        # llvmjit.c asks for LLVMCodeModelJITDefault, which is large on x86-64.
        reaches=True, note="large code model"),
]

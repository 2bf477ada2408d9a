"""MLIR's runner: ORC over RuntimeDyld with LLVM's SectionMemoryManager. Its program passes functions as
arguments; on aarch64 the addresses of libc's come from the GOT, by ADRP (LLVM issue 173269)."""

import os

from row import Row, truth_by_stack
from rows.llvm import tool, version
from rows.llvm_aarch64 import MARK, SEGFAULT

TOOLS = {14: ("mlir-cpu-runner", "mlir/pointers_14.mlir"), "newest": ("mlir-runner", "mlir/pointers.mlir")}


def _row(which, isa, **settings):
    name, program = TOOLS[which]
    runner = tool(which, name)
    missing = lambda l: "" if os.path.exists(runner(l)) else f"no {name} of LLVM {which} (package mlir-*-tools)"
    command = lambda l: [runner(l), "-e", "main", "-entry-point-result=void", program]
    if settings.get("hostile_before"):
        settings["hostile"] = command
    return Row(name=f"mlir-{which}.{isa}", title=f"MLIR, {name}", isa=isa, command=command, missing=missing,
               version=version(which, name), truth=truth_by_stack(MARK), **settings)


REACHES = "its code model reaches everywhere on x86-64"
ROWS = [
    _row(14, "x86-64", note=REACHES),
    _row("newest", "x86-64", note=REACHES),
    _row(14, "aarch64", hostile_before=(2, MARK), failed=SEGFAULT),
    _row("newest", "aarch64", note="maps one block for all of a module: reaches bare"),
]

"""The LLVM engines on aarch64: the programs of llvm.py. ADRP reaches 4 GiB, in every code model; RuntimeDyld
without assertions writes what is left of a larger distance, and says nothing.

Under qemu a small block does not fall into a hole that is left beside the libraries, as Linux would place
it: the address space turns hostile between two calls of the engine instead, as if another thread mapped much."""

import dataclasses

from row import said
from rows.llvm import INSIDE, JITLINK, MCJIT, ORC, OUT_OF_RANGE, OURS, lli_row, own_rows, ours_row, rtdyld_row

# LLVM's own handler says so, then raises the signal again, which qemu 7.2 may fail to deliver: it aborts.
SEGFAULT = said(r"PLEASE submit a bug report|uncaught target signal 11", "SIGSEGV")
MARK = "allocateMappedMemory"

ROWS = [row for which in (14, "newest") for row in (
    lli_row(which, "mcjit", MCJIT, isa="aarch64", hostile_before=(2, MARK), failed=SEGFAULT),
    lli_row(which, "orc-rtdyld", ORC, isa="aarch64", hostile_environment=INSIDE, failed=SEGFAULT),
    dataclasses.replace(rtdyld_row(which, isa="aarch64"), hostile_environment={}, hostile_before=(2, MARK),
                        failed=SEGFAULT),
)]
# LLVM 14's JITLink does not know ADRP in ELF yet ("Unsupported aarch64 relocation").
ROWS.append(lli_row("newest", "orc-jitlink", JITLINK, isa="aarch64", hostile_environment=INSIDE, failed=OUT_OF_RANGE))

# Our own host is built on LLVM 14, so without JITLink.
ROWS += [dataclasses.replace(row, failed=SEGFAULT) for row in own_rows("aarch64", modules=12)
         if "jitlink" not in row.name]
# 113 MiB of code: RuntimeDyld calls through stubs, so that a BL that does not reach is no failure of its own.
ROWS.append(ours_row("rtdyld.bl", f"{OURS['rtdyld'][1]}, 113 MiB of code",
                     [*OURS["rtdyld"][0], "--modules=30", "--code=3872", "--data=256", "--uneven"], None,
                     isa="aarch64"))

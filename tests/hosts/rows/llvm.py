"""The LLVM engines as Debian builds them, on x86-64: lli's MCJIT, ORC over RuntimeDyld and ORC over
JITLink, and llvm-rtdyld, of LLVM 14 and of the newest that is installed."""

import glob
import os
import re

from row import Row, said, truth_by_stack

PROGRAM = ["--extra-module=llvm/sums.ll", "--extra-module=llvm/names.ll", "llvm/main.ll"]
TRUTH = truth_by_stack("allocateMappedMemory")
# hostile_layout() is called between two lazily compiled modules, or before the first.
INSIDE, AT_START = {"HOSTILE_LAYOUT_INSIDE": "1"}, {"HOSTILE_LAYOUT": "2"}

TITLES = {"mcjit": "MCJIT", "orc-rtdyld": "ORC over RuntimeDyld", "orc-jitlink": "ORC over JITLink"}


def folder(launcher, which):
    """Where LLVM `which` is: a version, or the newest of those that are here."""
    versions = [which] if which != "newest" else sorted(
        (int(m[1]) for f in glob.glob(launcher.sysroot + "/usr/lib/llvm-*/bin/lli")
         if (m := re.search(r"/llvm-(\d+)/", f))), reverse=True)
    return f"{launcher.sysroot}/usr/lib/llvm-{versions[0] if versions else which}/bin"


def tool(which, name):
    return lambda launcher: f"{folder(launcher, which)}/{name}"


def missing(which, name):
    def why(launcher):
        if os.path.exists(tool(which, name)(launcher)):
            return ""
        return f"no {name} of LLVM {which} (package llvm-{'19 or newer' if which == 'newest' else which})"
    return why


def version(which, name):
    def text(launcher):
        said_by_tool = launcher.run([tool(which, name)(launcher), "--version"]).stdout
        return re.search(r"LLVM version (\S+)", said_by_tool)[1]
    return text


def lli(which, *options, reloc="pic"):
    """Small code, which lli only makes when it is told to."""
    # LLVM 14 reads the program's `ptr` only when told to.
    opaque = ["--opaque-pointers"] if which == 14 else []
    return lambda launcher: [tool(which, "lli")(launcher), *opaque, "--code-model=small",
                             f"--relocation-model={reloc}", *options, *PROGRAM]


def lli_row(which, jit, options, isa="x86-64", **settings):
    command = lli(which, *options)
    return Row(name=f"lli-{which}.{jit}.{isa}", title=f"lli, {TITLES[jit]}", isa=isa, command=command, hostile=command,
               version=version(which, "lli"), missing=missing(which, "lli"), hostile_preload=True, truth=TRUTH,
               **settings)


def lli_static_row(which, jit, options):
    """Absolute 32-bit addresses: right in no place that the kernel chooses."""
    command = lli(which, *options, reloc="static")
    return Row(name=f"lli-{which}.{jit}.static.x86-64", title=f"lli, {TITLES[jit]}, small static", isa="x86-64",
               command=command, hostile=command, reference=lli(which, *options),
               version=version(which, "lli"), missing=missing(which, "lli"), truth=TRUTH,
               policy={"JITCORRAL_NEAR": "low"}, note="fails in every layout; `JITCORRAL_NEAR=low`")


def rtdyld_row(which, isa="x86-64"):
    command = lambda launcher: [tool(which, "llvm-rtdyld")(launcher), "-execute", "-entry=main",
                                launcher.build / "hosts" / "rtdyld_object.o"]
    return Row(name=f"llvm-rtdyld-{which}.{isa}", title="llvm-rtdyld", isa=isa, command=command, hostile=command,
               version=version(which, "llvm-rtdyld"), missing=missing(which, "llvm-rtdyld"), hostile_preload=True,
               hostile_environment={"HOSTILE_LAYOUT": "1"}, truth=TRUTH)


MCJIT = ["--jit-kind=mcjit"]
ORC = ["--jit-kind=orc-lazy", "--jit-linker=rtdyld"]
JITLINK = ["--jit-kind=orc-lazy", "--jit-linker=jitlink"]

ROWS = [row for which in (14, "newest") for row in (
    lli_row(which, "mcjit", MCJIT, hostile_environment=AT_START),
    lli_row(which, "orc-rtdyld", ORC, hostile_environment=INSIDE),
    lli_row(which, "orc-jitlink", JITLINK, hostile_environment=INSIDE, failed=said(r"out of range of Delta32 fixup")),
    lli_static_row(which, "mcjit", MCJIT),
    lli_static_row(which, "orc-rtdyld", ORC),
    rtdyld_row(which),
)]

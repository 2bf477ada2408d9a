"""The LLVM engines as Debian builds them, on x86-64: lli's MCJIT, ORC over RuntimeDyld and ORC over
JITLink, and llvm-rtdyld, of LLVM 14 and of the newest that is installed."""

import glob
import os
import re

from row import Row, said, truth_by_stack

PROGRAM = ["--extra-module=llvm/sums.ll", "--extra-module=llvm/names.ll", "llvm/main.ll"]
# What JITLink says, of x86-64 and of aarch64.
OUT_OF_RANGE = said(r"out of range of (Delta32|Page21) fixup")
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
    lli_row(which, "orc-jitlink", JITLINK, hostile_environment=INSIDE, failed=OUT_OF_RANGE),
    lli_static_row(which, "mcjit", MCJIT),
    lli_static_row(which, "orc-rtdyld", ORC),
    rtdyld_row(which),
)]

# A host of our own on libLLVM 14: LLJIT over either linker, and MCJIT, as a program that uses them would.

OURS = {"rtdyld": (["--linker=rtdyld"], "LLJIT over RuntimeDyld"),
        "jitlink": (["--linker=jitlink"], "LLJIT over JITLink"),
        "mcjit": (["--engine=mcjit"], "MCJIT")}


def ours(build="jit_host"):
    return lambda launcher: str(launcher.build / "hosts" / build)


def ours_missing(build):
    def why(launcher):
        return "" if os.path.exists(ours(build)(launcher)) else f"{build} was not built (packages llvm-14-dev, clang)"
    return why


def ours_version(launcher):
    return launcher.run([ours()(launcher), "--version"]).stdout.strip()


def ours_row(name, title, options, hostile_options=(), build="jit_host", isa="x86-64",
             hostile_preload=True, **settings):
    command = lambda launcher: [ours(build)(launcher), *options]
    hostile = (lambda launcher: [*command(launcher), *hostile_options]) if hostile_options is not None else None
    return Row(name=f"llvm-host.{name}.{isa}", title=title, isa=isa, command=command, hostile=hostile,
               version=ours_version, missing=ours_missing(build), hostile_preload=hostile_preload,
               **{"truth": TRUTH, **settings})


def own_rows(isa, modules=24):
    """A host of our own, small pic; then with threads."""
    rows = []
    for name, (options, title) in OURS.items():
        many = [f"--modules={modules}", *options]
        failed = {"failed": OUT_OF_RANGE} if name == "jitlink" else {}
        rows.append(ours_row(name, title, many, [f"--hostile-after={modules // 2}"], isa=isa, **failed))
        if name != "mcjit":  # it has one lock
            rows.append(ours_row(f"{name}.threads", f"{title}, 4 threads", [*many, "--threads=4"],
                                 [f"--hostile-after={modules // 2}"], isa=isa, truth=None, **failed))
    return rows


def reach_rows(isa, modules=500, code=232, data=64, small=1000):
    """All code lies together: up to 128 MiB of it, whatever lies between, and with MCJIT also before any of it
    is protected. Nothing fails without on x86-64."""
    batch = "MCJIT, all modules at once"
    rows = [ours_row("mcjit.batch", f"{batch}, {small}", ["--engine=mcjit", f"--modules={small}", f"--batch={small}"],
                     None, isa=isa)]
    # JITLink maps code and data of a module at once: both of them within 128 MiB.
    for name, title, options, sizes in (
            ("rtdyld", OURS["rtdyld"][1], ["--linker=rtdyld"], (code, data)),
            ("jitlink", OURS["jitlink"][1], ["--linker=jitlink"], (code * 6 // 7, data // 4)),
            ("mcjit", "MCJIT", ["--engine=mcjit"], (code, data)),
            ("mcjit.batch", batch, ["--engine=mcjit", f"--batch={modules}"], (code, data))):
        rows.append(ours_row(f"{name}.bl", f"{title}, {modules * sizes[0] >> 10} MiB of code",
                             [*options, f"--modules={modules}", f"--code={sizes[0]}", f"--data={sizes[1]}", "--uneven"],
                             None, isa=isa))
    return rows


def asan_rows():
    """The kernel's next place under ASan may be below its 4 TiB: with a runtime of these days that alone is hostile."""
    few = ["--linker=jitlink", "--modules=24"]
    environment = {"ASAN_OPTIONS": "verify_asan_link_order=0:symbolize=0"}
    return [
        *[ours_row(f"jitlink.asan-{compiler}", f"LLJIT over JITLink, ASan of {compiler}", few, ["--hostile-after=12"],
                   build=build, failed=OUT_OF_RANGE, environment=environment)
          for compiler, build in (("clang-14", "jit_host_asan_clang14"), ("gcc", "jit_host_asan_gcc"))],
        ours_row("jitlink.asan-clang-22", "LLJIT over JITLink, ASan of clang-22", few, build="jit_host_asan_clang22",
                 hostile_options=["--modules=500", "--data=16"], failed=OUT_OF_RANGE, environment=environment,
                 note="no layout but ASan's own is needed to make it fail", hostile_preload=False),
    ]


ROWS += own_rows("x86-64") + reach_rows("x86-64") + asan_rows()

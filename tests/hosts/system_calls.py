"""What a command asks of the kernel, bare or under the shim: every system call by its name and the
address of its instruction, as strace (or qemu's own log of the emulated program) tells."""

import collections
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from host_test import expect
from launch import HERE

# The calls that the shim concerns itself with. Those of a threaded host differ little from run to run;
# how often its threads wait, wake, read pipes or look at clocks depends on who runs when.
MEMORY = ("mmap", "munmap", "mremap", "mprotect", "madvise", "brk")
# What the shim hands on for the host, from its own text: never a call more than the host's.
HANDED_ON = {"mmap", "munmap", "mremap", "mprotect", "pkey_mprotect", "madvise", "mincore", "msync", "mlock", "mlock2",
             "munlock", "mlockall", "setrlimit", "prlimit64", "prctl"}

# strace's "[address] name(arguments) = result", qemu's "pid name(arguments) = result".
_LINE = re.compile(r"(?:\[([0-9a-f?]+)\]|\d+) (\w+)\((.*)")


@dataclasses.dataclass
class Calls:
    by_name: collections.Counter
    own: list           # names of the calls that the shim made for itself
    programs: int       # executables that were started
    loaded: int         # of these, into how many the shim was loaded
    executable: int     # calls that made memory executable that is no file's

    @property
    def total(self):
        return sum(self.by_name.values())

    @property
    def of_memory(self):
        return sum(self.by_name[name] for name in MEMORY)


def missing(launcher):
    return "" if not launcher.native or shutil.which("strace") else "no strace"


def _read(log, shim, calls):
    """The calls of one thread; `log`: its lines."""
    opened = None       # descriptor by which the dynamic linker has the shim open
    text = range(0)     # of the shim
    for line in log:
        match = _LINE.match(line)
        if not match:
            continue
        at, name, rest = match.groups()
        calls.by_name[name] += 1
        result = rest.rsplit(" = ", 1)[-1].strip() if " = " in rest else ""
        if name == "execve" and result == "0":
            calls.programs += 1
            opened = None
        elif name == "openat" and shim and str(shim) in rest and result.isdigit():
            calls.loaded += 1
            opened = result
        elif name == "mmap" and opened and rest.split(", ")[4:5] == [opened]:
            begin = int(result, 16)
            text, opened = range(begin, begin + int(rest.split(", ")[1])), None
        elif at and name not in HANDED_ON and "?" not in at and int(at, 16) in text:
            calls.own.append(name)
        if "PROT_EXEC" in rest and (name in ("mprotect", "pkey_mprotect") or (
                name == "mmap" and "MAP_DENYWRITE" not in rest and ("MAP_ANON" in rest or "MAP_SHARED" in rest))):
            calls.executable += 1


def trace(launcher, command, shim=None, environment=None, timeout=600, cwd=HERE):
    """The calls of a run: of all its processes, under qemu of the first."""
    calls = Calls(collections.Counter(), [], 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="jitcorral-calls-") as folder:
        log = os.path.join(folder, "log")
        if launcher.native:
            line, own = launcher.line(command, environment=environment)
            preload = ["-E", f"LD_PRELOAD={shim}"] if shim else []  # not into strace itself
            line = ["strace", "-ff", "-qq", "-i", "-s", "256", "-o", log, *preload, *line]
        else:
            line, own = launcher.line(command, [shim] if shim else [], environment)
            line = [line[0], "-strace", "-D", log, *line[1:]]
        result = subprocess.run(line, env=own, capture_output=True, timeout=timeout, cwd=cwd)
        expect(result.returncode == 0, f"traced, it ended with {result.returncode}: {result.stderr.decode()[-2000:]}")
        for path in sorted(pathlib.Path(folder).iterdir()):
            with open(path, errors="replace") as lines:
                _read(lines, shim, calls)
    return calls

"""Starts programs of either ISA, bare or under the shim: natively, or under qemu-aarch64 in the mode
whose address space behaves like Linux's."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
NATIVE = {"x86_64": "x86-64", "aarch64": "aarch64"}.get(platform.machine(), platform.machine())
QEMU = ["qemu-aarch64", "-R", "0x4000000000"]


def clean_environment():
    return {k: v for k, v in os.environ.items()
            if not re.match(r"JITCORRAL_|LD_PRELOAD$|HOSTILE_LAYOUT$|CALL_LOG_", k)}


class Launcher:
    """Programs of one ISA. `build`: the folder with libjitcorral.so and the preloads of this ISA."""

    def __init__(self, isa, root=ROOT):
        self.isa = isa
        self.root = pathlib.Path(root)
        self.native = isa == NATIVE
        self.build = self.root / "build" / ("dev" if self.native else "aarch64")
        self.shim = self.build / "libjitcorral.so"
        self.hostile = self.build / "hosts" / "hostile_layout.so"
        self.say_maps = self.build / "hosts" / "say_maps.so"
        self.call_log = self.build / "hosts" / "call_log.so"
        self.command = self.root / "build" / "dev" / "jitcorral"
        # The userland of the other ISA; "" where programs of this one run as they are.
        self.sysroot = "" if self.native else str(self.root / "build" / "aarch64-sysroot")

    def missing(self):
        """Why nothing of this ISA can run here; empty if it can."""
        if self.native:
            return ""
        if shutil.which(QEMU[0]) is None:
            return "no qemu-aarch64 (package qemu-user)"
        if not os.path.isdir(self.sysroot):
            return "no arm64 userland (scripts/aarch64-sysroot)"
        return ""

    def line(self, command, preload=(), environment=None):
        """(argument list, environment) of a start. Preloads in order, the shim among them."""
        environment = dict(environment or {})
        if preload:
            environment["LD_PRELOAD"] = ":".join(str(p) for p in preload)
        own = clean_environment()
        command = [str(word) for word in command]
        if self.native:
            return command, {**own, **environment}
        # What the emulated program gets is given by -E: qemu itself must not load the shim.
        arguments = [*QEMU, "-L", self.sysroot]
        for name, value in environment.items():
            arguments += ["-E", f"{name}={value}"]
        return [*arguments, *command], own

    def run(self, command, preload=(), environment=None, timeout=600, cwd=HERE):
        arguments, environment = self.line(command, preload, environment)
        return subprocess.run(arguments, env=environment, capture_output=True, text=True, errors="replace",
                              timeout=timeout, cwd=cwd)

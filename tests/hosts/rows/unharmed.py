"""Hosts that need no window: they keep their code together by themselves, or have none. Nobody is
steered, nothing costs more, and what jitcorral can't see of them its report says."""

import re
import shutil

from unharmed_row import UnharmedRow

PYTHON = "/usr/bin/python3"
WITHIN = ("within-reach", "no-jit")
UNEXPLAINED = r"executable memory that no recorded call explains: \S+ \([^)]*\)"


def host(name, package, arguments, version, pattern=r"\d+\.[\w.~+-]*"):
    """command, version and missing of a program. `version`: the arguments with which it tells its own."""
    def at(launcher):
        if name.startswith("/"):
            return launcher.sysroot + name
        return shutil.which(name) if launcher.native else f"{launcher.sysroot}/usr/bin/{name}"

    def answer(launcher):
        try:
            result = launcher.run([at(launcher) or name, *version])
        except OSError:
            return ""
        return result.stdout + result.stderr if result.returncode == 0 else ""

    return {"command": lambda launcher: [at(launcher), *arguments],
            "version": lambda launcher: re.search(pattern, answer(launcher))[0],
            "missing": lambda launcher: "" if answer(launcher) else f"no {name} (package {package})"}


def row(name, title, isa="x86-64", **fields):
    return UnharmedRow(name=f"unharmed.{name}.{isa}", title=title, isa=isa, **fields)


def luajit(isa):
    return row("luajit", "LuaJIT", isa, **host("luajit", "luajit", ["unharmed/hot.lua"], ["-v"]),
               compiled="true\t", verdicts=WITHIN, engines=("^luajit$",))


def python(isa):
    code = "import ctypes, json, subprocess; print(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 42)())"
    if isa == "x86-64":  # an emulated program can't start others
        code += "; print(subprocess.run(['true']).returncode)"
    return row("cpython", "CPython: ctypes, a child", isa, **host(PYTHON, "python3", ["-c", code], ["--version"]),
               verdicts=WITHIN, engines=("^libffi",))


def cpythons_own(module, classes=(), **fields):
    """Tests out of CPython's own suite."""
    only = [f"-k={name}" for name in classes]
    return row(f"cpython.{module}", f"CPython's `{module}`",
               **host(PYTHON, "libpython3.11-testsuite", ["-m", "unittest", "-q", *only, f"test.{module}"],
                      ["-c", f"import sys, test.{module}; print(sys.version)"]),
               # Multiprocessing's resource tracker may have its say or not, bare too.
               same_output=lambda text: re.findall(r"^(?:Ran \d+ tests|OK.*|FAIL.*|ERROR.*)", text, re.M), **fields)


def static(name, title):
    return row(name, title, command=lambda launcher: [launcher.build / "hosts" / name.replace("-", "_")],
               version=lambda launcher: "–", missing=lambda launcher: "", compiled=r"^\d+$", loads=False,
               verdicts=("unknown",), says="the shim was never loaded: static executable",
               note="no preload reaches it")


def wasmtime():
    venv = lambda launcher: str(launcher.root / "build" / "venv" / "bin" / "python3")
    version = "import importlib.metadata, wasmtime; print(importlib.metadata.version('wasmtime'))"
    run = lambda launcher: launcher.run([venv(launcher), "-c", version])
    return row("wasmtime", "wasmtime", command=lambda launcher: [venv(launcher), "unharmed/hot_wasm.py"],
               version=lambda launcher: run(launcher).stdout.strip(), compiled="compiled True",
               missing=lambda launcher: "" if shutil.which(venv(launcher)) and run(launcher).returncode == 0
               else "no wasmtime (PyPI: wasmtime, into build/venv)",
               steady=False, verdicts=("unknown",), engines=("^libffi",), says=UNEXPLAINED,
               note="inline system calls: no symbol is called")


PHP = ["-d", "opcache.enable_cli=1", "-d", "opcache.jit=tracing", "-d", "opcache.jit_buffer_size=64M",
       "-d", "opcache.file_update_protection=0", "-d", "opcache.jit_debug=0x4000"]

ROWS = [
    luajit("x86-64"), luajit("aarch64"),
    row("pypy", "PyPy", **host("pypy3", "pypy3", ["unharmed/hot.py"], ["--version"], r"(?<=PyPy )[\d.]+"),
        compiled="compiled True", verdicts=WITHIN, engines=("^libpypy",)),
    row("node", "Node", **host("node", "nodejs", ["--allow-natives-syntax", "unharmed/hot.js"], ["--version"]),
        compiled="compiled true", steady=False, verdicts=WITHIN, engines=("^node",)),
    row("openjdk", "OpenJDK", **host("java", "default-jdk-headless", ["-XX:+PrintCompilation", "unharmed/Hot.java"],
                                     ["--version"]),
        compiled="Hot::work", same_output=lambda text: re.findall(r"result \d+", text),
        steady=False, verdicts=WITHIN, engines=("^libjvm.so$",)),
    row("php", "PHP's opcache JIT", **host("php", "php-cli", [*PHP, "unharmed/hot.php"], ["--version"]),
        compiled="TRACE 1 compiled", verdicts=("unknown",), says=UNEXPLAINED,
        note="opcache.so is loaded with RTLD_DEEPBIND: its calls never come by"),
    row("sbcl", "SBCL", **host("sbcl", "sbcl", ["--script", "unharmed/hot.lisp"], ["--version"]),
        compiled="compiled true", verdicts=WITHIN, engines=("^sbcl$",)),
    row("erlang", "Erlang", **host("escript", "erlang-base", ["unharmed/hot.escript"], ["unharmed/version.escript"]),
        compiled="compiled true", steady=False, verdicts=WITHIN, engines=("^beam.smp$",)),
    wasmtime(),
    static("static-jit", "a JIT in a static executable"), static("static-pie-jit", "a JIT in a static-PIE"),
    python("x86-64"), python("aarch64"),
    row("shell", "a shell's pipeline", **host("/bin/sh", "dash", ["-c", "ls / | sort | wc -l"],
                                              ["-c", "dpkg-query -Wf '${Version}' dash"])),
    cpythons_own("test_mmap", verdicts=WITHIN, engines=("^mmap",)),
    cpythons_own("test_subprocess", [f"*POSIXProcess*.test_{some}*" for some in ("[!ckst]", "cl", "st")], traced=False),
    cpythons_own("test_multiprocessing_fork", [f"WithProcessesTest{name}" for name in (
        "Array", "Heap", "Process", "Queue", "SharedMemory")], traced=False),
    *[cpythons_own(f"test_multiprocessing_{how}", [f"WithProcessesTest{name}" for name in (
        "Array", "Heap", "SharedMemory")], traced=False) for how in ("spawn", "forkserver")],
]

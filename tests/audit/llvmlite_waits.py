"""Compiles modules of llvmlite_modules.py, prints `ready`, waits for a line, calls them all and prints `right`.

With --hostile the address space turns hostile after the first module: what is mapped then lies more than 4 GiB
away, and a reference to it is cut off; it dies of that as soon as it calls.
"""

import ctypes
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hosts"))

import hostile  # noqa: E402
import llvmlite.binding as llvm  # noqa: E402
from llvmlite_modules import Expected, source  # noqa: E402

for step in ("initialize", "initialize_native_target", "initialize_native_asmprinter"):
    try:
        getattr(llvm, step)()
    except RuntimeError:
        pass  # newer llvmlite initialises by itself
machine = llvm.Target.from_default_triple().create_target_machine(codemodel="small", reloc="pic", opt=2)
engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
for n in range(6):
    engine.add_module(llvm.parse_assembly(source(n)))
    engine.finalize_object()
    engine.get_function_address(f"f{n}")
    if n == 0 and "--hostile" in sys.argv:
        hostile.scatter_what_comes_next()
print("ready", flush=True)
if not sys.stdin.readline():
    sys.exit(0)
expected, signature = Expected(), ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
for n in range(6):
    expected.add()
right = all(signature(engine.get_function_address(f"f{n}"))(10) == expected.call(n, 10) for n in range(6))
print("right" if right else "wrong")

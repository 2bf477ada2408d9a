"""Compiles something with llvmlite, loads more libraries, and prints as JSON where the JIT's code
and every module of the process lie."""

import ctypes
import json

import hostile
import llvmlite.binding as llvm
from llvmlite_modules import source

for step in ("initialize", "initialize_native_target", "initialize_native_asmprinter"):
    try:
        getattr(llvm, step)()
    except RuntimeError:
        pass
machine = llvm.Target.from_default_triple().create_target_machine(codemodel="small", reloc="pic")
engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
code = []
for n in range(3):
    engine.add_module(llvm.parse_assembly(source(n)))
    engine.finalize_object()
    code.append(engine.get_function_address(f"f{n}"))
    if n == 0:
        import _decimal, _sqlite3, _ssl  # noqa: F401, E401: extension modules, loaded behind the first code

        heap = [bytearray(8 << 20) for _ in range(8)]  # and a heap that grows

modules = {}
for begin, end, _, name in hostile.mappings():
    if name.startswith("/"):
        low, high = modules.get(name, (begin, end))
        modules[name] = (min(low, begin), max(high, end))
modules = {k: v for k, v in modules.items() if ".so" in k or "python" in k}
print(json.dumps({"code": code, "modules": modules}))

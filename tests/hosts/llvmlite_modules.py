"""An ordinary llvmlite program: compiles modules one after another with MCJIT and calls them.

Every module has code, constants and variables, calls its predecessor, and calls libc. Prints where
code and data lie, and at the end `all N results right`. With --hostile the address space turns
hostile after the first module (see hostile.py). Exit status 0 only if every result was right.
"""

import argparse
import ctypes
import sys

import llvmlite.binding as llvm

MODULE = """
@counter{n} = global i64 {n}
@table{n} = constant [4 x i64] [i64 1, i64 2, i64 3, i64 {n}]
declare i64 @labs(i64)
{declare_previous}
define i64 @f{n}(i64 %x) {{
  %c = load i64, {ptr64} @counter{n}
  %e = getelementptr [4 x i64], {ptrtab} @table{n}, i64 0, i64 3
  %t = load i64, {ptr64} %e
  %s = add i64 %c, %x
  %u = add i64 %s, %t
  {call_previous}
  %neg = sub i64 0, %v
  %big = call i64 @labs(i64 %neg)
  %r = and i64 %big, 65535
  store i64 %r, {ptr64} @counter{n}
  ret i64 %r
}}
"""


def source(n):
    opaque = llvm.llvm_version_info[0] >= 15
    return MODULE.format(
        n=n,
        ptr64="ptr" if opaque else "i64*",
        ptrtab="ptr" if opaque else "[4 x i64]*",
        declare_previous=f"declare i64 @f{n - 1}(i64)" if n else "",
        call_previous=f"%v = call i64 @f{n - 1}(i64 %u)" if n else "%v = add i64 %u, 0",
    )


class Expected:
    """What the modules compute, in Python."""

    def __init__(self):
        self.counters = []

    def add(self):
        self.counters.append(len(self.counters))

    def call(self, n, x):
        value = self.counters[n] + x + n
        if n:
            value = self.call(n - 1, value)
        self.counters[n] = abs(-value) & 0xFFFF
        return self.counters[n]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--modules", type=int, default=6)
    options.add_argument("--codemodel", default="small")
    options.add_argument("--reloc", default="pic")
    options.add_argument("--hostile", action="store_true")
    options.add_argument("--show", action="store_true", help="print where code and data lie")
    options = options.parse_args()

    for step in ("initialize", "initialize_native_target", "initialize_native_asmprinter"):
        try:
            getattr(llvm, step)()
        except RuntimeError:
            pass  # newer llvmlite initialises by itself
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(codemodel=options.codemodel, reloc=options.reloc, opt=2)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)

    expected = Expected()
    signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    wrong = 0
    for n in range(options.modules):
        module = llvm.parse_assembly(source(n))
        module.verify()
        engine.add_module(module)
        engine.finalize_object()
        expected.add()
        code = engine.get_function_address(f"f{n}")
        data = engine.get_global_value_address(f"counter{n}")
        if options.show:
            print(f"module {n}: code {code:#x} data {data:#x}", flush=True)
        result, right = signature(code)(10), expected.call(n, 10)
        if result != right:
            wrong += 1
            print(f"module {n}: {result} instead of {right}", flush=True)
        if options.hostile and n == 0:
            import hostile

            hostile.scatter_what_comes_next()
    if wrong:
        print(f"{wrong} of {options.modules} results wrong")
        return 1
    print(f"all {options.modules} results right")
    return 0


if __name__ == "__main__":
    sys.exit(main())

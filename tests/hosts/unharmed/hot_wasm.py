"""wasmtime compiles a module and runs it. It makes its system calls inline (rustix): no preload sees
them, and its code needs no window: no cross-mapping relocations."""
import wasmtime

WORK = """(module (func (export "work") (param $n i32) (result i64) (local $i i32) (local $s i64)
  (loop $next
    (if (i32.rem_u (local.get $i) (i32.const 3))
      (then (local.set $s (i64.add (local.get $s) (i64.const 1))))
      (else (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $i))))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
  (local.get $s)))"""

engine = wasmtime.Engine()
store = wasmtime.Store(engine)
total = 0
for _ in range(40):
    instance = wasmtime.Instance(store, wasmtime.Module(engine, WORK), [])
    total += instance.exports(store)["work"](store, 5_000_000)
print(total)
print("compiled", total > 0)

// For mlir-runner (MLIR 22): pointers to functions passed as arguments, of this module and of libc. On
// aarch64 those of libc come from the GOT, which the code reaches by ADRP (LLVM issue 173269).
llvm.mlir.global internal constant @line("%ld %ld %ld\0A\00") : !llvm.array<13 x i8>
llvm.mlir.global internal @calls(0 : i64) : i64
llvm.func @printf(!llvm.ptr, ...) -> i32
llvm.func @labs(i64) -> i64
llvm.func @fflush(!llvm.ptr) -> i32

llvm.func @double(%x: i64) -> i64 {
  %r = llvm.add %x, %x : i64
  llvm.return %r : i64
}

llvm.func @apply(%f: !llvm.ptr, %x: i64) -> i64 attributes {passthrough = ["noinline"]} {
  %one = llvm.mlir.constant(1 : i64) : i64
  %at = llvm.mlir.addressof @calls : !llvm.ptr
  %before = llvm.load %at : !llvm.ptr -> i64
  %after = llvm.add %before, %one : i64
  llvm.store %after, %at : i64, !llvm.ptr
  %r = llvm.call %f(%x) : !llvm.ptr, (i64) -> i64
  llvm.return %r : i64
}

llvm.func @main() {
  %x = llvm.mlir.constant(-21 : i64) : i64
  %labs = llvm.mlir.addressof @labs : !llvm.ptr
  %double = llvm.mlir.addressof @double : !llvm.ptr
  %a = llvm.call @apply(%labs, %x) : (!llvm.ptr, i64) -> i64
  %b = llvm.call @apply(%double, %x) : (!llvm.ptr, i64) -> i64
  %at = llvm.mlir.addressof @calls : !llvm.ptr
  %calls = llvm.load %at : !llvm.ptr -> i64
  %line = llvm.mlir.addressof @line : !llvm.ptr
  %n = llvm.call @printf(%line, %a, %b, %calls) vararg(!llvm.func<i32 (ptr, ...)>) : (!llvm.ptr, i64, i64, i64) -> i32
  %all = llvm.mlir.zero : !llvm.ptr
  %done = llvm.call @fflush(%all) : (!llvm.ptr) -> i32
  llvm.return
}

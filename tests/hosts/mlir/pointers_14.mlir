// pointers.mlir as MLIR 14 writes it.
llvm.mlir.global internal constant @line("%ld %ld %ld\0A\00") : !llvm.array<13 x i8>
llvm.mlir.global internal @calls(0 : i64) : i64
llvm.func @printf(!llvm.ptr<i8>, ...) -> i32
llvm.func @labs(i64) -> i64
llvm.func @fflush(!llvm.ptr<i8>) -> i32

llvm.func @double(%x: i64) -> i64 {
  %r = llvm.add %x, %x : i64
  llvm.return %r : i64
}

llvm.func @apply(%f: !llvm.ptr<func<i64 (i64)>>, %x: i64) -> i64 attributes {passthrough = ["noinline"]} {
  %one = llvm.mlir.constant(1 : i64) : i64
  %at = llvm.mlir.addressof @calls : !llvm.ptr<i64>
  %before = llvm.load %at : !llvm.ptr<i64>
  %after = llvm.add %before, %one : i64
  llvm.store %after, %at : !llvm.ptr<i64>
  %r = llvm.call %f(%x) : (i64) -> i64
  llvm.return %r : i64
}

llvm.func @main() {
  %x = llvm.mlir.constant(-21 : i64) : i64
  %labs = llvm.mlir.addressof @labs : !llvm.ptr<func<i64 (i64)>>
  %double = llvm.mlir.addressof @double : !llvm.ptr<func<i64 (i64)>>
  %a = llvm.call @apply(%labs, %x) : (!llvm.ptr<func<i64 (i64)>>, i64) -> i64
  %b = llvm.call @apply(%double, %x) : (!llvm.ptr<func<i64 (i64)>>, i64) -> i64
  %at = llvm.mlir.addressof @calls : !llvm.ptr<i64>
  %calls = llvm.load %at : !llvm.ptr<i64>
  %line = llvm.mlir.addressof @line : !llvm.ptr<array<13 x i8>>
  %text = llvm.bitcast %line : !llvm.ptr<array<13 x i8>> to !llvm.ptr<i8>
  %n = llvm.call @printf(%text, %a, %b, %calls) : (!llvm.ptr<i8>, i64, i64, i64) -> i32
  %all = llvm.mlir.null : !llvm.ptr<i8>
  %done = llvm.call @fflush(%all) : (!llvm.ptr<i8>) -> i32
  llvm.return
}

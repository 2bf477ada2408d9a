; Names: a table of addresses (absolute relocations), a call by pointer, and what sums.ll left.

@one = private unnamed_addr constant [4 x i8] c"one\00"
@two = private unnamed_addr constant [4 x i8] c"two\00"
@three = private unnamed_addr constant [6 x i8] c"three\00"
@four = private unnamed_addr constant [5 x i8] c"four\00"
@names = internal constant [4 x ptr] [ptr @one, ptr @two, ptr @three, ptr @four]
@steps = internal global [2 x ptr] [ptr @double, ptr @weigh]
@large = external dso_local global [3000 x i64]
@shared = external dso_local global i64
@line = private unnamed_addr constant [12 x i8] c"%ld %s %ld\0A\00"

declare dso_local i64 @weigh(i64)
declare i32 @printf(ptr, ...)

define internal i64 @double(i64 %i) {
  %d = shl i64 %i, 1
  ret i64 %d
}

define dso_local i64 @spell(i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %odd = and i64 %i, 1
  %where = getelementptr [2 x ptr], ptr @steps, i64 0, i64 %odd
  %f = load ptr, ptr %where
  %x = call i64 %f(i64 %i)
  %far = mul i64 %i, 29
  %there = getelementptr [3000 x i64], ptr @large, i64 0, i64 %far
  %left = load i64, ptr %there
  %y = add i64 %x, %left
  %s = load i64, ptr @shared
  %t = add i64 %s, %y
  store i64 %t, ptr @shared
  %at = and i64 %i, 3
  %name = getelementptr [4 x ptr], ptr @names, i64 0, i64 %at
  %text = load ptr, ptr %name
  %p = call i32 (ptr, ...) @printf(ptr @line, i64 %i, ptr %text, i64 %t)
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret i64 %n
}

; Sums: a jump table, a constant pool, variables of its own and of main.ll.

@shared = external dso_local global i64
@seen = internal global [16 x i64] zeroinitializer
@large = dso_local global [3000 x i64] zeroinitializer
@line = private unnamed_addr constant [15 x i8] c"sum of %ld %g\0A\00"

declare dso_local i64 @weigh(i64)
declare i32 @printf(ptr, ...)

define internal i64 @choose(i64 %i) noinline {
  %slot = urem i64 %i, 7
  switch i64 %slot, label %other [
    i64 0, label %zero
    i64 1, label %one
    i64 2, label %two
    i64 3, label %three
    i64 4, label %four
    i64 5, label %five
  ]
zero:
  %a = call i64 @weigh(i64 %i)
  ret i64 %a
one:
  %b = mul i64 %i, 3
  ret i64 %b
two:
  %c = xor i64 %i, 85
  ret i64 %c
three:
  %d = load i64, ptr @shared
  ret i64 %d
four:
  %e = lshr i64 %i, 1
  ret i64 %e
five:
  %f = sub i64 1000, %i
  ret i64 %f
other:
  store i64 %i, ptr @shared
  ret i64 1
}

define dso_local i64 @sum(i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %s = phi i64 [ 0, %entry ], [ %t, %loop ]
  %x = call i64 @choose(i64 %i)
  %t = add i64 %s, %x
  %at = and i64 %i, 15
  %where = getelementptr [16 x i64], ptr @seen, i64 0, i64 %at
  store i64 %t, ptr %where
  %far = mul i64 %i, 29
  %there = getelementptr [3000 x i64], ptr @large, i64 0, i64 %far
  store i64 %x, ptr %there
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  %last = load i64, ptr getelementptr ([16 x i64], ptr @seen, i64 0, i64 3)
  %d = sitofp i64 %last to double
  %e = fmul double %d, 0x3FD55C28F5C28F5C
  %f = fadd double %e, 0x400921FB54442D18
  %p = call i32 (ptr, ...) @printf(ptr @line, i64 %n, double %f)
  ret i64 %t
}

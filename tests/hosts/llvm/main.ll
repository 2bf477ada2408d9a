; For lli, on any ISA: code, constants and variables in three modules that refer to each other, as
; `clang -fno-pic` would have made them (dso_local: no way round by a GOT or a PLT).
;
;   lli --extra-module=sums.ll --extra-module=names.ll main.ll
;
; Before the second module is used hostile_layout() is called, where it is preloaded and wanted: under
; a lazy JIT that module is compiled into another place of the address space.

@shared = dso_local global i64 7
@calls = internal global i32 0
@weights = internal unnamed_addr constant [8 x i64] [i64 3, i64 1, i64 4, i64 1, i64 5, i64 9, i64 2, i64 6]
@line = private unnamed_addr constant [14 x i8] c"%s %ld %ld %d\00"
@total = private unnamed_addr constant [6 x i8] c"total\00"
@wanted = private unnamed_addr constant [22 x i8] c"HOSTILE_LAYOUT_INSIDE\00"
@hostile = private unnamed_addr constant [15 x i8] c"hostile_layout\00"
@text = internal global [64 x i8] zeroinitializer

declare dso_local i64 @sum(i64)
declare dso_local i64 @spell(i64)
declare i32 @snprintf(ptr, i64, ptr, ...)
declare i32 @puts(ptr)
declare i32 @fflush(ptr)
declare ptr @getenv(ptr)
declare ptr @dlsym(ptr, ptr)

; Called from the other modules.
define dso_local i64 @weigh(i64 %i) noinline {
  %before = load i32, ptr @calls
  %after = add i32 %before, 1
  store i32 %after, ptr @calls
  %at = and i64 %i, 7
  %where = getelementptr [8 x i64], ptr @weights, i64 0, i64 %at
  %weight = load i64, ptr %where
  ret i64 %weight
}

define internal void @make_hostile() noinline {
  %asked = call ptr @getenv(ptr @wanted)
  %no = icmp eq ptr %asked, null
  br i1 %no, label %done, label %look
look:
  %f = call ptr @dlsym(ptr null, ptr @hostile)
  %absent = icmp eq ptr %f, null
  br i1 %absent, label %done, label %go
go:
  call void %f()
  br label %done
done:
  ret void
}

define dso_local i32 @main() {
  %a = call i64 @sum(i64 100)
  call void @make_hostile()
  %b = call i64 @spell(i64 16)
  %shared = load i64, ptr @shared
  %calls = load i32, ptr @calls
  %n = call i32 (ptr, i64, ptr, ...) @snprintf(ptr @text, i64 64, ptr @line, ptr @total, i64 %a, i64 %shared, i32 %calls)
  %p = call i32 @puts(ptr @text)
  %q = call i32 @fflush(ptr null)
  ret i32 0
}

#include "command/selftest_programs.h"

namespace jitcorral::command {
namespace {

// CPython and PyPy. ctypes maps executable memory for callbacks.
constexpr std::string_view kPython = R"(import mmap, os, platform, subprocess, sys, threading
print(platform.python_implementation(), platform.python_version(), flush=True)
def work(n):
    s = 0
    for i in range(n):
        s += i if i % 3 == 0 else -i if i % 5 == 0 else 1
    return s
print(sum(work(n) for n in range(800)))
results = {}
threads = [threading.Thread(target=lambda k=k: results.update({k: work(20000 + k)})) for k in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(results.items()))
block = mmap.mmap(-1, 1 << 20)
block[0:5] = b'hello'
print(bytes(block[0:6]), block[-1])
block.close()
try:
    import ctypes
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    values = (ctypes.c_int * 5)(3, 1, 5, 2, 4)
    ctypes.CDLL(None).qsort(values, 5, 4, compare(lambda a, b: a[0] - b[0]))
    print(list(values))
except (ImportError, AttributeError) as error:
    print(type(error).__name__)
sys.stdout.flush()
child = os.fork()
if child == 0:
    print('child', work(5000), flush=True)
    os._exit(7)
print('child ended', os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(subprocess.run([sys.executable, '-c', 'print(6 * 7)'], stdout=subprocess.PIPE).stdout)
print('an error', file=sys.stderr)
sys.exit(5)
)";

constexpr std::string_view kNode =
    R"(const { Worker, isMainThread, parentPort } = require('worker_threads');
function work(n) {
  let s = 0;
  for (let i = 0; i < n; ++i) s += i % 3 === 0 ? i : i % 5 === 0 ? -i : 1;
  return s;
}
if (!isMainThread) {
  parentPort.postMessage(work(300000));
} else {
  console.log('node', process.version);
  let sum = 0;
  for (let n = 0; n < 3000; ++n) sum += work(n);
  console.log(sum, /(a+)+b/.test('aaaaab'));
  // (i32, i32) -> i32: add
  const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0,
    7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
  console.log('wasm', new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.add(40, 2));
  const child = require('child_process').spawnSync(process.execPath, ['-e', 'console.log(6 * 7)']);
  console.log('child', child.status, child.stdout.toString());
  const worker = new Worker(__filename);
  worker.on('message', value => console.log('worker', value));
  worker.on('exit', () => { console.error('an error'); process.exitCode = 5; });
}
)";

constexpr std::string_view kJava = R"(public class Selftest {
  static long work(int n) {
    long s = 0;
    for (int i = 0; i < n; ++i) s += i % 3 == 0 ? i : i % 5 == 0 ? -i : 1;
    return s;
  }
  public static void main(String[] args) throws Exception {
    System.out.println("java " + System.getProperty("java.version"));
    long sum = 0;
    for (int n = 0; n < 5000; ++n) sum ^= work(n);
    System.out.println(sum);
    long[] results = new long[4];
    Thread[] threads = new Thread[4];
    for (int k = 0; k < 4; ++k) {
      final int which = k;
      threads[k] = new Thread(() -> results[which] = work(200000 + which));
      threads[k].start();
    }
    for (Thread thread : threads) thread.join();
    System.out.println(java.util.Arrays.toString(results));
    Process child = new ProcessBuilder("echo", "42").start();
    System.out.println(new String(child.getInputStream().readAllBytes()).trim() + " " + child.waitFor());
    try {
      ((Object) null).toString();
    } catch (NullPointerException expected) {  // by SIGSEGV
      System.out.println("null");
    }
    System.err.println("an error");
    System.exit(5);
  }
}
)";

constexpr std::string_view kRuby = R"(puts "ruby #{RUBY_VERSION}"
def work(n)
  s = 0
  n.times { |i| s += i % 3 == 0 ? i : i % 5 == 0 ? -i : 1 }
  s
end
puts (0...600).sum { |n| work(n) }
puts 4.times.map { |k| Thread.new { work(20000 + k) } }.map(&:value).inspect
$stdout.flush
child = fork { puts "child #{work(5000)}"; $stdout.flush; exit!(7) }
Process.wait(child)
puts $?.exitstatus, `echo 42`
warn 'an error'
exit 5
)";

constexpr std::string_view kPerl = R"($| = 1;
printf "perl %vd\n", $^V;
sub work { my $s = 0; for my $i (0 .. $_[0] - 1) { $s += $i % 3 == 0 ? $i : $i % 5 == 0 ? -$i : 1 } $s }
my $sum = 0; $sum += work($_) for 0 .. 600; print "$sum\n";
print join(',', sort { $b <=> $a } map { work($_) } 1 .. 9), ' ', 'aaab' =~ /^(a+)+b$/ ? 1 : 0, "\n";
my $child = fork; if (!$child) { print 'child ', work(5000), "\n"; exit 7 }
waitpid $child, 0; print 'child ended ', $? >> 8, ' ', `echo 42`;
print STDERR "an error\n"; exit 5;
)";

constexpr std::string_view kPhp = R"(<?php
echo 'php ', PHP_VERSION, "\n";
function work(int $n): int {
  $s = 0;
  for ($i = 0; $i < $n; ++$i) $s += $i % 3 == 0 ? $i : ($i % 5 == 0 ? -$i : 1);
  return $s;
}
$sum = 0;
for ($n = 0; $n < 2500; ++$n) $sum += work($n);
echo $sum, ' ', preg_match('/^(a+)+b$/', 'aaab'), ' ', shell_exec('echo 42');
fwrite(fopen('php://stderr', 'w'), "an error\n");
exit(5);
)";

constexpr std::string_view kJulia = R"(println("julia ", VERSION)
work(n) = (s = 0; for i in 0:n-1; s += i % 3 == 0 ? i : i % 5 == 0 ? -i : 1; end; s)
println(sum(work(n) for n in 0:3000))
println(sort([work(n) for n in 1:9], rev=true), " ", occursin(r"^(a+)+b$", "aaab"))
println(fetch(@async work(200000)), " ", chomp(read(`echo 42`, String)))
try; error("x"); catch e; println(e.msg); end
println(stderr, "an error")
exit(5)
)";

constexpr std::string_view kLua = R"(print(jit and jit.version or _VERSION)
local function work(n)
  local s = 0
  for i = 0, n - 1 do
    if i % 3 == 0 then s = s + i elseif i % 5 == 0 then s = s - i else s = s + 1 end
  end
  return s
end
local sum = 0
for n = 0, 3000 do sum = sum + work(n) end
print(string.format('%d', sum))
local found, ffi = pcall(require, 'ffi')
if found then
  ffi.cdef 'void qsort(void *, size_t, size_t, int (*)(const int *, const int *));'
  local values = ffi.new('int[5]', 3, 1, 5, 2, 4)
  ffi.C.qsort(values, 5, 4, function(a, b) return a[0] - b[0] end)
  print(values[0], values[4])
end
io.write(io.popen('echo 42'):read('*a'))
io.stderr:write('an error\n')
os.exit(5)
)";

constexpr std::string_view kGuile = R"((format #t "guile ~a~%" (version))
(define (work n)
  (let loop ((i 0) (s 0))
    (if (= i n) s
        (loop (+ i 1) (+ s (cond ((= 0 (modulo i 3)) i) ((= 0 (modulo i 5)) (- i)) (else 1)))))))
(let loop ((n 0) (s 0)) (if (= n 2000) (format #t "~a~%" s) (loop (+ n 1) (+ s (work n)))))
(force-output)
(let ((child (primitive-fork)))
  (if (= child 0) (primitive-_exit 7))
  (format #t "child ended ~a~%" (status:exit-val (cdr (waitpid child)))))
(display "an error\n" (current-error-port))
(exit 5)
)";

constexpr std::string_view kErlang = R"(#!/usr/bin/env escript
%% -*- erlang -*-
-mode(compile).
work(N) -> work(0, N, 0).
work(N, N, S) -> S;
work(I, N, S) when I rem 3 =:= 0 -> work(I + 1, N, S + I);
work(I, N, S) when I rem 5 =:= 0 -> work(I + 1, N, S - I);
work(I, N, S) -> work(I + 1, N, S + 1).
main(_) ->
  io:format("erlang ~s~n", [erlang:system_info(otp_release)]),
  io:format("~p~n", [lists:sum([work(N) || N <- lists:seq(0, 2000)])]),
  Self = self(),
  [spawn(fun() -> Self ! {K, work(20000 + K)} end) || K <- lists:seq(0, 3)],
  io:format("~p~n", [[receive {K, V} -> V end || K <- lists:seq(0, 3)]]),
  io:format("~s", [os:cmd("echo 42")]),
  io:format(standard_error, "an error~n", []),
  halt(5).
)";

constexpr std::string_view kR = R"(cat(R.version.string, "\n")
work <- function(n) { s <- 0; for (i in seq_len(n) - 1) s <- s + if (i %% 3 == 0) i else if (i %% 5 == 0) -i else 1; s }
cat(sum(vapply(1:500, work, 0)), "\n")
cat(system("echo 42", intern = TRUE), "\n")
message("an error")
quit(status = 5)
)";

constexpr std::string_view kSbcl = R"((format t "sbcl ~a~%" (lisp-implementation-version))
(defun work (n) (loop for i below n sum (cond ((zerop (mod i 3)) i) ((zerop (mod i 5)) (- i)) (t 1))))
(format t "~a~%" (loop for n below 2000 sum (work n)))
(format t "~a" (with-output-to-string (out) (sb-ext:run-program "/bin/echo" '("42") :output out)))
(format *error-output* "an error~%")
(finish-output)
(sb-ext:exit :code 5 :abort t)
)";

constexpr std::string_view kTcl = R"(puts "tcl [info patchlevel]"
proc work n { set s 0; for {set i 0} {$i < $n} {incr i} {
  incr s [expr {$i % 3 == 0 ? $i : $i % 5 == 0 ? -$i : 1}] }; return $s }
set sum 0; for {set n 0} {$n < 400} {incr n} { incr sum [work $n] }; puts $sum
puts [exec echo 42]; puts stderr "an error"; exit 5
)";

constexpr std::string_view kShell = R"(echo shell; s=0; i=0
while [ $i -lt 3000 ]; do case $((i % 3)) in 0) s=$((s + i));; *) s=$((s + 1));; esac; i=$((i + 1)); done
echo $s; (exit 7); echo "child ended $?"; printf '3\n1\n2\n' | sort | tr '\n' ' '
sleep 0 & wait $!; echo "$?"; echo "an error" >&2; exit 5
)";

constexpr SelftestProgram kPrograms[] = {
    {"python3", "python3", "%x %f", ".py", kPython},
    {"pypy3", "pypy3", "%x %f", ".py", kPython},
    {"node", "node nodejs", "%x %f", ".js", kNode},
    {"java", "java", "%x -Xshare:auto %f", ".java", kJava},
    {"ruby", "ruby", "%x %f", ".rb", kRuby},
    {"perl", "perl", "%x %f", ".pl", kPerl},
    {"php", "php",
     "%x -d opcache.enable_cli=1 -d opcache.jit_buffer_size=16M -d opcache.jit=tracing %f", ".php",
     kPhp},
    {"julia", "julia", "%x --startup-file=no %f", ".jl", kJulia},
    {"luajit", "luajit", "%x %f", ".lua", kLua},
    {"lua", "lua", "%x %f", ".lua", kLua},
    {"guile", "guile guile-3.0", "%x --no-auto-compile %f", ".scm", kGuile},
    {"erlang", "escript", "%x %f", ".escript", kErlang},
    {"R", "Rscript", "%x --vanilla %f", ".R", kR},
    {"sbcl", "sbcl", "%x --script %f", ".lisp", kSbcl},
    {"tcl", "tclsh", "%x %f", ".tcl", kTcl},
    {"sh", "sh", "%x %f", ".sh", kShell}};

}  // namespace

std::span<const SelftestProgram> selftest_programs() {
  return kPrograms;
}

}  // namespace jitcorral::command

# An ordinary Julia program: hundreds of methods, some of them large; exceptions and where they came from;
# many tasks; threads; a heap that grows by hundreds of megabytes. Prints results that do not depend on where
# anything lies; two runs must print the same. Exit status 1 if a stack trace is wrong.
#
#     julia julia_workload.jl SMALL-METHODS [hostile]
#
# With "hostile" the address space turns hostile once the first methods are compiled (hostile_layout.so must
# be preloaded).

wrong = 0

# Small methods, each a module of its own to the code generator.
function define_small(n)
    @eval @noinline function $(Symbol("small", n))(x::Int)
        s = $n
        for k in 1:x
            s += k * $(n + 1)
        end
        return s / $(n + 0.5)
    end
end

# A method whose code is large, most of which never runs: blocks of 1 MiB are soon full.
const JUMP, JUMP_BYTES = Sys.ARCH === :x86_64 ? ("jmp", 5) : ("b", 4)
function define_large(n, bytes)
    over = "call void asm sideeffect \"$JUMP . + $(JUMP_BYTES + bytes)\\0A .zero $bytes\", \"\"()\nret void"
    @eval @noinline function $(Symbol("large", n))(x::Int)
        Base.llvmcall($over, Cvoid, Tuple{})
        return x * $n + 1
    end
end

call(name, x) = Base.invokelatest(getfield(Main, name), x)

# Who threw and who called it, as the unwinder finds them by the tables beside the code.
@noinline throws(x) = x > 0 ? throw(ArgumentError("number $x")) : 1
function traced(n)
    caller = Symbol("traced", n)
    @eval @noinline $caller(x) = throws(x) + $n
    try
        call(caller, n)
    catch e
        frames = stacktrace(catch_backtrace())
        names = [f.func for f in frames if f.func === :throws || startswith(string(f.func), r"traced\d")]
        println(sprint(showerror, e), ", by ", join(names, " < "))
        if names != [:throws, caller]
            println("wrong stack trace")
            global wrong += 1
        end
    end
end

traced(1)
"hostile" in ARGS && ccall(:hostile_layout, Cvoid, ())

total = 0.0
for n in 1:parse(Int, ARGS[1])
    define_small(n)
    global total += call(Symbol("small", n), 10)
end
println("small methods: ", total)
sum_of_large = 0
for n in 1:20
    define_large(n, 200_000)
    global sum_of_large += call(Symbol("large", n), n)
    n % 5 == 0 && traced(10 + n)
end
println("large methods: ", sum_of_large)

# Every task has a stack of its own, 4 MiB each.
function count_by_tasks(count)
    results = Channel{Int}(count)
    tasks = [@async (yield(); put!(results, n)) for n in 1:count]
    foreach(wait, tasks)
    return sum(take!(results) for _ in 1:count)
end
println("tasks: ", count_by_tasks(100))

function sum_by_threads(count)
    sums = zeros(Int, count)
    Threads.@threads for n in 1:count
        sums[n] = sum(i * n for i in 1:10_000)
    end
    return sum(sums)
end
println("threads: ", sum_by_threads(64))

arrays = [fill(Float64(i), 1_000_000) for i in 1:16]
strings = [string(i, "-", j) for i in 1:400 for j in 1:1000]
boxes = Any[(i, Float64(i), Ref(i)) for i in 1:1_000_000]
println("heap: ", sum(sum, arrays), " ", sum(length, strings), " ", sum(b[3][] for b in boxes))
GC.gc()
println("after collection: ", length(boxes) + length(strings))
exit(wrong == 0 ? 0 : 1)

//! An ordinary JIT program on cranelift-jit: each thread compiles modules whose functions call each other, read and
//! write data objects, and call helpers of this executable; then runs them and checks every result against the same
//! arithmetic done here. Prints results, the same at every run. Exit status 0 only if all are right.

mod engine;
mod options;
mod places;
mod program;

use options::Options;
use program::Compiled;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one thread found: a line for each module, and the places of its code and data.
fn work(options: &Options, thread: usize) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let mut right = true;
    let mut previous: Option<Compiled> = None;
    for number in 0..options.modules {
        let seed = (thread * options.modules + number) as u64;
        let compiled = program::compile(options, seed, previous.as_ref());
        for x in [1, 1 << 40, u64::MAX - seed] {
            let got = compiled.call(x);
            let expected = program::expected(options, seed, x);
            right &= got == expected;
            let verdict = if got == expected { "right" } else { "WRONG" };
            lines.push(format!("thread {thread} module {number} f({x:#x}) = {got:#018x} {verdict}"));
        }
        if !compiled.counters_are(3) {
            right = false;
            lines.push(format!("thread {thread} module {number}: a counter is WRONG"));
        }
        // Modules are leaked, as most hosts do: their functions stay callable.
        previous = Some(compiled);
    }
    (lines, right)
}

fn main() {
    let options = options::parse();
    let before = places::executable_pages();
    // A heap of its own, as programs have: what a JIT maps comes between.
    let heap: Vec<Vec<u8>> = (0..options.heap).map(|n| vec![n as u8; 1 << 20]).collect();
    let found: Vec<(Vec<String>, bool)> = std::thread::scope(|scope| {
        let others: Vec<_> =
            (1..options.threads).map(|t| scope.spawn({ let options = &options; move || work(options, t) })).collect();
        let mut all = vec![work(&options, 0)];
        // A panic of a thread is this program's: exit status 101.
        all.extend(others.into_iter().map(|t| t.join().expect("a thread panicked")));
        all
    });
    places::say_executable_pages(&before);
    assert!(heap.iter().enumerate().all(|(n, block)| block.iter().all(|b| *b == n as u8)), "the heap was overwritten");
    let right = found.iter().all(|(_, right)| *right);
    for (lines, _) in &found {
        for line in lines {
            println!("{line}");
        }
    }
    println!("{}", if right { "all right" } else { "WRONG" });
    std::process::exit(if right { 0 } else { 1 });
}

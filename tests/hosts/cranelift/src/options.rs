//! The command line. Sizes in KiB.

#[derive(Clone, Debug)]
pub struct Options {
    pub threads: usize,
    pub modules: usize,   // of each thread
    pub functions: usize, // of each module
    pub large: usize,     // of these, how many are of more than 128 KiB of instructions
    pub code: usize,      // KiB that functions are padded to: every
    pub every: usize,     // so many'th
    pub data: usize,      // KiB of each data object
    pub arena: usize,     // MiB of cranelift-jit's ArenaMemoryProvider; 0: its system provider
    pub heap: usize,      // MiB of this program's own heap
    pub pic: bool,        // is_pic of the code generator
    pub near_helpers: bool, // helpers of the executable called as colocated, too
    pub far_after: usize, // makes what is mapped after this many functions of a module land far away; 0: never
}

const USAGE: &str = "usage: cranelift-host [--threads N] [--modules N] [--functions N] [--large N] [--code KIB]
  [--every N] [--data KIB] [--arena MIB] [--heap MIB] [--pic] [--near-helpers] [--far-after N]";

pub fn parse() -> Options {
    let mut options = Options {
        threads: 1,
        modules: 2,
        functions: 12,
        large: 0,
        code: 0,
        every: 1,
        data: 0,
        arena: 0,
        heap: 8,
        pic: false,
        near_helpers: false,
        far_after: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || match words.next().and_then(|n| n.parse().ok()) {
            Some(n) => n,
            None => fail(&format!("{word} needs a number")),
        };
        match word.as_str() {
            "--threads" => options.threads = number(),
            "--modules" => options.modules = number(),
            "--functions" => options.functions = number(),
            "--large" => options.large = number(),
            "--code" => options.code = number(),
            "--every" => options.every = number().max(1),
            "--data" => options.data = number(),
            "--arena" => options.arena = number(),
            "--heap" => options.heap = number(),
            "--far-after" => options.far_after = number(),
            "--pic" => options.pic = true,
            "--near-helpers" => options.near_helpers = true,
            "--version" => {
                println!("{}", env!("CARGO_PKG_VERSION"));
                std::process::exit(0);
            }
            _ => fail(&format!("unknown option {word}")),
        }
    }
    options
}

fn fail(what: &str) -> ! {
    eprintln!("{what}\n{USAGE}");
    std::process::exit(2);
}

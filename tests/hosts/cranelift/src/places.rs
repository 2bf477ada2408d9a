//! Where code and data lie, said if HOST_SAYS_WHERE is set; and how to make what comes next lie far away.

use std::io::Write;

fn wanted() -> bool {
    std::env::var_os("HOST_SAYS_WHERE").is_some()
}

pub fn say(kind: &str, at: *const u8, size: usize) {
    if wanted() {
        writeln!(std::io::stdout().lock(), "jit {kind} {:#x} {size}", at as usize).unwrap();
    }
}

const PAGE: usize = 4096;

/// Every executable page that is no file's. Some are there before anything is compiled: an emulator's.
pub fn executable_pages() -> Vec<usize> {
    let mut pages = Vec::new();
    if !wanted() {
        return pages;
    }
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let anonymous = words.len() == 5 || words[5] == "[heap]";
        if !anonymous || !words[1].contains('x') {
            continue;
        }
        let (begin, end) = words[0].split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        pages.extend((number(begin)..number(end)).step_by(PAGE));
    }
    pages
}

/// Also the stubs that cranelift-jit does not tell of are code.
pub fn say_executable_pages(before: &[usize]) {
    executable_pages().iter().filter(|p| !before.contains(p)).for_each(|p| say("code", *p as *const u8, PAGE));
}

/// Another part of the program reserves 5 GiB for its heap just now, as big programs do; where a preload that makes
/// address spaces hostile is loaded, it does so instead.
pub fn make_the_rest_far() {
    unsafe {
        let hostile = libc::dlsym(libc::RTLD_DEFAULT, c"hostile_layout".as_ptr());
        if !hostile.is_null() {
            return std::mem::transmute::<*mut libc::c_void, extern "C" fn()>(hostile)();
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let reserved = libc::mmap(std::ptr::null_mut(), 5 << 30, libc::PROT_NONE, flags, -1, 0);
        assert_ne!(reserved, libc::MAP_FAILED, "no 5 GiB of address space");
    }
}

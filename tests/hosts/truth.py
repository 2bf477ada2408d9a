"""Who was steered, against the truth: strace -k shows the whole stack of every mmap. Every call that
LLVM's allocateMappedMemory made must lie inside the window, and no other call of the host's own."""

import argparse
import re
import shutil
import subprocess
import tempfile

from host_test import clean_environment, expect, main, own_lines, skip

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("--least", type=int, default=1, help="how many LLVM calls there must be")
options.add_argument("command", nargs="+")
options = options.parse_args()

CALL = re.compile(r"^(?:\d+ +)?mmap\(.*\) = 0x([0-9a-f]+)")
LENGTH = re.compile(r"mmap\([^,]*, (\d+)")


def calls(trace):
    """(address, length, first line, stack) of each successful mmap."""
    current = None
    for line in trace:
        if line.startswith(" > "):
            if current:
                current[3].append(line)
            continue
        if current:
            yield current
        match = CALL.match(line)
        current = (int(match[1], 16), int(LENGTH.search(line)[1]), line.strip(), []) if match else None
    if current:
        yield current


def test():
    if not shutil.which("strace"):
        skip("no strace")
    with tempfile.NamedTemporaryFile("r") as trace:
        command = ["strace", "-k", "-e", "trace=mmap", "-o", trace.name, "-E", f"LD_PRELOAD={options.shim}",
                   "-E", "JITCORRAL_VERBOSE=1", "-E", "JITCORRAL_STATS=1", *options.command]
        result = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
        expect(result.returncode == 0, result.stdout + result.stderr)
        (window,) = own_lines(result.stderr, "window")
        base, size = int(window["base"], 16), int(window["size"])
        llvm, llvm_outside, others, others_inside = 0, [], 0, []
        for address, length, line, stack in calls(trace):
            through_door = any("libjitcorral.so" in frame for frame in stack[:6])
            if not through_door or "PROT_NONE" in line:
                continue  # the dynamic linker's and libc's own, and our reservation
            inside = base <= address and address + length <= base + size
            if any("allocateMappedMemory" in frame for frame in stack):
                llvm += 1
                if not inside:
                    llvm_outside.append(line)
            else:
                others += 1
                if inside:
                    others_inside.append(line)
        print(f"LLVM's calls: {llvm}, outside the window: {len(llvm_outside)}; "
              f"others: {others}, inside: {len(others_inside)}")
        expect(llvm >= options.least, f"only {llvm} LLVM calls were seen: the test sees nothing")
        expect(not llvm_outside, f"not steered: {llvm_outside[:5]}")
        expect(not others_inside, f"steered, but not LLVM's: {others_inside[:5]}")
        counts = own_lines(result.stderr, "exit")[-1]
        expect(int(counts["steered"]) == llvm, f"counted {counts['steered']}, truth {llvm}")


main(test)

"""A host that needs no window: same output, no steering, no window opened, and at most 2 % more
system calls (or the shim's own two at start)."""

import argparse
import shutil
import subprocess
import tempfile

from host_test import clean_environment, describe, expect, main, own_lines, run

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("command", nargs="+")
options = options.parse_args()


def system_calls(*environment):
    with tempfile.NamedTemporaryFile("r") as trace:
        subprocess.run(["strace", "-f", "-o", trace.name, *environment, *options.command],
                       env=clean_environment(), capture_output=True, check=True)
        lines = trace.readlines()
        calls = sum(1 for line in lines if " resumed>" not in line)
        return calls, sum(1 for line in lines if "execve" in line and line.rstrip().endswith("= 0"))


def test():
    bare = run(options.command)
    shim = run(options.command, LD_PRELOAD=options.shim, STATS=1, VERBOSE=1)
    expect(shim.returncode == bare.returncode and shim.stdout == bare.stdout, describe(shim))
    expect(not own_lines(shim.stderr, "window"), f"a window was opened: {shim.stderr}")
    expect(all(line["steered"] == "0" for line in own_lines(shim.stderr, "exit")), shim.stderr)
    if shutil.which("strace"):
        # The dynamic linker maps the library in a dozen calls, in each program; then come our two.
        (without, programs), (under, _) = system_calls(), system_calls("-E", f"LD_PRELOAD={options.shim}")
        print(f"system calls: bare {without}, under the shim {under}, in {programs} programs")
        expect(under <= without * 1.02 + 14 * programs, "more system calls than +2 %")


main(test)

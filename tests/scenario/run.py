#!/usr/bin/python3
"""Runs a scenario bare and under the shim; output, standard error and exit status must be equal.

Lines of standard error that begin with "[jitcorral:" are the shim's (or the scenario's own asides):
they are taken out before comparing, and judged by themselves.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ALL = {"JITCORRAL_POLICY": "all"}
# What each mode sets, and whether the scenario must be served there.
MODES = {
    "all": (ALL, True),
    "exe": (ALL | {"JITCORRAL_NEAR": "exe"}, True),
    "low": (ALL | {"JITCORRAL_NEAR": "low"}, True),
    "w64": (ALL | {"JITCORRAL_WINDOW": "64M"}, True),
    "w1": (ALL | {"JITCORRAL_WINDOW": "1M"}, True),
    "w1fail": (ALL | {"JITCORRAL_WINDOW": "1M", "JITCORRAL_ON_FULL": "fail"}, True),
    "near-libc": (ALL | {"JITCORRAL_NEAR": "libc.so*"}, True),
    "include": ({"JITCORRAL_POLICY": "auto", "JITCORRAL_INCLUDE": "*"}, True),
    "include-exe": ({"JITCORRAL_POLICY": "auto", "JITCORRAL_INCLUDE": "{exe}"}, True),
    "auto": ({"JITCORRAL_POLICY": "auto"}, None),
    "scatter": ({"JITCORRAL_POLICY": "scatter", "JITCORRAL_INCLUDE": "*"}, True),
    "observe": (ALL | {"JITCORRAL_POLICY": "observe"}, False),
    "off": ({"JITCORRAL_POLICY": "off"}, False),
}


def describe(status):
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"


class Run:
    def __init__(self, arguments, environment, preload, directory, emulator=()):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("JITCORRAL_") and k != "LD_PRELOAD"}
        # The path of the scenario's own libraries may hold no colon or space.
        own = {**environment, **({"LD_PRELOAD": ":".join(preload)} if preload else {})}
        if emulator:  # which must not load the shim itself
            arguments = [*emulator, *(w for k, v in own.items() for w in ("-E", f"{k}={v}")), *arguments]
        else:
            env.update(own)
        process = subprocess.Popen(arguments, env=env, cwd=directory, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        try:
            out, err = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # a session of its own, and nobody else's
            out, err = process.communicate()
            out += b"\nDID NOT END\n"
        self.out = out.decode(errors="replace")
        lines = err.decode(errors="replace").splitlines()
        self.err = [l for l in lines if not l.startswith("[jitcorral:")]
        self.said = [l for l in lines if l.startswith("[jitcorral:")]
        self.status = process.returncode

    def tagged(self, tag):
        return [l for l in self.said if l.startswith(f"[jitcorral:{tag}]")]

    def count(self, name):
        return sum(int(n) for l in self.tagged("exit") for n in re.findall(rf" {name}=(\d+)", l))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shim", required=True)
    parser.add_argument("--mode", required=True, choices=MODES)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--beside", help="a library that is preloaded in both runs")
    parser.add_argument("--front", action="store_true", help="... in front of the shim")
    parser.add_argument("--served", choices=["yes", "no", "unknown"])
    parser.add_argument("--fallbacks", default="0",
                        help="how many [jitcorral:fallback] lines a process may say")
    parser.add_argument("--configs", type=int, default=0, help="how many [jitcorral:config] lines")
    parser.add_argument("--expect", action="append", default=[], metavar="REGEX",
                        help="must match a line of the shim or an aside")
    parser.add_argument("--bare-status", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="every call is recorded besides")
    parser.add_argument("--no-stats", action="store_true", help="without JITCORRAL_STATS=1")
    parser.add_argument("--through", help="a command that runs the program in another layout")
    parser.add_argument("--emulator", help="a command that runs the program on another ISA, qemu-user's")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()

    variables, served = MODES[options.mode]
    if options.served:
        served = {"yes": True, "no": False, "unknown": None}[options.served]
    exe = os.path.basename(options.program[0])
    variables = {k: v.replace("{exe}", exe) for k, v in variables.items()}
    if not options.no_stats:
        variables["JITCORRAL_STATS"] = "1"
    if options.record:
        variables["JITCORRAL_RECORD"] = "file:{folder}/ring-%p-%e"
    variables.update(v.split("=", 1) for v in options.set)
    beside = [options.beside] if options.beside else []
    preload = beside + [options.shim] if options.front else [options.shim] + beside

    if options.through:
        through = options.through.split()
        through[0] = shutil.which(through[0]) or sys.exit(77)
        if subprocess.run(through + ["/bin/true"], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            print("skipped:", options.through, "does not work here")
            return 77
        options.program = through + options.program

    emulator = options.emulator.split() if options.emulator else []
    with (tempfile.TemporaryDirectory(dir=os.getcwd()) as directory,
          tempfile.TemporaryDirectory() as rings):
        variables = {k: v.replace("{folder}", rings) for k, v in variables.items()}
        bare = Run([a.replace("{shim}", "bare") for a in options.program], {}, beside, directory, emulator)
        if bare.status == 77:
            print("skipped:", " ".join(bare.err))
            return 77
        shim = Run([a.replace("{shim}", options.shim) for a in options.program], variables,
                   preload if "{shim}" not in options.program else [], directory, emulator)

    wrong = []
    if bare.status != options.bare_status:
        wrong.append(f"the scenario itself fails without the shim: {describe(bare.status)}")
    if bare.status != shim.status:
        wrong.append(f"bare: {describe(bare.status)}; under the shim: {describe(shim.status)}")
    if bare.out != shim.out:
        theirs, ours = bare.out.splitlines(), shim.out.splitlines()
        wrong.append(f"output differs ({len(theirs)} lines bare, {len(ours)} under the shim):")
        differing = [i for i in range(max(len(theirs), len(ours)))
                     if theirs[i:i + 1] != ours[i:i + 1]]
        for i in differing[:12]:
            wrong.append(f"  line {i + 1} bare: {' '.join(theirs[i:i + 1])}")
            wrong.append(f"  line {i + 1} shim: {' '.join(ours[i:i + 1])}")
    if bare.err != shim.err:
        wrong.append(f"standard error differs: {bare.err[:5]} {shim.err[:5]}")
    steered = shim.count("steered")
    if served is True and steered == 0:
        wrong.append("nothing was steered")
    if served is False and steered != 0:
        wrong.append(f"{steered} calls were steered")
    if options.fallbacks != "any":
        by_process = {}
        for line in shim.tagged("fallback"):
            pid = re.search(r"pid=(\d+)", line).group(1)
            by_process[pid] = by_process.get(pid, 0) + 1
        most = max(by_process.values(), default=0)
        if most != int(options.fallbacks):
            wrong.append(f"{most} [jitcorral:fallback] lines, expected {options.fallbacks}")
    if len(shim.tagged("config")) != options.configs:
        wrong.append(f"{len(shim.tagged('config'))} [jitcorral:config] lines, "
                     f"expected {options.configs}")
    for pattern in options.expect:
        if not any(re.search(pattern, line) for line in shim.said):
            wrong.append(f"no line matches {pattern}")
    if wrong:
        print("\n".join(wrong))
        if os.environ.get("VERBOSE"):
            print(bare.out)
    for line in shim.said[:12]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

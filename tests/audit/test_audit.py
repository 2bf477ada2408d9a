"""`jitcorral audit` of real processes: what it says against what happens when the code is called.

test_audit.py NAME COMMAND SHIM FAR_CODE; a function behind @test is a test.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from trial import CLEAN, ROOT, Skip, expect, main, test

HERE = pathlib.Path(__file__).resolve().parent
class Bench:
    def __init__(self, folder, command, shim, far_code):
        self.folder, self.command, self.shim, self.far_code = folder, command, shim, far_code
        self.environment = {**CLEAN, "HOME": folder}
        self.started = []

    def start(self, *command, **environment):
        """A program that prints `ready ...` and waits; the words of that line."""
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**self.environment, **environment})
        self.started.append(process)
        line = process.stdout.readline().split()
        expect(line and line[0] == "ready", f"{command} did not start: {line}")
        return process, line[1:]

    def under_shim(self, **more):
        return {"LD_PRELOAD": self.shim, "JITCORRAL_RECORD": "off", **more}

    def run(self, *arguments, **keywords):
        return subprocess.run([self.command, "audit", *map(str, arguments)], env=self.environment, text=True,
                              capture_output=True, timeout=60, **keywords)

    def audit(self, process, *arguments):
        """(exit status, the JSON); the text is tried too, and has to say the same."""
        text = self.run(*arguments, process.pid)
        result = self.run("--json", "--limit", 0, *arguments, process.pid)
        expect(result.returncode == text.returncode, text.stdout + text.stderr + result.stderr)
        said = json.loads(result.stdout)
        expect(text.stdout.startswith(f"{said['verdict']}: "), text.stdout)
        return result.returncode, said

    def call(self, process):
        """What comes of calling the code: (exit status, output)."""
        output, _ = process.communicate("call\n", timeout=60)
        return process.returncode, output.strip()

    def end(self):
        for process in self.started:
            process.kill()
            process.communicate()


def expect_status(got, wanted, said):
    expect(got == wanted, f"exit status {got}: {json.dumps(said, indent=1)}")


@test
def code_within_reach_is_within_reach(bench):
    process, _ = bench.start(bench.far_code, "near")
    status, said = bench.audit(process)
    expect_status(status, 0, said)
    expect(said["verdict"] == "within-reach" and said["references"]["seen"] == 1, said)
    expect(said["references"]["landed"] == 1 and said["misses"] == [], said)
    expect(bench.call(process) == (0, "4711"), "the truth is another")


@test
def a_cut_off_reference_is_found_before_it_is_executed(bench):
    process, (code, to, meant) = bench.start(bench.far_code, "far")
    status, said = bench.audit(process)
    expect_status(status, 3, said)
    (miss,) = said["misses"]
    expect((miss["from"], miss["to"], miss["landing"]) == (code, to, "nowhere"), miss)
    expect(miss["cut_off"]["meant"] == meant and miss["cut_off"]["times"] == 3, miss)
    expect(miss["proof"] and miss["access"] == "read" and miss["bytes"] == 8, miss)
    expect(bench.call(process)[0] == -11, "the truth is another")


@test
def memory_that_lies_there_by_luck_is_seen_through(bench):
    process, (_, to, meant) = bench.start(bench.far_code, "luck")
    status, said = bench.audit(process)
    expect_status(status, 3, said)
    (miss,) = said["misses"]
    expect((miss["to"], miss["landing"], miss["cut_off"]["meant"]) == (to, "stranger", meant), miss)
    expect(bench.call(process) == (0, "0"), "the truth is another: it reads what is not its own")


@test
def a_miss_that_no_cut_off_explains_is_unknown(bench):
    process, _ = bench.start(bench.far_code, "gone")
    status, said = bench.audit(process)
    expect_status(status, 4, said)
    expect(said["verdict"] == "unknown" and said["misses"][0]["cut_off"] is None, said)


@test
def a_process_without_a_jit_has_none(bench):
    process, _ = bench.start("/bin/sh", "-c", "echo ready; read line")
    status, said = bench.audit(process)
    expect_status(status, 0, said)
    expect(said["verdict"] == "no-jit" and said["code"]["mappings"] == 0, said)


@test
def all_also_decodes_executables_and_libraries(bench):
    process, _ = bench.start(bench.far_code, "near")
    status, said = bench.audit(process, "--all")
    expect_status(status, 0, said)
    expect(said["references"]["seen"] > 1000, said["references"])


@test
def the_process_goes_on_and_is_traced_by_nobody(bench):
    process, _ = bench.start(bench.far_code, "near")
    before = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
    bench.audit(process)
    expect(pathlib.Path(f"/proc/{process.pid}/maps").read_text() == before, "its mappings changed")
    expect("TracerPid:\t0\n" in pathlib.Path(f"/proc/{process.pid}/status").read_text(), "it is traced")
    expect(bench.call(process) == (0, "4711"), "it did not go on")


@test
def who_may_not_read_it_is_told_why(bench):
    if os.geteuid() != 0:
        raise Skip("not root: no other user to be")
    process, _ = bench.start(bench.far_code, "near")
    command = shutil.copy(bench.command, "/tmp/jitcorral-audit-of-nobody")
    try:
        result = subprocess.run([command, "audit", str(process.pid)], user=65534, group=65534, extra_groups=[],
                                env={**CLEAN, "HOME": "/nonexistent"}, capture_output=True, text=True, cwd="/")
    finally:
        os.unlink(command)
    expect(result.returncode == 1 and not result.stdout, result)
    expect(result.stderr.startswith("jitcorral: ") and result.stderr.count("\n") == 1, result.stderr)
    for part in (str(process.pid), "uid 0", "uid 65534", "sudo"):
        expect(part in result.stderr, result.stderr)


@test
def a_process_that_is_not_there_is_said(bench):
    process, _ = bench.start("/bin/sh", "-c", "echo ready")
    process.wait()
    result = bench.run(process.pid)
    expect(result.returncode == 1 and f"no process {process.pid}" in result.stderr, result)


@test
def an_emulated_process_needs_its_record(bench):
    python = ROOT / "build/aarch64-sysroot/usr/bin/python3"
    if not python.exists() or not shutil.which("qemu-aarch64"):
        raise Skip("no qemu-aarch64 with an arm64 userland (scripts/aarch64-sysroot)")
    process = subprocess.Popen(["qemu-aarch64", "-L", ROOT / "build/aarch64-sysroot", python, "-c", "input()"],
                               stdin=subprocess.PIPE)
    try:
        result = bench.run(process.pid)
    finally:
        process.kill()
        process.communicate()
    expect(result.returncode == 1, result)
    for part in ("emulated", "aarch64", "--ring"):
        expect(part in result.stderr, result.stderr)


def llvmlite(bench, *arguments, **environment):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import llvmlite"], capture_output=True).returncode != 0:
        raise Skip("no llvmlite (package python3-llvmlite)")
    return bench.start(python, HERE / "llvmlite_waits.py", *arguments, **environment)[0]


@test
def llvmlite_under_auto_is_within_reach(bench):
    process = llvmlite(bench, "--hostile", **bench.under_shim())
    status, said = bench.audit(process)
    expect_status(status, 0, said)
    expect(said["verdict"] == "within-reach" and said["references"]["seen"] > 30, said)
    expect(bench.call(process) == (0, "right"), "the truth is another")


@test
def llvmlite_in_a_hostile_address_space_is_out_of_reach(bench):
    process = llvmlite(bench, "--hostile")
    status, said = bench.audit(process)
    expect_status(status, 3, said)
    # Modules 1 to 5 each load two addresses from their GOT and jump by it; the second calls the first, too.
    expect(said["references"]["cut_off"] == 16, said)
    expect(all(m["cut_off"]["bits"] == 32 for m in said["misses"]), said)
    expect(bench.call(process)[0] == -11, "the truth is another")


@test
def llvmlite_scattered_is_out_of_reach_and_the_record_knows_what_was_meant(bench):
    ring = os.path.join(bench.folder, "ring")
    process = llvmlite(bench, **bench.under_shim(JITCORRAL_POLICY="scatter", JITCORRAL_SEED="7",
                                                 JITCORRAL_RECORD=f"file:{ring}"))
    status, said = bench.audit(process, "--ring", ring)
    expect_status(status, 3, said)
    expect(said["references"]["cut_off"] > 10, said)
    for miss in said["misses"]:
        expect(miss["cut_off"]["place"]["engine"].startswith("LLVM "), miss)
    expect(bench.call(process)[0] == -11, "the truth is another")


if __name__ == "__main__":
    sys.exit(main(Bench))

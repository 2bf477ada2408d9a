"""`jitcorral explain --core` of real cores: what it says against how the process was made to die.

test_core.py NAME COMMAND SHIM CRASHES; a function behind @test is a test.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "audit"))
from trial import CLEAN, ROOT, Skip, expect, main, test  # noqa: E402
class Bench:
    def __init__(self, folder, command, shim, crashes):
        self.folder, self.command, self.shim, self.crashes = pathlib.Path(folder), command, shim, crashes
        self.environment = {**CLEAN, "HOME": folder}

    def end(self):
        """Nothing of it goes on."""

    def die(self, *command, pattern="core*", most=resource.RLIM_INFINITY, **environment):
        """(the core, what was printed) of a program that dies."""
        # With most, of qemu the core of its program is there, and not all of qemu's own.
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if hard == 0:
            raise Skip("cores are not allowed here (ulimit -Hc is 0)")
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard) if most > 0 else hard
        result = subprocess.run(command, cwd=self.folder, env={**self.environment, **environment}, text=True,
                                input="call\n", capture_output=True, timeout=60,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (soft, hard)))
        expect(result.returncode < 0, "it did not die", result)
        cores = sorted(self.folder.glob(pattern))
        expect(cores, f"no core {pattern} in {list(self.folder.iterdir())}")
        return cores[0], result.stdout.split()

    def native(self, *command, **environment):
        where = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        if "/" in where or where.startswith("|") or not where.startswith("core"):
            raise Skip(f"the kernel's cores go elsewhere (core_pattern: {where})")
        return self.die(*command, **environment)

    def crash(self, how):
        core, printed = self.native(self.crashes, how)
        return core, *printed

    def crash_of_aarch64(self, how):
        compiler = shutil.which("aarch64-linux-gnu-gcc")
        if not compiler or not shutil.which("qemu-aarch64"):
            raise Skip("no aarch64-linux-gnu-gcc, or no qemu-aarch64")
        program = self.folder / "crashes_of_aarch64"
        subprocess.run([compiler, "-O1", "-static", "-o", program, HERE / "crashes.c"], check=True)
        core, printed = self.die("qemu-aarch64", program, how, pattern="qemu_*.core", most=32 << 20)
        return core, *printed

    def run(self, *arguments):
        return subprocess.run([self.command, "explain", *map(str, arguments)], env=self.environment, text=True,
                              capture_output=True, timeout=60)

    def explain(self, core, *arguments):
        """(exit status, the JSON); the text is tried too, and has to say the same."""
        text = self.run("--core", core, *arguments)
        result = self.run("--json", "--limit", 0, "--core", core, *arguments)
        expect(result.returncode == text.returncode, text.stdout + text.stderr + result.stderr)
        expect(result.stdout, result.stderr)
        said = json.loads(result.stdout)
        first = text.stdout.split("\n\n")[0]
        expect(" ".join(first.split()) == " ".join(said["headline"].split()), text.stdout, said["headline"])
        return result.returncode, said


def expect_cause(outcome, printed, bits, times=3):
    status, said = outcome
    expect(status == 3 and said["conclusion"] == "cause", json.dumps(said, indent=1))
    cut = said["culprit"]["cut_off"]
    expect((said["culprit"]["from"], cut["meant"]) == tuple(printed), said["culprit"], printed)
    expect((cut["bits"], cut["times"]) == (bits, times), cut)
    expect(said["in_jit"] and said["instruction"], said)
    expect(f"2^{bits}" in said["headline"] and "LD_PRELOAD" in said["headline"], said["headline"])
    return said


def expect_ruled_out(outcome):
    status, said = outcome
    expect(status == 0 and said["conclusion"] == "ruled-out", json.dumps(said, indent=1))
    expect(said["headline"].startswith("placement ruled out: "), said["headline"])
    return said


DATA = {"x86_64": 32, "aarch64": 33}
CALL = {"x86_64": 32, "aarch64": 28}
HOST = os.uname().machine


@test
def a_load_that_is_cut_off_is_the_cause(bench):
    core, *printed = bench.crash("load")
    said = expect_cause(bench.explain(core), printed, DATA[HOST])
    expect(said["signal"] == signal.SIGSEGV and said["pc"] == said["instruction"]["at"], said)
    expect(said["bytes"] == 8 and said["access"] == "read" and said["touched_place"] is None, said)


@test
def the_address_in_a_register_is_traced_to_what_made_it(bench):
    core, *printed = bench.crash("pointer")
    said = expect_cause(bench.explain(core), printed, DATA[HOST])
    expect(said["origin"]["end"] == "constant", said["origin"])
    expect(said["origin"]["steps"][-1]["at"] == printed[0], said["origin"])


@test
def a_call_that_is_cut_off_is_found_by_its_return_address(bench):
    core, *printed = bench.crash("call")
    said = expect_cause(bench.explain(core), printed, CALL[HOST])
    expect(said["sent_away"] and said["instruction"]["at"] == printed[0], said)
    expect(said["pc"] == said["touched"] and said["pc_place"] is None, said)


@test
def a_jump_that_is_cut_off_is_found_though_nothing_returns_to_it(bench):
    core, *printed = bench.crash("tail")
    status, said = bench.explain(core)
    expect(status == 3 and said["conclusion"] == "cause", said)
    expect(said["culprit"]["from"] == printed[0] and said["culprit"]["cut_off"]["meant"] == printed[1], said)


@test
def a_stub_whose_slot_is_cut_off_is_the_cause(bench):
    core, *printed = bench.crash("stub")
    expect_cause(bench.explain(core), printed, DATA[HOST])


@test
def a_null_pointer_is_not_placement(bench):
    core, *_ = bench.crash("null")
    said = expect_ruled_out(bench.explain(core))
    expect(said["in_jit"] and said["touched"] == "0x0" and said["origin"]["end"] == "loaded", said)


@test
def a_call_by_a_bad_pointer_is_not_placement(bench):
    core, *_ = bench.crash("away")
    said = expect_ruled_out(bench.explain(core))
    expect(said["sent_away"] and said["origin"]["end"] == "loaded", said)


@test
def a_program_that_aborts_itself_is_unknown(bench):
    core, *_ = bench.crash("abort")
    status, said = bench.explain(core)
    expect(status == 4 and "aborted itself" in said["headline"], said["headline"])


@test
def a_program_without_a_jit_is_ruled_out(bench):
    core, = bench.crash("none")
    said = expect_ruled_out(bench.explain(core))
    expect("no code of a JIT" in said["headline"], said["headline"])
    # The program's own code is read from its file, which the kernel leaves out.
    expect(said["instruction"] and said["touched"] == "0x0" and not said["in_jit"], said)


@test
def another_build_of_the_program_is_not_taken_for_it(bench):
    program = bench.folder / "program"
    shutil.copy(bench.crashes, program)
    core, _ = bench.native(program, "none")
    shutil.copy("/bin/true", program)
    status, said = bench.explain(core)
    expect(said["instruction"] is None and any("another build" in what for what in said["missing"]), said)
    _, said = bench.explain(core, "--exe", bench.crashes)
    expect(said["instruction"] and not said["missing"], said)


@test
def cores_of_emulated_aarch64_are_read_on_this_machine(bench):
    for how, bits in (("load", 33), ("pointer", 33), ("call", 28), ("stub", 33)):
        core, *printed = bench.crash_of_aarch64(how)
        said = expect_cause(bench.explain(core), printed, bits)
        expect(said["isa"] == "aarch64", said["isa"])
        core.unlink()
    for how in ("null", "away"):
        core, *_ = bench.crash_of_aarch64(how)
        expect_ruled_out(bench.explain(core))
        core.unlink()


@test
def the_core_of_an_emulator_itself_is_said_to_be_one(bench):
    if not shutil.which("qemu-aarch64") or not shutil.which("aarch64-linux-gnu-gcc"):
        raise Skip("no aarch64-linux-gnu-gcc, or no qemu-aarch64")
    program = bench.folder / "program"
    subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", program, HERE / "crashes.c"], check=True)
    core, _ = bench.native("qemu-aarch64", program, "load")
    status, said = bench.explain(core)
    expect(status == 4 and "emulat" in said["headline"], said["headline"])


@test
def a_core_that_is_cut_off_is_read_as_far_as_it_goes(bench):
    core, *printed = bench.crash("load")
    whole = core.read_bytes()
    # All of the JIT's code, which lies lowest, is before; the stack, which lies highest, is not.
    core.write_bytes(whole[:len(whole) - 100000])
    said = expect_cause(bench.explain(core), printed, DATA[HOST])
    expect(any("cut off" in what for what in said["missing"]), said["missing"])
    core.write_bytes(whole[:8192])
    status, said = bench.explain(core)
    expect(status in (3, 4) and any("cut off" in what for what in said["missing"]), said)


@test
def what_is_no_core_is_refused_in_one_line(bench):
    packed = bench.folder / "packed"
    packed.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    for path, part in (("/nonexistent", "No such file"), ("/bin/sh", "not a core"), ("/etc/passwd", "not an ELF"),
                       ("/dev/zero", "regular"), (packed, "zstd")):
        result = bench.run("--core", path)
        expect(result.returncode == 1 and not result.stdout, result)
        expect(part in result.stderr and str(path) in result.stderr and result.stderr.count("\n") == 1, result.stderr)
    result = bench.run("--core", "/bin/sh", "12")
    expect(result.returncode == 2 and "--core" in result.stderr, result)


def llvmlite(bench, *arguments, **environment):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import llvmlite"], capture_output=True).returncode != 0:
        raise Skip("no llvmlite (package python3-llvmlite)")
    return bench.native(python, ROOT / "tests/audit/llvmlite_waits.py", *arguments, **environment)


@test
def llvmlite_that_died_in_a_hostile_address_space_was_cut_off(bench):
    core, _ = llvmlite(bench, "--hostile")
    status, said = bench.explain(core)
    expect(status == 3 and said["conclusion"] == "cause", json.dumps(said, indent=1))
    expect(said["culprit"]["cut_off"]["bits"] == 32 and said["audit"]["references"]["cut_off"] == 16, said)
    expect(any("LLVM" in name for name in said["engines"]) and not said["under_shim"], said)


@test
def llvmlite_that_died_scattered_was_cut_off_and_the_shim_is_seen(bench):
    core, _ = llvmlite(bench, LD_PRELOAD=bench.shim, JITCORRAL_POLICY="scatter", JITCORRAL_SEED="7",
                       JITCORRAL_RECORD="off")
    status, said = bench.explain(core)
    # Where a cut-off reference happens to read code, what is loaded from there is what crashes later.
    expect(status == 3 and said["conclusion"] in ("cause", "can-be"), json.dumps(said, indent=1))
    expect(said["audit"]["references"]["cut_off"] > 10, said["audit"])
    expect(said["under_shim"] and "jitcorral explain" in said["headline"], said["headline"])


if __name__ == "__main__":
    sys.exit(main(Bench))

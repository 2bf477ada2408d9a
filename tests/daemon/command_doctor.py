"""`jitcorral doctor`: real executables of each kind, hosts of this machine, and the machine's answers to hostile files.
Arguments: the command, the folder of samples (doctor.cmake)."""

import json
import os
import platform
import pty
import re
import shutil
import subprocess
import sys
import unittest

SAMPLES = os.path.abspath(sys.argv.pop(2))

import command_frame  # noqa: E402  (it takes the command from the arguments)
from command_frame import CommandTest  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM = os.path.join(SAMPLES, "libLLVM-14.so.1")  # any library of this machine's ISA: it is only looked at


def sample(name):
    return os.path.join(SAMPLES, name)


class DoctorTest(CommandTest):
    def doctor(self, *command, status=0, shim=SHIM, **environment):
        result = self.run_command("doctor", "--json", "--shim", shim, "--", *command,
                                  env={**self.environment, **environment})
        self.assertEqual((result.returncode, result.stderr), (status, ""))
        return json.loads(result.stdout)

    def text(self, *command, status=0):
        result = self.run_command("doctor", "--shim", SHIM, "--", *command)
        self.assertEqual((result.returncode, result.stderr), (status, ""))
        return result.stdout

    def ids(self, notes):
        return {note["id"] for note in notes}


class Samples(DoctorTest):
    def test_a_program_without_a_jit(self):
        found = self.doctor(sample("plain"))
        self.assertEqual((found["answer"], found["linkage"], found["engines"]), ("nothing-to-serve", "pie", []))
        self.assertEqual(self.doctor(sample("non_pie"))["linkage"], "non-pie")

    def test_a_stripped_cranelift_host(self):
        found = self.doctor(sample("cranelift"))
        self.assertEqual(found["answer"], "serves")
        engine, = found["engines"]
        self.assertEqual((engine["engine"], engine["version"]), ("Cranelift", "0.116.1"))
        self.assertEqual(engine["reach"]["delta32"]["limit"], 2**31 - 1)

    def test_static_executables_cannot_be_served(self):
        for name, linkage in (("cranelift_static", "static"), ("cranelift_static_pie", "static-pie")):
            found = self.doctor(sample(name), status=3)
            self.assertEqual((found["answer"], found["linkage"], found["libc"]), ("cannot-serve", linkage, "none"))
            self.assertIn("static-executable", self.ids(found["obstacles"]))

    def test_a_library_that_is_needed(self):
        engine, = self.doctor(sample("llvm"))["engines"]
        self.assertEqual((engine["version"], engine["module"]), ("14", sample("libLLVM-14.so.1")))

    def test_a_library_that_is_missing(self):
        shutil.copy(sample("llvm"), self.path("llvm"))
        # The build's RUNPATH names the samples' folder: of another program it would not.
        with open(self.path("llvm"), "r+b") as file:
            content = file.read().replace(SAMPLES.encode(), b"/nowhere".ljust(len(SAMPLES), b"/"))
            file.seek(0)
            file.write(content.replace(b"libLLVM-14.so.1\0", b"libLLVM-77.so.1\0"))
        found = self.doctor(self.path("llvm"), status=4)
        self.assertEqual([m["name"] for m in found["missing"]], ["libLLVM-77.so.1"])

    def test_inline_system_calls(self):
        self.assertIn("inline-system-calls", self.ids(self.doctor(sample("inline"))["cannot_see"]))
        self.assertNotIn("inline-system-calls", self.ids(self.doctor(sample("plain"))["cannot_see"]))

    def test_the_policy_in_force(self):
        found = self.doctor(sample("cranelift"), status=3, JITCORRAL_POLICY="observe")
        self.assertEqual((found["policy"], found["settings"]), ("observe", ["JITCORRAL_POLICY=observe"]))

    @unittest.skipUnless(os.geteuid() == 0, "only root can make another's set-uid program")
    def test_a_program_that_gains_privilege(self):
        path = self.path("privileged")
        shutil.copy(sample("cranelift"), path)
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o4755)
        self.assertIn("secure", self.ids(self.doctor(path, status=3)["obstacles"]))

    def test_started_by_the_dynamic_linker(self):
        with open(sample("cranelift"), "rb") as file:
            linker = re.search(rb"/lib[^\0]*/ld-linux[^\0]*", file.read())[0].decode()
        found = self.doctor(linker, "--library-path", "/nowhere", sample("cranelift"))
        self.assertEqual((found["exe"], found["answer"]), (sample("cranelift"), "serves"))

    def test_nothing_is_run(self):
        mark = self.path("ran")
        with open(self.path("script"), "w") as script:
            script.write(f"#!/bin/sh\ntouch {mark}\n")
        os.chmod(self.path("script"), 0o755)
        self.assertEqual(self.doctor(self.path("script"), status=4)["answer"], "unknown")
        self.assertFalse(os.path.exists(mark))

    @unittest.skipUnless(platform.machine() == "x86_64" and shutil.which("aarch64-linux-gnu-gcc"), "no cross compiler")
    def test_the_other_isa(self):
        path = self.path("host-aarch64")
        subprocess.run(["aarch64-linux-gnu-gcc", "-DHAS_CRANELIFT", "-DMAPS_INLINE", "-shared-libgcc", "-s",
                        os.path.join(HERE, "doctor_sample.c"), "-o", path], check=True)
        found = self.doctor(path, status=3)
        self.assertIn("other-isa", self.ids(found["obstacles"]))
        self.assertEqual(found["isa"], "aarch64")
        self.assertEqual(found["engines"][0]["reach"]["bl"]["binds"], "yes")
        self.assertIn("inline-system-calls", self.ids(found["cannot_see"]))
        root = "/usr/aarch64-linux-gnu"
        found = self.doctor(path, shim=path, QEMU_LD_PREFIX=root)
        self.assertEqual((found["answer"], found["missing"]), ("serves", []))


class Text(DoctorTest):
    def test_the_answer_comes_first(self):
        self.assertRegex(self.text(sample("cranelift")), r"\Awill be served: Cranelift 0\.116\.1 in cranelift: ")
        self.assertRegex(self.text(sample("plain")), r"\Anothing to serve: ")
        self.assertRegex(self.text(sample("cranelift_static"), status=3), r"\Acannot be served: .*static executable")

    def test_sections_follow_in_order(self):
        titles = re.findall(r"(?m)^[a-z][^:\n]*$", self.text(sample("cranelift")))
        self.assertEqual([title.split("  ")[0] for title in titles if not title.startswith("other")],
                         ["program", "engines", "what jitcorral does", "what can't be seen"])

    def test_colours_on_a_terminal_only(self):
        def on_terminal(**environment):
            ours, theirs = pty.openpty()
            result = self.run_command("doctor", sample("plain"), stdout=theirs,
                                      env={**self.environment, "TERM": "xterm", **environment})
            os.close(theirs)
            self.assertEqual(result.returncode, 0)
            return os.read(ours, 65536).decode()
        self.assertIn("\x1b[", on_terminal())
        self.assertNotIn("\x1b[", on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.text(sample("plain")))

    def test_names_are_made_harmless(self):
        name = self.path("a\x1b[2J\nb")
        shutil.copy(sample("plain"), name)
        self.assertNotIn("\x1b", self.text(name))
        self.assertIn("\\x1b[2J\\nb", self.text(name))


class Refusals(DoctorTest):
    def refused(self, status, *arguments):
        result = self.run_command("doctor", *arguments)
        self.assert_fails(result, status)
        return result.stderr

    def test_usage(self):
        self.assertIn("no command to look at", self.refused(2))
        self.assertIn("--jsno", self.refused(2, "--jsno", "x"))
        self.assertIn("not found in PATH", self.refused(127, "no-such-program"))

    def test_what_cannot_be_run(self):
        self.assertIn("a folder", self.refused(126, self.folder))
        self.assertIn("not executable", self.refused(126, os.path.abspath(__file__)))

    def test_hostile_files_end_in_one_line(self):
        with open(sample("plain"), "rb") as file:
            whole = file.read()
        path = self.path("hostile")
        steps = [*range(0, 1024, 64), *range(1024, len(whole) - 4096, 2048)]
        for size in steps:
            with open(path, "wb") as file:
                file.write(whole[:size])
            os.chmod(path, 0o755)
            self.refused(126, path)
        for at in range(4, 1024, 24):
            with open(path, "wb") as file:
                file.write(whole[:at] + b"\xff" * 8 + whole[at + 8:])
            result = self.run_command("doctor", path)
            self.assertIn(result.returncode, (0, 3, 4, 126), at)
            if result.returncode == 126:
                self.assert_fails(result, 126)


class Hosts(DoctorTest):
    """Programs of this machine; what is not installed is skipped by name."""

    def need(self, path):
        if not os.path.exists(path):
            self.skipTest(f"no {path}")
        return path

    def test_debians_python_with_llvmlite(self):
        self.need("/usr/lib/python3/dist-packages/llvmlite")
        python = self.need("/usr/bin/python3")
        found = self.doctor(python, "-c", "import llvmlite.binding")
        self.assertEqual((found["answer"], found["engines"][0]["certainty"]), ("serves", "asked"))
        found = self.doctor(python)
        self.assertEqual((found["answer"], found["engines"][0]["certainty"]), ("may-serve", "beside"))

    def test_lli(self):
        engine = self.doctor(self.need("/usr/bin/lli-14"))["engines"][0]
        self.assertEqual((engine["engine"], engine["version"], engine["certainty"]), ("LLVM", "14", "linked"))

    def test_what_it_foresees_is_what_is_recorded(self):
        self.need("/usr/lib/python3/dist-packages/llvmlite")
        if "shim: not found" in self.run_command("--version").stdout:
            self.skipTest("no libjitcorral.so beside this command: a sanitized one is not built")
        command = [self.need("/usr/bin/python3"), os.path.join(os.path.dirname(HERE), "hosts/llvmlite_modules.py")]
        foreseen = self.doctor(*command)
        result = self.run_command("run", "--json", self.path("report.json"), "--", *command)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("report.json")) as file:
            recorded = json.load(file)["runs"][0]["engines"]
        real = os.path.realpath
        self.assertEqual([(e["role"], e["version"], real(e["module"])) for e in recorded if e["role"] != "none"],
                         [(e["engine"], e["version"], real(e["module"])) for e in foreseen["engines"]])
        self.assertLessEqual({real(e["module"]) for e in recorded if e["role"] == "none"},
                             {real(e["module"]) for e in foreseen["self_contained"]})

    def test_hosts_that_look_after_themselves(self):
        for path in ("/usr/bin/luajit", "/usr/bin/node"):
            with self.subTest(path):
                found = self.doctor(self.need(path))
                self.assertEqual(found["answer"], "nothing-to-serve")
                self.assertNotEqual(found["self_contained"], [])


if __name__ == "__main__":
    assert command_frame.COMMAND
    unittest.main(verbosity=1)

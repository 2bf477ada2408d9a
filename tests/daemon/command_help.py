"""Help and versions: everywhere, with examples, on standard output, exit status 0."""

import os
import re
import shutil
import subprocess
import unittest

import command_frame
from command_frame import CommandTest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Help(CommandTest):
    def help_of(self, *arguments):
        result = self.run_command(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("Examples:\n  ", result.stdout)
        for line in result.stdout.splitlines():
            self.assertLessEqual(len(line), 100, line)
        return result.stdout

    def test_the_overview_is_everywhere_the_same(self):
        overview = self.help_of("help")
        for arguments in (["--help"], ["-h"], ["help", "--help"], ["help", "help"]):
            self.assertEqual(self.help_of(*arguments), overview)
        for word in ("run", "report", "runs", "ps", "show", "explain", "export", "doctor", "env", "verdicts",
                     "--version"):
            self.assertIn(word, overview)

    def test_each_subcommand_names_its_options(self):
        options = {"run": "--db --shim --policy --set --report --json --check --keep-arguments --repeat --seed",
                   "report": "--db --run --json --html --share --check RINGFILE", "runs": "--db --json --number",
                   "doctor": "--json --shim", "ps": "--all --db --json", "show": "--db --json run:N",
                   "explain": "--db --json run:N", "audit": "--all --limit --db --json PID",
                   "export": "--format --run --since --events --addresses --db"}
        for subcommand, names in options.items():
            text = self.help_of(subcommand, "--help")
            self.assertEqual(self.help_of("help", subcommand), text)
            self.assertIn(f"Usage: jitcorral {subcommand} ", text)
            for name in names.split():
                self.assertIn(name, text)

    def test_help_env_has_every_variable_of_the_policy_table(self):
        text = self.help_of("help", "env")
        with open(os.path.join(REPOSITORY, "include/jitcorral/policy.h")) as table:
            names = re.findall(r'"(JITCORRAL_[A-Z_]+)"', table.read())
        self.assertGreater(len(names), 10)
        for name in names:
            self.assertRegex(text, rf"(?m)^{name} ")

    def test_help_verdicts_explains_each_with_its_exit_status(self):
        text = self.help_of("help", "verdicts")
        for verdict, status in (("within-reach", 0), ("at-risk", 3), ("out-of-reach", 3), ("no-jit", 0),
                                ("unknown", 4)):
            self.assertIn(f"\n{verdict}  (--check exits {status})\n", text)
        self.assertEqual(text.count("    next: "), 5)


class Versions(CommandTest):
    def test_the_command_and_the_shim_are_told_apart(self):
        first, second = self.run_command("--version").stdout.splitlines()
        self.assertRegex(first, r"^jitcorral \d+\.\d+\.\d+$")
        self.assertRegex(second, r"^shim: ")

    def installed(self, command, library=None, content=b""):
        """`--version` of a copy of the command at `command`, with such a library."""
        for name in (command, library):
            if name:
                os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        shutil.copy(command_frame.COMMAND, self.path(command))
        if library:
            with open(self.path(library), "wb") as file:
                file.write(content)
        return subprocess.run([self.path(command), "--version"], capture_output=True, text=True).stdout.splitlines()[1]

    def test_without_a_shim(self):
        self.assertEqual(self.installed("a/bin/jitcorral"), "shim: not found")

    def test_the_shim_is_found_where_it_is_built_and_installed(self):
        content = b"\x7fELF\0\xff\0jitcorral-shim-version=9.8.7\0more"
        for i, library in enumerate(("bin/libjitcorral.so", "libjitcorral.so", "lib/jitcorral/libjitcorral.so",
                                     "lib/x86_64-linux-gnu/jitcorral/libjitcorral.so")):
            line = self.installed(f"{i}/bin/jitcorral", f"{i}/{library}", content)
            self.assertEqual(line, f"shim: 9.8.7 ({self.path(str(i))}/{library})")

    def test_a_shim_that_does_not_say(self):
        self.assertIn("does not say its version", self.installed("b/bin/jitcorral", "b/libjitcorral.so", b"old"))


unittest.main(verbosity=1)

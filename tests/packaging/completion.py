"""bash's completion, as bash itself makes it: subcommands, options, values, the program's own words."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMMAND, SCRIPT = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))

# Words are cut as readline cuts them: also at "=".
COMPLETE = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_jitcorral 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def complete(self, *words, cwd=None):
        done = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", SCRIPT, COMMAND, *words], cwd=cwd,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_subcommands(self):
        self.assertLessEqual({"run", "report", "runs", "doctor", "help", "--version"}, self.complete(""))
        self.assertEqual(self.complete("doc"), {"doctor"})

    def test_every_option_of_every_subcommand(self):
        for subcommand in self.complete("") - {"help", "--help", "--version"}:
            text = subprocess.run([COMMAND, subcommand, "--help"], capture_output=True, text=True).stdout
            wanted = {line.split()[0].split(",")[-1] for line in text.splitlines() if line.startswith("  -")}
            self.assertIn("--help", wanted)
            self.assertLessEqual(wanted, self.complete(subcommand, "-"), subcommand)

    def test_values(self):
        policies = {"off", "observe", "auto", "exec-only", "all", "scatter"}
        self.assertEqual(self.complete("run", "--policy", ""), policies)
        self.assertEqual(self.complete("run", "--policy", "=", "s"), {"scatter"})
        self.assertIn("JITCORRAL_ON_FULL=", self.complete("run", "--set", "JITCORRAL_ON"))
        self.assertEqual(self.complete("run", "--set", "JITCORRAL_ON_FULL", "=", ""), {"fallback", "fail"})
        self.assertEqual(self.complete("run", "--repeat", ""), set())

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "some.db").touch()
            for words in (("report", "--db", "so"), ("report", "--db", "=", "so"), ("report", "so")):
                self.assertEqual(self.complete(*words, cwd=folder), {"some.db"}, words)

    def test_the_program_and_its_words_are_not_ours(self):
        self.assertIn("mkfifo", self.complete("run", "mkfi"))
        self.assertIn("mkfifo", self.complete("run", "--policy", "auto", "--", "mkfi"))
        self.assertNotIn("--policy", self.complete("run", "mkfifo", "--"))
        self.assertNotIn("--policy", self.complete("run", "--", "mkfifo", "--"))

    def test_topics_of_help(self):
        self.assertLessEqual({"env", "verdicts", "run"}, self.complete("help", ""))
        self.assertEqual(self.complete("help", "env", ""), set())


unittest.main(verbosity=1)

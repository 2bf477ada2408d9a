"""What the tests of the command line share: the command, run in a folder and with a home of its own."""

import os
import subprocess
import sys
import tempfile
import unittest

COMMAND = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("JITCORRAL_", "XDG_")) and k not in ("LD_PRELOAD", "NO_COLOR")}
        self.environment["HOME"] = self.folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *arguments, **keywords):
        keywords.setdefault("stdout", subprocess.PIPE)
        keywords.setdefault("env", self.environment)
        return subprocess.run([COMMAND, *arguments], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              cwd=self.folder, timeout=30, **keywords)

    def record(self, name="some.db", *command):
        """A database with one more session in it."""
        result = self.run_command("run", "--db", self.path(name), "--", *(command or ("/bin/true",)))
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(name)

    def assert_fails(self, result, status, *parts):
        """Nothing on standard output, one line on standard error that has all `parts`."""
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertFalse(result.stdout)
        self.assertRegex(result.stderr, r"\Ajitcorral: [^\n]+\n\Z")
        for part in parts:
            self.assertIn(part, result.stderr)

"""The manual pages: true to the programs and to the policy table, and without a mistake of form."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = (pathlib.Path(sys.argv.pop(1)) for _ in range(2))
PAGES = [SOURCE / "daemon/man/jitcorral.1", SOURCE / "daemon/man/jitcorrald.8"]


def lint(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", str(page)], capture_output=True, text=True)
    return [line for line in (done.stdout + done.stderr).splitlines()
            if "referenced manual not found" not in line and "outdated mandoc.db" not in line]


class Manual(unittest.TestCase):
    def test_options_and_policies_are_what_the_programs_say(self):
        done = subprocess.run([str(SOURCE / "scripts/man"), "--check", "--build", str(BUILD)], capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_mandoc_finds_nothing(self):
        for page in PAGES:
            self.assertEqual(lint(page), [])

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_mandoc_would_find_a_mistake(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(PAGES[0].read_text().replace(".Sh FILES", ".Sh FILES\n.Xx"))
            file.flush()
            self.assertTrue(lint(file.name))

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_groff_has_no_warning(self):
        for page in PAGES:
            done = subprocess.run(["groff", "-ww", "-z", "-mandoc", "-Tutf8", str(page)], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


unittest.main(verbosity=1)

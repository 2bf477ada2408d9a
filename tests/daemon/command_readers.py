"""`report` and `runs` on databases that are there, are not, are empty, or are none."""

import json
import os
import sqlite3
import subprocess
import unittest

from command_frame import CommandTest

# Compiles three modules, forks, and compiles two more in the child.
FORKS = """
import os, sys
import llvmlite.binding as llvm
llvm.initialize(), llvm.initialize_native_target(), llvm.initialize_native_asmprinter()
machine = llvm.Target.from_default_triple().create_target_machine()
kept = []
def compile(n):
    for i in range(n):
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly("define i64 @f() { ret i64 1 }"), machine)
        engine.finalize_object()
        kept.append(engine)
compile(3)
pid = os.fork()
if pid == 0:
    compile(2)
else:
    os.waitpid(pid, 0)
"""


def has_llvmlite():
    return subprocess.run(["/usr/bin/python3", "-c", "import llvmlite.binding"], capture_output=True).returncode == 0


class Readers(CommandTest):
    def test_no_such_database(self):
        for subcommand in ("report", "runs"):
            result = self.run_command(subcommand, "--db", self.path("none.db"))
            self.assert_fails(result, 1, self.path("none.db"), "jitcorral run --db ")
        self.assertEqual(os.listdir(self.folder), [])

    def test_the_default_place(self):
        self.assert_fails(self.run_command("report"), 1, self.path(".local/state/jitcorral/placements.db"))
        self.environment["XDG_STATE_HOME"] = self.path("state")
        self.assert_fails(self.run_command("runs"), 1, self.path("state/jitcorral/placements.db"))
        self.environment["XDG_STATE_HOME"] = "relative"  # as good as unset, says its specification
        self.assert_fails(self.run_command("runs"), 1, self.path(".local/state/jitcorral/placements.db"))

    def test_no_database_at_all(self):
        with open(self.path("text"), "w") as file:
            file.write("This is no database. " * 500)
        for path in (self.path("text"), self.folder, "/dev/null"):
            for subcommand in ("report", "runs"):
                self.assert_fails(self.run_command(subcommand, "--db", path), 1, path)

    def test_no_such_run(self):
        path = self.record()
        self.record()
        self.assert_fails(self.run_command("report", "--db", path, "--run", "4711"), 1, "no run 4711", path,
                          "it has runs 1 to ", "jitcorral runs --db")

    def test_an_empty_database(self):
        path = self.record()
        with sqlite3.connect(path) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                if not table.startswith("sqlite_"):
                    database.execute(f'DELETE FROM "{table}"')
        database.close()
        self.assert_fails(self.run_command("report", "--db", path), 1, path, "no session yet", "jitcorral run")
        self.assert_fails(self.run_command("runs", "--db", path), 1, path, "no session yet")
        self.assertEqual(json.loads(self.run_command("runs", "--db", path, "--json").stdout)["sessions"], [])

    def test_no_such_ring_file(self):
        self.assert_fails(self.run_command("report", self.path("ring")), 1, self.path("ring"))

    def test_a_report_begins_with_the_verdict(self):
        path = self.record()
        result = self.run_command("report", "--db", path)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\A(within-reach|at-risk|no-jit|unknown): ")
        self.assertIn("true", result.stdout)
        self.assertNotIn("\x1b", result.stdout)

    def test_a_report_of_one_run(self):
        path = self.record()
        one = json.loads(self.run_command("report", "--db", path, "--run", "1", "--json").stdout)
        self.assertEqual([run["id"] for run in one["runs"]], [1])
        self.assertEqual(one["session"]["id"], 1)
        self.assertTrue(one["runs"][0]["exe"].endswith("true"), one)

    @unittest.skipUnless(has_llvmlite(), "no llvmlite")
    def test_a_forked_child_is_reported_with_what_its_parent_had_mapped(self):
        path = self.record("some.db", "/usr/bin/python3", "-c", FORKS)
        whole = json.loads(self.run_command("report", "--db", path, "--json").stdout)
        child = next(run for run in whole["runs"] if run["parent"] is not None)
        alone = self.run_command("report", "--db", path, "--run", str(child["id"]))
        self.assertIn(f"forked from run {child['parent']}", alone.stdout)
        code = [caller["mappings"] for caller in child["engines"][0]["callers"] if caller["kind"] == "code"]
        self.assertEqual(code, [5], child["engines"])  # three of the parent's, two of its own

    def test_a_report_is_of_the_latest_session(self):
        path = self.record()
        self.record("some.db", "/bin/sh", "-c", "exit 0")
        whole = json.loads(self.run_command("report", "--db", path, "--json").stdout)
        self.assertEqual(whole["session"]["id"], 2)

    def test_check_answers_by_the_verdict(self):
        path = self.record()
        verdict = json.loads(self.run_command("report", "--db", path, "--json").stdout)["verdict"]
        status = {"at-risk": 3, "out-of-reach": 3, "unknown": 4}.get(verdict, 0)
        self.assertEqual(self.run_command("report", "--db", path, "--check").returncode, status)
        self.assertEqual(self.run_command("report", "--db", path).returncode, 0)

    def test_runs_lists_the_newest_first_and_no_more_than_asked(self):
        path = self.record()
        for _ in range(2):
            self.record()
        listing = self.run_command("runs", "--db", path).stdout
        heads = [line.split()[1] for line in listing.splitlines() if line.startswith("session ")]
        self.assertEqual(heads, ["3", "2", "1"])
        some = self.run_command("runs", "--db", path, "-n", "1").stdout
        self.assertIn("session 3", some)
        self.assertNotIn("session 2", some)
        self.assertIn("2 older sessions are not shown", some)
        whole = json.loads(self.run_command("runs", "--db", path, "--json", "-n", "0").stdout)
        self.assertEqual([session["id"] for session in whole["sessions"]], [3, 2, 1])

    def test_reading_changes_nothing(self):
        path = self.record()
        before = os.stat(path).st_mtime_ns
        self.run_command("report", "--db", path)
        self.run_command("runs", "--db", path)
        self.assertEqual(os.stat(path).st_mtime_ns, before)


unittest.main(verbosity=1)

"""daemon/store/SCHEMA.md says what is: tables, enumerations, export's columns; and its examples run."""

import ast
import json
import os
import re
import sqlite3
import subprocess
import sys
import unittest
from collections import Counter

from command_frame import CommandTest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


SCHEMA = read("daemon", "store", "SCHEMA.md")


def section(title):
    return re.split(r"\n#{2,3} ", SCHEMA.split(f"\n{title}\n", 1)[1], maxsplit=1)[0]


def first_cells(text):
    """The names in backquotes of each row's first cell."""
    return [name for row in re.findall(r"(?m)^\| (`[^|]*) \|", text) for name in re.findall(r"`([^`]+)`", row)]


def examples(language):
    return re.findall(rf"```{language}\n(.*?)```", SCHEMA, re.S)


def enumeration(name):
    text = re.search(rf"(?ms)^- {name}: (.*?)(?=^- |^\n|^#)", SCHEMA)[1]
    return [re.sub(r"\s+", " ", word).strip() for word in re.findall(r"\d+ ([^,]+)", text)]


class Schema(CommandTest):
    def test_tables_and_columns(self):
        with sqlite3.connect(self.record()) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                      if not name.startswith("sqlite_")]
            self.assertEqual(sorted(re.findall(r"(?m)^### `(\w+)`$", SCHEMA)), sorted(tables))
            for table in tables:
                rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \|", section(f"### `{table}`"))
                real = database.execute(f"PRAGMA table_info({table})")
                self.assertEqual(rows, [(column[1], column[2]) for column in real])
            version, = database.execute("PRAGMA user_version").fetchone()
        database.close()
        self.assertIn(f"`user_version` {version};", SCHEMA)

    def test_enumerations(self):
        sources = read("include", "jitcorral", "event.h") + read("include", "jitcorral", "vocabulary.h")
        for documented, name in (("call", "kCallNames"), ("outcome", "kOutcomeNames"), ("kind", "kKindNames"),
                                 ("pass reason", "kPassReasonNames"), ("place failure", "kPlaceFailureTexts")):
            real = re.findall(r'"([^"]*)"', re.search(rf"{name}\[\] = {{(.*?)}};", sources, re.S)[1])
            self.assertEqual(enumeration(documented), real, documented)

    def test_exported_columns(self):
        path = self.record()
        for title, options in (("## Export: runs", []), ("## Export: events", ["--events"])):
            always, addresses = section(title).split("With `--addresses` also:")
            for more, columns in (([], first_cells(always)), (["--addresses"], first_cells(always + addresses))):
                result = self.run_command("export", "--db", path, "--format", "csv", *options, *more)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stdout.splitlines()[0].split(","), columns)

    def test_examples_run(self):
        path = self.record()
        done = self.run_command("run", "--db", path, "--set", "JITCORRAL_POLICY=all", "--", sys.executable, "-c",
                                "import mmap\nfor i in range(300): mmap.mmap(-1, 4096 << i % 4, mmap.MAP_PRIVATE)")
        self.assertEqual(done.returncode, 0, done.stderr)
        sql, = examples("sql")
        result = subprocess.run(["sqlite3", "-readonly", "-bail", path], input=sql, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        python, = examples("python")
        result = subprocess.run([sys.executable, "-c", python, path], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        # It counts what jitcorral itself reads, also of segments that are packed.
        with sqlite3.connect(path) as database:
            self.assertTrue(database.execute("SELECT count(*) FROM segment WHERE encoding = 1").fetchone()[0])
        database.close()
        exported = {}
        for line in self.run_command("export", "--db", path, "--events").stdout.splitlines():
            event = json.loads(line)
            exported.setdefault(event["run"], Counter())[event["outcome"]] += 1
        counted = [line.split(" ", 2) for line in result.stdout.splitlines()]
        self.assertEqual({int(run): ast.literal_eval(outcomes) for run, _, outcomes in counted}, exported)

    def test_duckdb_reads_what_is_exported(self):
        try:
            import duckdb
        except ImportError:
            self.skipTest("no duckdb")
        path = self.record("some.db", "/usr/bin/env", "sh", "-c", "true")
        for name, options in (("runs.csv", ["--format", "csv"]), ("events.json", ["--events"])):
            with open(self.path(name), "w") as file:
                self.run_command("export", "--db", path, *options, stdout=file)
        os.chdir(self.folder)
        for query in examples("duckdb")[0].strip().split(";\n")[:1]:
            self.assertTrue(duckdb.sql(query).fetchall())


unittest.main(verbosity=1)

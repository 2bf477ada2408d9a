"""Bad usage: exit status 2 and one line that names the thing, the value seen and what is accepted."""

import os
import unittest

from command_frame import CommandTest


class Usage(CommandTest):
    def assert_bad(self, arguments, *parts):
        self.assert_fails(self.run_command(*arguments), 2, *parts)

    def test_nothing_asked(self):
        self.assert_bad([], "run, report, runs, ps, show, explain, audit, export, doctor, compare, selftest, help",
                        "jitcorral run -- CMD")

    def test_unknown_subcommands_are_guessed(self):
        for word, meant in (("rnu", "run"), ("reprot", "report"), ("rnus", "runs"), ("hepl", "help"),
                            ("docter", "doctor"), ("exprot", "export"), ("explian", "explain"), ("shwo", "show"),
                            ("comapre", "compare"), ("selftset", "selftest"), ("adit", "audit")):
            self.assert_bad([word], f"'{word}'", f"did you mean {meant}?")

    def test_a_program_in_place_of_a_subcommand(self):
        self.assert_bad(["python3", "x.py"], "'python3'", "jitcorral run -- python3")

    def test_unknown_options(self):
        self.assert_bad(["--bogus"], "'--bogus'", "--version")
        self.assert_bad(["run", "--polcy", "auto", "x"], "run: ", "'--polcy'", "did you mean --policy?", "--repeat")
        self.assert_bad(["report", "--jsno"], "report: ", "'--jsno'", "did you mean --json?")
        self.assert_bad(["runs", "-x"], "runs: ", "'-x'", "--number")

    def test_missing_values(self):
        self.assert_bad(["run", "--db"], "--db wants a value: FILE")
        self.assert_bad(["runs", "-n"], "-n wants a value: N")

    def test_a_value_for_a_flag(self):
        self.assert_bad(["run", "--check=yes", "x"], "--check takes no value", "'yes'")

    def test_no_command_to_run(self):
        for arguments in (["run"], ["run", "--"], ["run", "--report"], ["run", "--", ""]):
            self.assert_bad(arguments, "no command to run", "CMD")

    def test_values_that_the_shim_would_not_take(self):
        self.assert_bad(["run", "--policy", "sideways", "x"], "--policy", "'sideways'", "observe, auto")
        self.assert_bad(["run", "--policy", "", "x"], "--policy", "''")
        self.assert_bad(["run", "--set", "JITCORRAL_WINDOW=5T", "x"], "'JITCORRAL_WINDOW=5T'", "1M to 2G")
        self.assert_bad(["run", "--set", "JITCORRAL_MAXX=1M", "x"], "did you mean JITCORRAL_MAX?")
        self.assert_bad(["run", "--set", "PATH=/bin", "x"], "'PATH=/bin'", "jitcorral help env")
        self.assert_bad(["run", "--set", "JITCORRAL_MAX", "x"], "NAME=VALUE")

    def test_numbers(self):
        for text in ("x", "-1", "0", "10001", "99999999999999999999999", ""):
            self.assert_bad(["run", "--repeat", text, "x"], f"'{text}'", "1 to 10000")
        self.assert_bad(["run", "--seed", "1.5", "x"], "'1.5'", "18446744073709551615")
        for text in ("x", "0", "-3", "9223372036854775808"):
            self.assert_bad(["report", "--run", text], f"'{text}'", "number of a run")
        self.assert_bad(["runs", "-n", "many"], "'many'", "whole number")

    def test_a_ring_file_has_no_database(self):
        self.assert_bad(["report", "--run", "1", "ring"], "'ring'", "--run")
        self.assert_bad(["report", "--db", "x", "ring"], "'ring'", "--db")
        self.assert_bad(["report", "ring", "more"], "'more'", "jitcorral report --help")

    def test_which_run(self):
        for subcommand in ("show", "explain"):
            self.assert_bad([subcommand], "no run was named", "run:NUMBER")
            for word in ("x", "0", "pid:", "run:-1", "pid:9223372036854775808"):
                self.assert_bad([subcommand, word], f"'{word}'", "pid:NUMBER")
            self.assert_bad([subcommand, "1", "2"], "'2'", "one argument too many")

    def test_how_to_export(self):
        self.assert_bad(["export", "--format", "xml"], "'xml'", "json, csv")
        self.assert_bad(["export", "--since", "yesterday"], "'yesterday'", "2026-11-21")
        self.assert_bad(["export", "--since", "1h", "--run", "1"], "one of them")
        self.assert_bad(["report", "--json", "--html", "x"], "--html", "one of them")
        self.assert_bad(["report", "--html", ""], "''", "a file to write")

    def test_topics(self):
        self.assert_bad(["help", "verdict"], "'verdict'", "did you mean verdicts?")
        self.assert_bad(["help", "env", "more"], "'more'")

    def test_control_characters_are_not_echoed(self):
        result = self.run_command("a\x1b[2J\nb")
        self.assert_fails(result, 2, "\\x1b[2J\\nb")
        self.assertNotIn("\x1b", result.stderr)


class CommandLines(CommandTest):
    """What is run is the command's business from its first word on."""

    def test_options_of_the_command_are_its_own(self):
        for arguments in (["run", "sh", "-c", "echo $0 $@", "--db", "--help", "--"],
                          ["run", "--", "sh", "-c", "echo $0 $@", "--db", "--help", "--"]):
            result = self.run_command(*arguments)
            self.assertEqual((result.returncode, result.stdout), (0, "--db --help --\n"), result.stderr)

    def test_a_command_named_like_a_subcommand(self):
        with open(self.path("report"), "w") as script:
            script.write("#!/bin/sh\necho mine $1\n")
        os.chmod(self.path("report"), 0o755)
        result = self.run_command("run", "./report", "--json")
        self.assertEqual(result.stdout, "mine --json\n", result.stderr)

    def test_options_before_the_command(self):
        result = self.run_command("run", "--set", "JITCORRAL_MAX=1G", "--set=JITCORRAL_WINDOW=256M", "--policy",
                                  "observe", "--db", self.path("x.db"), "sh", "-c",
                                  "echo $JITCORRAL_MAX $JITCORRAL_WINDOW $JITCORRAL_POLICY")
        self.assertEqual(result.stdout, "1G 256M observe\n", result.stderr)


unittest.main(verbosity=1)

"""`jitcorral compare` and `jitcorral selftest`: what is the same, what is not, and what it is said to be."""

import json
import os
import unittest

from command_frame import COMMAND, CommandTest

# Whether the library is to be loaded into this shell.
WITH = 'case "$LD_PRELOAD" in *libjitcorral.so*) true;; *) false;; esac'


class Trials(CommandTest):
    def script(self, name, text):
        path = self.path(name)
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def compare(self, text, status, *options):
        result = self.run_command("compare", "-n", "2", "--json", *options, "--", self.script("cmd", text))
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stderr, "")
        return json.loads(result.stdout)


class Compare(Trials):
    def test_the_same(self):
        report = self.compare("echo out; echo err >&2; exit 9", 0)
        self.assertEqual((report["same"], report["runs"], report["ended"]), (True, 2, "status 9"))
        for name in ("wall_seconds", "cpu_seconds", "max_rss_bytes", "page_faults"):
            figure = report["figures"][name]
            self.assertGreater(figure["ratio"], 0)
            for way in ("bare", "jitcorral"):
                quartiles = [figure[way][key] for key in ("min", "q1", "median", "q3", "max")]
                self.assertEqual(quartiles, sorted(quartiles))
        # Two pairs tell nothing.
        self.assertIsNone(report["figures"]["wall_seconds"]["ratio_low"])

    def test_another_status(self):
        report = self.compare(f"{WITH} && exit 3; exit 4", 3)
        self.assertEqual(report["differences"], ["ended with status 3, bare status 4"])

    def test_a_signal(self):
        report = self.compare(f"{WITH} && kill -SEGV $$; exit 0", 3)
        self.assertEqual(report["differences"], ["ended with SIGSEGV, bare status 0"])

    def test_another_line(self):
        report = self.compare(f"echo one; {WITH} && echo with || echo bare", 3)
        self.assertEqual(report["differences"], ["standard output: line 2 is 'with', bare 'bare'"])

    def test_more_and_less(self):
        report = self.compare(f"{WITH} && echo more >&2; {WITH} || echo less", 3)
        self.assertEqual(report["differences"], ["standard error: more than bare: line 1 is 'more'",
                                                 "standard output: less than bare: line 1, 'less', is missing"])

    def test_what_differs_by_itself_is_not_compared(self):
        report = self.compare("echo $$; echo constant", 0)
        self.assertEqual(report["not_compared"],
                         ["standard output: 1 of 2 lines not compared: bare runs differ there"])
        report = self.compare(f"echo $$; {WITH} && echo with || echo bare", 3)
        self.assertEqual(report["differences"], ["standard output: line 2 is 'with', bare 'bare'"])

    def test_a_big_output_is_compared_to_its_end(self):
        report = self.compare(f"head -c 300000 /dev/zero; {WITH} && printf x || printf y", 3)
        self.assertEqual(report["differences"], ["standard output: differs beyond what was kept of it"])

    def test_our_own_lines_are_shown_apart(self):
        report = self.compare(f"echo err >&2; {WITH} && echo '[jitcorral:fallback] something' >&2; true", 0)
        self.assertEqual(report["said"], ["[jitcorral:fallback] something"])

    def test_bare_is_without_a_library_that_is_there_already(self):
        self.environment["LD_PRELOAD"] = os.path.join(os.path.dirname(COMMAND), "libjitcorral.so")
        report = self.compare(f"{WITH} && echo with || echo bare", 3)
        self.assertIn("line 1 is 'with', bare 'bare'", " ".join(report["differences"]))

    def test_the_library_is_seen(self):
        report = self.compare("read line < /dev/zero & sleep 0.2; kill $!", 0)
        self.assertTrue(report["shim_seen"])
        self.assertGreater(report["figures"]["maps"]["ratio"], 1)

    def test_text(self):
        result = self.run_command("compare", "-n", "6", "true")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"wall time +\S+ ms +\S+ ms +\d\.\d+  \d\.\d+ - \d\.\d+")
        self.assertIn("same status and output in 6 runs each (status 0)\n", result.stdout)
        self.assertNotIn("\033", result.stdout)

    def test_what_can_not_be_run(self):
        self.assert_fails(self.run_command("compare", "no-such-program"), 127, "no-such-program", "not found in PATH")
        self.assert_fails(self.run_command("compare", "/etc/passwd"), 126, "/etc/passwd", "Permission denied")
        self.assert_fails(self.run_command("compare", "--shim", "/nowhere", "true"), 1, "--shim /nowhere",
                          "No such file")

    def test_bad_usage(self):
        self.assert_fails(self.run_command("compare"), 2, "no command to run")
        self.assert_fails(self.run_command("compare", "-n", "0", "true"), 2, "-n", "'0'", "1 to 1000")


class Selftest(Trials):
    def selftest(self, status, *only):
        result = self.run_command("selftest", "--json", *(part for name in only for part in ("--only", name)))
        self.assertEqual(result.returncode, status, result.stderr + result.stdout)
        report = json.loads(result.stdout)
        return report, {one["name"]: one for one in report["interpreters"]}

    def test_real_interpreters(self):
        report, by_name = self.selftest(0, "python3", "luajit", "perl", "sh")
        self.assertEqual(report["advice"], "for")
        for name in ("python3", "perl", "sh"):
            self.assertEqual(by_name[name]["result"], "same")
            self.assertEqual(by_name[name]["not_compared"], [])
        self.assertIn("CPython 3.", by_name["python3"]["version"])

    def test_a_difference_is_advice_against(self):
        self.environment["PATH"] = self.folder + ":/usr/bin:/bin"
        self.script("lua", f"echo Lua 9; {WITH} && echo with || echo bare; exit 5\n")
        report, by_name = self.selftest(3, "lua", "sh")
        self.assertEqual((report["advice"], by_name["lua"]["result"], by_name["sh"]["result"]),
                         ("against", "different", "same"))
        self.assertEqual(by_name["lua"]["version"], "Lua 9")
        self.assertEqual(by_name["lua"]["differences"], ["standard output: line 2 is 'with', bare 'bare'"])
        result = self.run_command("selftest", "--only", "lua")
        self.assertEqual(result.returncode, 3)
        self.assertIn("do not roll out: 1 of 1 interpreters differ", result.stdout)

    def test_what_does_not_run_bare_is_skipped(self):
        self.environment["PATH"] = self.folder
        self.script("ruby", "echo 'no such gem' >&2; exit 1")
        report, by_name = self.selftest(4, "ruby", "julia")
        self.assertEqual(report["advice"], "none")
        self.assertEqual(by_name["julia"]["why"], "not in PATH")
        self.assertEqual(by_name["ruby"]["why"], "does not run here bare: status 1: no such gem")

    def test_bad_usage(self):
        self.assert_fails(self.run_command("selftest", "--only", "cobol"), 2, "'cobol'", "python3, pypy3, node")


unittest.main()

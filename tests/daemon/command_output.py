"""Standard output that is full, closed, or has lost its reader; terminals and colours."""

import os
import pathlib
import pty
import signal
import subprocess
import unittest

import command_frame
from command_frame import CommandTest


class Output(CommandTest):
    def test_a_full_device_is_said(self):
        with open("/dev/full", "w") as full:
            for arguments in (["help"], ["help", "env"], ["run", "--help"], ["--version"]):
                self.assert_fails(self.run_command(*arguments, stdout=full), 1, "standard output", "No space left")

    def test_a_full_device_is_said_by_readers(self):
        path = self.record()
        with open("/dev/full", "w") as full:
            for arguments in (["report"], ["report", "--json"], ["report", "--check"], ["runs"], ["runs", "--json"]):
                self.assert_fails(self.run_command(*arguments, "--db", path, stdout=full), 1, "No space left")

    def test_closed_standard_output_is_said_and_never_is_the_database(self):
        path = self.record()
        before = pathlib.Path(path).read_bytes()
        for arguments in (["help"], ["report", "--db", path], ["runs", "--db", path]):
            result = self.run_command(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
            self.assert_fails(result, 1, "standard output", "Bad file descriptor")
        self.assertEqual(pathlib.Path(path).read_bytes(), before)

    def test_a_reader_that_has_gone_is_no_failure(self):
        for ignored in (signal.SIG_DFL, signal.SIG_IGN):
            read_end, write_end = os.pipe()
            os.close(read_end)
            result = self.run_command("help", "env", stdout=write_end, restore_signals=False,
                                      preexec_fn=lambda: signal.signal(signal.SIGPIPE, ignored))
            os.close(write_end)
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_all_standard_streams_closed(self):
        result = subprocess.run([command_frame.COMMAND, "help"], preexec_fn=lambda: [os.close(i) for i in range(3)])
        self.assertEqual(result.returncode, 1)

    def on_a_terminal(self, *arguments, **variables):
        """What a terminal would see."""
        main, side = pty.openpty()
        with open(main, "rb", buffering=0) as terminal:
            process = subprocess.Popen([command_frame.COMMAND, *arguments], stdout=side, stdin=subprocess.DEVNULL,
                                       env={**self.environment, "TERM": "xterm", **variables})
            os.close(side)
            text = b""
            try:
                while chunk := terminal.read(65536):
                    text += chunk
            except OSError:
                pass  # how Linux says that the other side is closed
            self.assertEqual(process.wait(), 0)
        return text

    def test_colours_are_for_terminals_that_want_them(self):
        path = self.record()
        arguments = ("report", "--db", path)
        self.assertIn(b"\x1b[", self.on_a_terminal(*arguments))
        self.assertNotIn(b"\x1b", self.on_a_terminal(*arguments, NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.on_a_terminal(*arguments, TERM="dumb"))
        self.assertIn(b"\x1b[", self.on_a_terminal(*arguments, NO_COLOR=""))  # no-color.org: when not empty
        self.assertNotIn(b"\x1b", self.on_a_terminal(*arguments, "--json"))


unittest.main(verbosity=1)

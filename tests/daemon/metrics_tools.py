"""The metrics by the tools that people have: curl over the Unix socket and over TCP, and promtool. Arguments: the
sample server, promtool."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

SERVER, PROMTOOL = sys.argv.pop(1), sys.argv.pop(1)
if not os.access(PROMTOOL, os.X_OK):
    PROMTOOL = shutil.which("promtool")


class Tools(unittest.TestCase):
    def serve(self, where):
        server = subprocess.Popen([SERVER, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(server.wait)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.stdout.close)
        self.assertEqual(server.stdout.readline(), b"ready\n")

    def curl(self, *arguments):
        result = subprocess.run(["curl", "--silent", "--show-error", "--fail", *arguments], capture_output=True,
                                timeout=30)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_curl_and_promtool(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "metrics")
            self.serve("unix:" + path)
            text = self.curl("--unix-socket", path, "http://localhost/metrics")
        self.assertIn(b'jitcorral_processes{unit="unit7.service",executable="python3"} 7\n', text)
        text.decode()
        # No addresses, no pids.
        self.assertNotIn(b"0x", text)
        self.assertNotIn(b"pid", text)
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, timeout=30)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))

    def test_a_port_on_loopback(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.serve(f"127.0.0.1:{port}")
        text = self.curl(f"http://127.0.0.1:{port}/metrics")
        self.assertEqual(text.count(b"\njitcorral_processes{"), 500)


if not PROMTOOL or not shutil.which("curl"):
    print("skipped: neither build/promtool (scripts/test) nor promtool in PATH, or no curl")
    sys.exit(77)
unittest.main()

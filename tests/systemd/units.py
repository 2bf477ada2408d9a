"""The units: systemd-analyze finds nothing wrong, the sandbox stays as tight as it is, and both checks can fail."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILT = (pathlib.Path(sys.argv.pop(1)) for _ in range(2))
SOCKETS = ("jitcorrald.socket", "jitcorrald-query.socket", "jitcorrald-metrics.socket")
MOST_EXPOSURE = 0.9  # of 10

if not shutil.which("systemd-analyze"):
    print("SKIPPED: no systemd-analyze")
    sys.exit(77)


class Units(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def lay(self, manager, change=lambda text: text):
        """The units as installed, but started by a program that is there."""
        service = (BUILT / manager / "jitcorrald.service").read_text()
        (self.folder / "jitcorrald.service").write_text(
            change(re.sub("(?m)^ExecStart=.*", "ExecStart=/bin/true", service)))
        for name in SOCKETS:
            shutil.copy(SOURCE / manager / name, self.folder)

    def drop_in(self, unit, file):
        folder = self.folder / f"{unit}.d"
        folder.mkdir()
        shutil.copy(file, folder / "10-example.conf")

    def analyze(self, *arguments):
        environment = dict(os.environ, SYSTEMD_UNIT_PATH=f"{self.folder}:", XDG_RUNTIME_DIR=str(self.folder))
        return subprocess.run(["systemd-analyze", *arguments], env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, cwd=self.folder, timeout=30)

    def verify(self, manager):
        user = ["--user"] if manager == "user" else []
        done = self.analyze("verify", *user, "--man=no", "jitcorrald.service", *SOCKETS)
        # Of our units alone: others of this machine may be of another opinion.
        return [line for line in (done.stdout + done.stderr).splitlines() if "jitcorral" in line], done.returncode

    def test_systemd_finds_nothing_wrong(self):
        for manager in (".", "user"):
            with self.subTest(manager):
                self.lay(manager)
                self.assertEqual(self.verify(manager), ([], 0))

    def test_a_wrong_line_is_found(self):
        for manager in (".", "user"):
            with self.subTest(manager):
                self.lay(manager, lambda text: text.replace("[Service]", "[Service]\nSystemCallFiltre=@all"))
                self.assertIn("SystemCallFiltre", "\n".join(self.verify(manager)[0]))

    def test_the_examples_fit(self):
        self.lay(".")
        self.drop_in("jitcorrald.service", SOURCE / "examples/sys-ptrace.conf")
        self.drop_in("jitcorrald-metrics.socket", SOURCE / "examples/metrics-tcp.conf")
        self.assertEqual(self.verify("."), ([], 0))
        (self.folder / "jitcorral-subject.service").write_text("[Service]\nExecStart=/bin/true\n")
        self.drop_in("jitcorral-subject.service", BUILT / "examples/10-jitcorral.conf")
        done = self.analyze("verify", "--man=no", "jitcorral-subject.service")
        self.assertNotIn("jitcorral", done.stderr)

    def exposure(self):
        done = self.analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE * 10:.0f}",
                            "--no-pager", str(self.folder / "jitcorrald.service"))
        found = re.search(r"exposure level for jitcorrald\.service: ([0-9.]+)", done.stdout)
        self.assertTrue(found, done.stdout + done.stderr)
        self.assertNotIn("ignoring", done.stderr)
        return float(found[1]), done.returncode

    def test_the_sandbox_is_tight(self):
        self.lay(".")
        exposure, status = self.exposure()
        print(f"exposure {exposure}")
        self.assertLessEqual(exposure, MOST_EXPOSURE)
        self.assertEqual(status, 0)

    def test_a_looser_sandbox_is_seen(self):
        self.lay(".", lambda text: re.sub("(?m)^(PrivateNetwork|CapabilityBoundingSet|IPAddressDeny)=.*\n", "", text))
        exposure, status = self.exposure()
        self.assertGreater(exposure, MOST_EXPOSURE)
        self.assertNotEqual(status, 0)

    def test_a_full_descriptor_store_can_be_passed_on(self):
        # systemd hands the names over in one variable, and execve takes no string of 128 KiB
        # (MAX_ARG_STRLEN). Found with a real systemd: such a service fails with 203/EXEC for ever.
        longest = len(f"ring.{2**64 - 1:016x}.{2**22}.{2**32 - 1}.{10**10}:")
        for manager in (".", "user"):
            text = (BUILT / manager / "jitcorrald.service").read_text()
            most = int(re.search(r"(?m)^FileDescriptorStoreMax=(\d+)$", text)[1])
            self.assertLess(len("LISTEN_FDNAMES=") + most * longest, 128 * 1024)

    def test_what_the_daemon_must_see_stays_visible(self):
        self.lay(".")
        text = (self.folder / "jitcorrald.service").read_text()
        for name in ("PrivateUsers", "ProtectProc", "ProcSubset", "RuntimeDirectory", "User"):
            self.assertNotRegex(text, f"(?m)^{name}=")

    def test_paths_are_those_of_the_shim_and_of_the_installation(self):
        for manager, prefix in ((".", "/run"), ("user", "%t")):
            for name, path in zip(SOCKETS, ("socket", "query", "metrics")):
                text = (SOURCE / manager / name).read_text()
                self.assertRegex(text, rf"(?m)^Listen\w+={prefix}/jitcorral/{path}$")
            service = (BUILT / manager / "jitcorrald.service").read_text()
            self.assertRegex(service, rf"(?m)^ExecStart=/\S+/sbin/jitcorrald{' --user' if manager == 'user' else ''}$")
            self.assertNotRegex(service, "@[A-Z]+@")
        policy = (SOURCE.parent / "include/jitcorral/policy.h").read_text()
        self.assertIn("/run/jitcorral/socket", policy)


unittest.main(verbosity=1)

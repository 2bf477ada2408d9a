"""The tarball: nothing but a libc for the program to run, in a root with nothing else."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import unittest

from frame import PackagingTest, do, environment, run

SOURCE, BUILD, HOST = (pathlib.Path(sys.argv.pop(1)) for _ in range(3))
ISA = platform.machine()
# A cross-built one takes minutes to make: it is tried where scripts/tarball left it.
OTHER = SOURCE / "build/dist"

# What runs in the bare root: a dynamic program, for which there is libc; the shell is static.
BARE = r"""
set -e
export PATH=/bin HOME=/home TMPDIR=/home
/jitcorral/bin/jitcorral run --set JITCORRAL_POLICY=all --json /home/report.json -- /host
/jitcorral/bin/jitcorral runs >/home/runs
/jitcorral/bin/jitcorral report >/home/report
/jitcorral/bin/jitcorral doctor -- /host >/home/doctor
unset HOME
/jitcorral/bin/jitcorral runs >/home/runs.nobody 2>&1 || true
cat /home/report.json
"""


def unpack(tarball, folder):
    do("tar", "-xzf", tarball, "-C", folder)
    tree, = (path for path in folder.glob("jitcorral-*") if path.is_dir())
    return tree


class Tarball(PackagingTest):
    def made(self):
        path = do(SOURCE / "scripts/tarball", "--build", BUILD, "--into", self.folder).stdout.splitlines()[-1]
        self.assertRegex(path, rf"/jitcorral-\d+\.\d+\.\d+-linux-{ISA}\.tar\.gz$")
        return path

    def check_programs(self, tree):
        headers = do("readelf", "-lW", tree / "bin/jitcorral").stdout
        self.assertNotIn("INTERP", headers)
        self.assertNotIn("DYNAMIC", headers)
        # The shim as it was stripped: what the house asks of it, glibc 2.17 among it.
        do("python3", SOURCE / "tests/house/library.py", tree / "lib/jitcorral/libjitcorral.so",
           SOURCE / "preload/exports.map")

    def test_works_where_it_is_unpacked_and_is_the_same_each_time(self):
        first = pathlib.Path(self.made())
        bytes_of_first = first.read_bytes()
        self.assertEqual(pathlib.Path(self.made()).read_bytes(), bytes_of_first)
        tree = unpack(first, self.folder)
        self.check_programs(tree)
        for name in ("README.md", "LICENSE", "share/man/man1/jitcorral.1"):
            self.assertTrue((tree / name).is_file(), name)
        self.assert_steers(tree / "bin/jitcorral", "run", host=[HOST])

    @unittest.skipUnless(os.geteuid() == 0, "only root can chroot")
    def test_in_a_bare_root(self):
        root = self.folder / "root"
        for name in ("bin", "proc", "home", "lib64", "etc"):
            (root / name).mkdir(parents=True)
        unpack(self.made(), self.folder).rename(root / "jitcorral")
        shutil.copy(HOST, root / "host")
        for path in re.findall(r"(/\S+)", subprocess.run(["ldd", HOST], capture_output=True, text=True).stdout):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path[1:])
        busybox = shutil.which("busybox")
        if not busybox or "INTERP" in do("readelf", "-lW", busybox).stdout:
            self.skipTest("no static busybox")
        shutil.copy(busybox, root / "bin/busybox")
        for name in ("sh", "cat"):
            (root / "bin" / name).symlink_to("busybox")
        (root / "bare").write_text(BARE)
        done = run("unshare", "--mount", "--pid", "--fork", "sh", "-c",
                   'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh /bare', "sh", root)
        if done.returncode and "unshare" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        first, _, report = done.stdout.partition("\n")
        self.assertEqual(first, "mapped")
        self.assertIn('"steered": 1', report)
        self.assertIn("host", (root / "home/runs").read_text())
        # Without a home, nor a line in /etc/passwd: said, not crashed.
        self.assertIn("jitcorral", (root / "home/runs.nobody").read_text())

    def test_the_cross_built_one_under_qemu(self):
        found = list(OTHER.glob("jitcorral-*-linux-aarch64.tar.gz"))
        if ISA != "x86_64" or not found:
            self.skipTest("no build/dist/jitcorral-*-linux-aarch64.tar.gz (scripts/tarball aarch64 makes it)")
        for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc"):
            if not shutil.which(tool):
                self.skipTest(f"no {tool}")
        tree = unpack(found[-1], self.folder)
        self.check_programs(tree)
        do("aarch64-linux-gnu-gcc", "-o", self.folder / "host", SOURCE / "tests/packaging/host.c")
        # The command is emulated; its child, which it starts by itself, has to be so too.
        emulator = ["qemu-aarch64", "-R", "0x4000000000", "-L", "/usr/aarch64-linux-gnu"]
        done = do("qemu-aarch64", tree / "bin/jitcorral", "run", "--set", "JITCORRAL_POLICY=all",
                  "--set", "JITCORRAL_STATS=1", "--", *emulator, self.folder / "host", env=environment(self.folder))
        self.assertEqual(done.stdout, "mapped\n")
        self.assertRegex(done.stderr, r"\[jitcorral:exit\] .*\bsteered=1 ")


unittest.main(verbosity=1)

"""The wheel: installed by pip without any index, run as a script and as a module; its tag is no lie."""

import os
import pathlib
import platform
import shutil
import sys
import unittest
import zipfile

from frame import PackagingTest, do, environment, run

SOURCE, BUILD, HOST = (pathlib.Path(sys.argv.pop(1)) for _ in range(3))
PYTHON = "/usr/bin/python3"

if run(PYTHON, "-m", "pip", "--version").returncode:
    print(f"SKIPPED: no pip of {PYTHON}")
    sys.exit(77)


class Wheel(PackagingTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = pathlib.Path(do("mktemp", "-d").stdout.strip())
        cls.addClassCleanup(shutil.rmtree, cls.place)
        tarball = do(SOURCE / "scripts/tarball", "--build", BUILD, "--into", cls.place).stdout.splitlines()[-1]
        cls.wheel = pathlib.Path(do(SOURCE / "scripts/wheel", "--tarball", tarball, "--into", cls.place).stdout.strip())

    def install(self):
        venv = self.folder / "venv"
        do(PYTHON, "-m", "venv", "--without-pip", venv)
        do(PYTHON, "-m", "pip", "--python", venv / "bin/python", "install", "--no-index", "--disable-pip-version-check",
           self.wheel, env=environment(self.folder))
        return venv / "bin"

    def test_as_a_script_and_as_a_module(self):
        programs = self.install()
        self.assert_steers(programs / "jitcorral", "run", host=[HOST])
        self.assert_steers(programs / "python", "-m", "jitcorral", "run", host=[HOST])
        status = run(programs / "jitcorral", "run", "--", "sh", "-c", "exit 7", env=environment(self.folder))
        self.assertEqual(status.returncode, 7)

    def test_the_module_tells_where_the_shim_is(self):
        programs = self.install()
        shim = do(programs / "python", "-c", "import jitcorral; print(jitcorral.preload())").stdout.strip()
        done = do(HOST, env=environment(self.folder, LD_PRELOAD=shim, JITCORRAL_POLICY="all", JITCORRAL_STATS="1"))
        self.assertRegex(done.stderr, r"\[jitcorral:exit\] .*\bsteered=1 ")

    def test_the_tag_is_true(self):
        self.assertIn(f"-py3-none-manylinux_2_17_{platform.machine()}.", self.wheel.name)
        with zipfile.ZipFile(self.wheel) as wheel:
            wheel.extractall(self.folder)
        content = self.folder / "jitcorral/bin"
        self.assertEqual(sorted(os.listdir(content)), ["jitcorral", "libjitcorral.so"])
        # No symbol of glibc younger than 2.17, no library but libc; and nothing of either.
        do(PYTHON, SOURCE / "tests/house/library.py", content / "libjitcorral.so", SOURCE / "preload/exports.map")
        self.assertNotIn("INTERP", do("readelf", "-lW", content / "jitcorral").stdout)

    def test_an_unknown_isa_is_refused(self):
        done = run(SOURCE / "scripts/wheel", "riscv64")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("accepted: x86_64, aarch64", done.stderr)


unittest.main(verbosity=1)

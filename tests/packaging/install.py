"""`cmake --install`: into a root of its own and under a prefix of one's own; both work where they lie."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from frame import PackagingTest, do, environment, run

SOURCE, BUILD, HOST = (pathlib.Path(sys.argv.pop(1)) for _ in range(3))


class Install(PackagingTest):
    def install(self, prefix, destdir=None):
        env = environment(self.folder, **({"DESTDIR": str(destdir)} if destdir else {}))
        do("cmake", "--install", BUILD, "--prefix", prefix, env=env)
        return pathlib.Path(f"{destdir or ''}{prefix}")

    def shim(self, prefix):
        found = list(prefix.glob("lib*/**/jitcorral/libjitcorral.so"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_into_a_root_as_packages_are_made(self):
        prefix = self.install("/usr", self.folder / "root")
        shim = self.shim(prefix)
        self.assertIn(f"({shim})", do(prefix / "bin/jitcorral", "--version").stdout)
        self.assert_steers(prefix / "bin/jitcorral", "run", host=[HOST])
        inside = "/" + str(shim.relative_to(self.folder / "root"))
        self.assertIn(f"LD_PRELOAD={inside}\n",
                      (prefix / "share/doc/jitcorral/examples/10-jitcorral.conf").read_text())
        for manager in ("system", "user"):
            folder = prefix / "lib/systemd" / manager
            self.assertEqual(sorted(os.listdir(folder)), ["jitcorrald-metrics.socket", "jitcorrald-query.socket",
                                                          "jitcorrald.service", "jitcorrald.socket"])
            started = re.search("(?m)^ExecStart=(.*)", (folder / "jitcorrald.service").read_text())[1]
            self.assertEqual(started, "/usr/sbin/jitcorrald" + (" --user" if manager == "user" else ""))
            if (BUILD / "jitcorrald").exists():
                do(self.folder / "root" / started.split()[0][1:], "--version")
        for name in ("share/man/man1/jitcorral.1", "share/man/man8/jitcorrald.8",
                     "share/bash-completion/completions/jitcorral"):
            self.assertTrue((prefix / name).is_file(), name)

    def test_the_configuration_says_nothing_until_somebody_does(self):
        self.install("/usr", self.folder / "root")
        text = (self.folder / "root/etc/jitcorral/jitcorrald.conf").read_text()
        self.assertTrue(all(not line or line.startswith("#") for line in text.splitlines()), text)

    def test_under_a_prefix_of_ones_own(self):
        prefix = self.install(self.folder / "own")
        self.assert_steers(prefix / "bin/jitcorral", "run", host=[HOST])
        self.assertIn(f"ExecStart={prefix}/sbin/jitcorrald --user\n",
                      (prefix / "lib/systemd/user/jitcorrald.service").read_text())

    @unittest.skipUnless(shutil.which("pkg-config"), "no pkg-config")
    def test_pkg_config_knows_header_and_shim(self):
        prefix = self.install(self.folder / "own")
        shim = self.shim(prefix)
        env = environment(self.folder, PKG_CONFIG_PATH=str(shim.parent.parent / "pkgconfig"))
        self.assertEqual(do("pkg-config", "--variable=preload", "jitcorral", env=env).stdout.strip(), str(shim))
        flags = do("pkg-config", "--cflags", "--libs", "jitcorral", env=env).stdout.split()
        self.assertEqual(flags, [f"-I{prefix}/include"])
        program = self.folder / "asks.c"
        program.write_text('#include <jitcorral/jitcorral.h>\n#include <stdio.h>\n'
                           'int main(void) { puts(jitcorral_version ? "under" : "bare"); }\n')
        do("cc", "-o", self.folder / "asks", program, *flags)
        self.assertEqual(do(self.folder / "asks").stdout, "bare\n")
        self.assertEqual(do(self.folder / "asks", env=dict(env, LD_PRELOAD=str(shim))).stdout, "under\n")

    def test_the_build_downloads_nothing(self):
        files = run("git", "-C", SOURCE, "ls-files", "*CMakeLists.txt", "*.cmake").stdout.split()
        files = files or [str(p.relative_to(SOURCE)) for p in SOURCE.rglob("CMakeLists.txt") if "build" not in p.parts]
        self.assertGreater(len(files), 10)
        for name in files:
            text = (SOURCE / name).read_text()
            self.assertIsNone(re.search(r"FetchContent|ExternalProject|file\s*\(\s*DOWNLOAD", text), name)
        # And without any network: configures, as a user who has been given the sources.
        offline = run("unshare", "--net", "--map-root-user", "cmake", "-G", "Ninja", "-S", SOURCE, "-B",
                      self.folder / "build", "-DJITCORRAL_TESTS=OFF", "-DJITCORRAL_BENCH=OFF")
        if "unshare" in offline.stderr:
            self.skipTest(offline.stderr.strip())
        self.assertEqual(offline.returncode, 0, offline.stderr)


unittest.main(verbosity=1)

"""The Debian package: lintian's opinion, unpacked without being installed, and installed, removed and purged by dpkg."""

import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

from frame import PackagingTest, do, run

BUILD, HOST = (pathlib.Path(sys.argv.pop(1)) for _ in range(2))
# No address of the project's is public, and no bug of Debian's asked for it.
ACCEPTED = {"initial-upload-closes-no-bugs", "bogus-mail-host"}

for tool in ("cpack", "dpkg-deb", "dpkg-shlibdeps"):
    if not shutil.which(tool):
        print(f"SKIPPED: no {tool}")
        sys.exit(77)

# A deb in a root with dpkg's own state: everything but the kernel is as when a user installs it.
LIFE = r"""
cp "$1" "$root/tmp/package.deb"; cp "$2" "$root/tmp/packaging_host"
mount -t proc proc "$root/proc"
# No systemd runs in there, as in a container image.
mount -t tmpfs tmpfs "$root/run"
cat >"$root/tmp/life" <<'SH'
set -e
export LC_ALL=C HOME=/tmp/home PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset LD_PRELOAD
# The triggers are other packages' (man-db reads every page of the machine).
quick="--no-triggers --force-unsafe-io"
had=$(find /etc/ld.so.preload /etc/environment /etc/profile.d -type f -exec md5sum {} + 2>/dev/null || true)
dpkg $quick -i /tmp/package.deb >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
dpkg --verify jitcorral
jitcorral --version
jitcorral run --set JITCORRAL_POLICY=all --json /tmp/report.json -- /tmp/packaging_host
echo enabled: $(ls /etc/systemd/system/*.wants | grep jitcorral)
[ "$had" = "$(find /etc/ld.so.preload /etc/environment /etc/profile.d -type f -exec md5sum {} + 2>/dev/null || true)" ]
echo mine >>/etc/jitcorral/jitcorrald.conf
dpkg $quick -i --force-confold /tmp/package.deb >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
echo kept: $(tail -n1 /etc/jitcorral/jitcorrald.conf)
dpkg $quick -r jitcorral >/dev/null
echo kept: $(tail -n1 /etc/jitcorral/jitcorrald.conf)
dpkg $quick -P jitcorral >/dev/null
echo left: $(ls -d /etc/jitcorral /usr/lib/*/jitcorral /usr/bin/jitcorral /etc/systemd/system/*.wants/jitcorral* 2>/dev/null)
cat /tmp/report.json
SH
chroot "$root" sh /tmp/life
"""


class Deb(PackagingTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="deb-")))
        do("cpack", "-G", "DEB", "-B", cls.place, cwd=BUILD)
        cls.deb, = cls.place.glob("jitcorral_*.deb")

    @unittest.skipUnless(shutil.which("lintian"), "no lintian")
    def test_lintian_finds_nothing(self):
        done = run("lintian", "--allow-root", self.deb)
        tags = [line for line in done.stdout.splitlines() if re.match("[EW]: ", line)
                and line.split()[2] not in ACCEPTED]
        self.assertEqual(tags, [])

    def test_its_dependencies_are_those_of_its_programs(self):
        depends = do("dpkg-deb", "-f", self.deb, "Depends").stdout
        for name in ("libc6", "libcapstone4", "liblz4-1", "libsqlite3-0", "libstdc++6"):
            self.assertRegex(depends, rf"{re.escape(name)} \(>= ")

    def test_unpacked_without_being_installed(self):
        do("dpkg-deb", "-x", self.deb, self.folder / "there")
        self.assert_steers(self.folder / "there/usr/bin/jitcorral", "run", host=[HOST])

    def test_installed_changed_removed_and_purged(self):
        done = self.in_overlay(LIFE, self.deb, HOST)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        said = done.stdout.splitlines()
        self.assertRegex(said[1], r"^shim: .* \(/usr/lib/\S+/jitcorral/libjitcorral\.so\)$")
        self.assertEqual(said[2], "mapped")
        for unit in ("jitcorrald.service", "jitcorrald.socket", "jitcorrald-query.socket", "jitcorrald-metrics.socket"):
            self.assertIn(unit, said[3].split())
        self.assertEqual(said[4:7], ["kept: mine", "kept: mine", "left:"])
        self.assertEqual(json.loads("".join(said[7:]))["runs"][-1]["counts"]["steered"], 1)


unittest.main(verbosity=1)

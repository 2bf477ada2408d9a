"""What the tests of packages share: an installation in a folder, and a program run under what lies there."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest


def run(*command, timeout=120, **how):
    """Ended by then with all that it started: a build would go on."""
    words = [str(word) for word in command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                          start_new_session=True, **how) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def do(*command, **how):
    """As run, but it has to succeed."""
    done = run(*command, **how)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def environment(home, **changes):
    """Of a user who has set nothing, with a home of his own."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("JITCORRAL_", "XDG_")) and k not in ("LD_PRELOAD", "DESTDIR")}
    return dict(kept, HOME=str(home), **changes)


# This machine's root, as it is, in a tree where whatever is written goes to memory: $1 is where.
OVERLAY = """
mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root" || exit 77
root=$1/root; shift
"""


class PackagingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="packaging-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def in_overlay(self, script, *arguments, **how):
        """Runs `script` (sh) with root=a copy of this machine's root and $1... = arguments."""
        if os.geteuid() != 0:
            self.skipTest("only root can mount")
        place = self.folder / "overlay"
        place.mkdir()
        done = run("unshare", "--mount", "sh", "-c", OVERLAY + script, "sh", place, *arguments, **how)
        if done.returncode == 77:
            self.skipTest(f"no overlay over this root: {done.stderr.strip()}")
        return done

    def assert_steers(self, *command, **how):
        """`command` is jitcorral, or a way to it: one mapping of the host is steered, and recorded."""
        how.setdefault("env", environment(self.folder))
        done = do(*command, "--set", "JITCORRAL_POLICY=all", "--json", "/dev/stderr", "--", *how.pop("host"), **how)
        self.assertEqual(done.stdout, "mapped\n", done.stderr)
        report = json.loads(done.stderr)
        self.assertEqual(report["runs"][-1]["counts"]["steered"], 1, done.stderr)

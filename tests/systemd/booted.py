"""The units under a real systemd, booted over a copy of this machine's root: what they start is the real daemon."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
build, host = sys.argv[1:3]


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


if os.geteuid() != 0:
    skip("only root can boot a container")
for tool in ("systemd-nspawn", "unshare", "curl"):
    if not shutil.which(tool):
        skip(f"no {tool}")
if not pathlib.Path(build, "jitcorrald").exists():
    skip("no jitcorrald in this build")
if not os.path.exists("/lib/systemd/systemd"):
    skip("no systemd")

with tempfile.TemporaryDirectory(prefix="booted-") as folder:
    done = subprocess.run(["unshare", "--mount", "sh", str(HERE / "boot.sh"), folder, build, host,
                           str(HERE / "booted_driver.py")], capture_output=True, text=True, stdin=subprocess.DEVNULL)
print(done.stdout, done.stderr, sep="")
if done.returncode == 77:
    skip("no systemd can be booted here")
sys.exit(0 if "all well: 0" in done.stdout else 1)

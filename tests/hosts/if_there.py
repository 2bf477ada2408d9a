"""if_there.py 'PROBE COMMAND' COMMAND...: runs COMMAND if the probe succeeds, else skips by name."""

import os
import shlex
import subprocess
import sys

probe = shlex.split(sys.argv[1])
try:
    there = subprocess.run(probe, capture_output=True).returncode == 0
except OSError:
    there = False
if not there:
    print(f"SKIPPED: not here: {sys.argv[1]}")
    sys.exit(77)
os.execvp(sys.argv[2], sys.argv[2:])

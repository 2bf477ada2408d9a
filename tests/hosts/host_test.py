"""What the host tests share: run a host bare and under the shim, compare, read the shim's lines."""

import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77  # ctest's SKIP_RETURN_CODE


class Failure(Exception):
    pass


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIP)


def expect(condition, text):
    if not condition:
        raise Failure(text)


def clean_environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("JITCORRAL_") and k != "LD_PRELOAD"}


def run(command, **variables):
    """The finished process; `variables` go into the environment (LD_PRELOAD=..., POLICY=...)."""
    environment = clean_environment()
    for name, value in variables.items():
        environment[name if name == "LD_PRELOAD" else "JITCORRAL_" + name] = str(value)
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=HERE)


def died_of_signal(result):
    return result.returncode < 0


def own_lines(stderr, tag):
    """The shim's lines with this tag, each as a dictionary of its key=value words."""
    lines = re.findall(rf"^\[jitcorral:{tag}\] (.*)$", stderr, re.M)
    return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]


def without_own_lines(stderr):
    return "\n".join(line for line in stderr.splitlines() if not line.startswith("[jitcorral:"))


def describe(result):
    status = result.returncode
    text = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"{text}\n--- stdout\n{result.stdout}--- stderr\n{result.stderr}"


def main(test):
    """Runs `test`; a Failure is said on one line and fails."""
    try:
        test()
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print("passed")

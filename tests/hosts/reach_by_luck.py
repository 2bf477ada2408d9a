"""Never takes away a reach that the host had by luck: over many ASLR draws, every module that the
JIT's code can reach by 32-bit displacements bare, it reaches under auto."""

import argparse
import json

from host_test import describe, expect, main, run

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("--draws", type=int, default=12)
options.add_argument("command", nargs="+")
options = options.parse_args()

SPAN = 2**31


def draw(**variables):
    result = run(options.command, **variables)
    expect(result.returncode == 0, describe(result))
    probe = json.loads(result.stdout)
    low, high = min(probe["code"]), max(probe["code"])
    return {
        name: max(high - begin, end - low) for name, (begin, end) in probe["modules"].items()
    }


def test():
    reached = {"bare": {}, "auto": {}}
    farthest = {"bare": 0, "auto": 0}
    for _ in range(options.draws):
        for kind, variables in (("bare", {}), ("auto", {"LD_PRELOAD": options.shim})):
            for name, distance in draw(**variables).items():
                reached[kind][name] = reached[kind].get(name, 0) + (distance < SPAN)
                if distance < SPAN:
                    farthest[kind] = max(farthest[kind], distance)
    lost = {
        name: (count, reached["auto"].get(name, 0))
        for name, count in reached["bare"].items()
        if reached["auto"].get(name, 0) < count
    }
    always = sum(1 for count in reached["auto"].values() if count == options.draws)
    print(f"{options.draws} draws, {len(reached['bare'])} modules bare; always reached under auto: {always}; "
          f"farthest reached: bare {farthest['bare'] >> 20} MiB, auto {farthest['auto'] >> 20} MiB")
    expect(not lost, f"reached less often under auto (bare, auto): {lost}")


main(test)

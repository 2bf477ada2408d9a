"""Who may include whom (ARCHITECTURE.md, "Rooms"). Argument: another root to check, for its own test."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")

# Folder: what its files may include in quotes. A path that is not in the tree is the room's own.
ROOMS = {
    "include/jitcorral": ["include/jitcorral"],
    "preload": ["preload", "include/jitcorral"],
    "daemon/model": ["daemon/model", "include/jitcorral"],
    "daemon/store": ["daemon/store", "daemon/model", "include/jitcorral"],
    "daemon/analyze": ["daemon/analyze", "daemon/model", "include/jitcorral"],
    "daemon/decode": ["daemon/decode", "include/jitcorral"],
    "daemon/inspect": ["daemon/inspect", "include/jitcorral"],
    "daemon/autopsy": ["daemon/autopsy", "daemon/collect", "daemon/decode", "daemon/inspect", "include/jitcorral"],
    "daemon/show": ["daemon/show", "daemon/analyze", "daemon/autopsy", "daemon/decode", "daemon/inspect", "daemon/model",
                    "include/jitcorral"],
    "daemon/collect": ["daemon/collect", "daemon/store", "daemon/decode", "daemon/inspect", "daemon/model",
                       "include/jitcorral"],
    "daemon/metrics": ["daemon/metrics", "include/jitcorral"],
    "daemon/serve": ["daemon/serve", "daemon/collect", "daemon/store", "daemon/metrics", "daemon/analyze",
                     "daemon/model", "include/jitcorral"],
    "daemon/jitcorrald": ["daemon/jitcorrald", "daemon/serve", "daemon/metrics", "include/jitcorral"],
    "daemon/command": ["daemon", "include/jitcorral"],
}
# The pure rooms of preload/, which decide and place: what they may include of preload/.
PURE = {
    "bitmap.h": set(),
    "shield.h": {"bitmap.h"},
    "page_map.h": {"bitmap.h"},
    "page_map.cc": {"page_map.h"},
    "layout.h": set(),
    "purposes.h": set(),
    "decide.h": {"kernel.h", "window.h"},  # for the types of a call and a kind
    "learn.h": {"window.h"},
    "learn.cc": {"learn.h"},
    "elf_image.h": set(),
    "purposes.h": set(),
    "virtual_call.h": set(),
}
# System headers of which exactly one file may know.
ONLY = {"unwind.h": "preload/backtrace.cc", "libunwind.h": "tests/unit/backtrace_subject.cc"}
# Libraries that one room knows.
ROOM_ONLY = {"sqlite3.h": ("daemon/store", "tests/daemon", "tests/fuzz"), "lz4.h": ("daemon/store",),
             "capstone.h": ("daemon/decode",),
             "CLI/CLI.hpp": ("daemon/command", "daemon/jitcorrald"),
             "prometheus/text_serializer.h": ("daemon/metrics",), "microhttpd.h": ("daemon/metrics",)}
FORBIDDEN_IN_SHIM = {"string", "vector", "map", "memory", "iostream", "sstream", "fstream", "mutex", "thread",
                     "functional", "cstdio", "stdio.h", "dlfcn.h", "pthread.h", "stdexcept", "algorithm"}

IO = {"fstream", "iostream", "filesystem", "unistd.h", "fcntl.h", "thread", "chrono"}

wrong = []


def resolve(path, name):
    for base in (path.parent, ROOT / "preload", ROOT / "include", ROOT / "daemon"):
        if (base / name).exists():
            return (base / name).resolve().relative_to(ROOT.resolve())
    return None


sources = [p for p in ROOT.rglob("*") if p.suffix in (".h", ".cc", ".c") and "build" not in p.parts]
for path in sources:
    here = path.relative_to(ROOT)
    room = next((r for r in ROOMS if here.is_relative_to(r)), None)
    for line in path.read_text().splitlines():
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quote, name = match.groups()
        if quote == "<":
            if name in ONLY and str(here) != ONLY[name]:
                wrong.append(f"{here}: includes <{name}>, which only {ONLY[name]} may")
            if name in ROOM_ONLY and not any(here.is_relative_to(r) for r in ROOM_ONLY[name]):
                wrong.append(f"{here}: includes <{name}>, which belongs to {ROOM_ONLY[name][0]}/")
            if room in ("daemon/analyze", "daemon/decode") and name in IO:
                wrong.append(f"{here}: includes <{name}>, but {here.parent.name}/ is pure")
            if room in ("preload", "include/jitcorral") and name in FORBIDDEN_IN_SHIM:
                wrong.append(f"{here}: includes <{name}>, which has no place in the shim")
            continue
        if room is None:
            continue
        target = resolve(path, name)
        if target is None:
            wrong.append(f"{here}: includes \"{name}\", which is not there")
        elif not any(target.is_relative_to(allowed) for allowed in ROOMS[room]):
            wrong.append(f"{here}: includes {target}, outside what {room}/ may include")
        elif here.parent.name == "preload" and here.name in PURE and target.parent.name == "preload":
            if target.name not in PURE[here.name]:
                wrong.append(f"{here}: is pure, but includes {target}")

print("\n".join(wrong) or f"{len(sources)} files keep the include rules")
sys.exit(1 if wrong else 0)

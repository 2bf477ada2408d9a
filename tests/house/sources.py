"""What the shim's sources may not contain, and how long a file may be. Argument: another root."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
MOST_LINES = 400
PURE = ("bitmap.h", "page_map.h", "page_map.cc", "layout.h", "purposes.h", "decide.h", "learn.h", "learn.cc")
# (pattern, files that may, what it is)
RULES = [
    (r'asm\b[^;]*"syscall"|svc #0', r"arch/\w+/syscall\.h$", "enters the kernel"),
    (r"visibility\(\"default\"\)", r"preload/interpose\.cc$", "exports a symbol"),
    (r"\bmalloc\(", r"preload/allocator\.cc$", "allocates"),
    (r"\b(new|throw|try|catch)\b|(?<!= )\bdelete\b", r"^$", "allocates or throws"),
    (r"\.(at|value|substr)\((?!0, )", r"^$", "brings the standard library's exceptions"),
    (r"\bstd::(string|vector|map|unordered_map|function|shared_ptr|unique_ptr|mutex|thread)\b", r"^$", "allocates"),
    (r"\b(printf|fprintf|snprintf|dladdr|dlsym|dlopen)\(", r"^$", "is forbidden inside a host"),
    (r"\b_Unwind_(?!GetRegionStart\")", r"preload/backtrace\.cc$", "knows the unwinder"),
]

wrong = []


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


for path in sorted(p for p in ROOT.rglob("*") if p.suffix in (".h", ".cc", ".c", ".py") and "build" not in p.parts):
    here = str(path.relative_to(ROOT))
    text = path.read_text()
    lines = text.count("\n")
    if lines > MOST_LINES:
        wrong.append(f"{here}: {lines} lines; a file over {MOST_LINES} wants another room")
    if not here.startswith("preload/"):
        continue
    code = without_comments(text)
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, may, what in RULES:
            if re.search(pattern, line) and not re.search(may, here):
                wrong.append(f"{here}:{number}: {what}: {line.strip()}")
        if path.name in PURE and re.search(r"\bkernel::", line):
            wrong.append(f"{here}:{number}: is pure, but calls the kernel: {line.strip()}")

print("\n".join(wrong) or "the sources keep the rules")
sys.exit(1 if wrong else 0)

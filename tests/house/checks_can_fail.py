"""The house's checks fail when a rule is broken: each is tried on a small tree with one sin in it."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
SINS = [
    ("includes.py", "preload/a.cc", '#include "daemon/b.h"\n', "daemon/b.h"),
    ("includes.py", "daemon/show/a.cc", '#include "window.h"\n', "preload/window.h"),
    ("includes.py", "daemon/analyze/a.cc", '#include "store/b.h"\n', "daemon/store/b.h"),
    ("includes.py", "daemon/analyze/a.cc", "#include <fstream>\n", None),
    ("includes.py", "daemon/show/a.cc", "#include <sqlite3.h>\n", None),
    ("includes.py", "preload/a.cc", "#include <unwind.h>\n", None),
    ("includes.py", "preload/a.cc", "#include <string>\n", None),
    ("includes.py", "include/jitcorral/a.h", '#include "window.h"\n', "preload/window.h"),
    ("includes.py", "preload/layout.h", '#include "window.h"\n', "preload/window.h"),
    ("sources.py", "preload/a.cc", 'asm("syscall");\n', None),
    ("sources.py", "preload/a.cc", "int* p = new int;\n", None),
    ("sources.py", "preload/a.cc", '__attribute__((visibility("default"))) int x;\n', None),
    ("sources.py", "preload/a.cc", "auto y = x.at(3);\n", None),
    ("sources.py", "preload/page_map.cc", "void f() { kernel::unmap({}); }\n", None),
    ("sources.py", "daemon/a.cc", "\n" * 401, None),
]

missed = []
for script, name, text, other in SINS:
    with tempfile.TemporaryDirectory() as tree:
        for part, content in ((name, text), (other, "\n")):
            if part:
                path = pathlib.Path(tree) / part
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        result = subprocess.run([sys.executable, str(HERE / script), tree], capture_output=True, text=True)
        if result.returncode != 1:
            missed.append(f"{script} lets pass in {name}: {text.strip()[:60]}")
print("\n".join(missed) or f"{len(SINS)} sins, each found")
sys.exit(1 if missed else 0)

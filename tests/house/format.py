"""clang-format 14, the version of Debian 12: other versions format otherwise."""

import shutil
import subprocess
import sys

if not shutil.which("clang-format-14"):
    print("SKIPPED: no clang-format-14")
    sys.exit(77)
files = subprocess.run(["git", "ls-files", "*.h", "*.cc", "*.c"], capture_output=True, text=True, check=True).stdout.split()
result = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files], capture_output=True, text=True)
print(result.stderr or f"{len(files)} files are formatted")
sys.exit(result.returncode)

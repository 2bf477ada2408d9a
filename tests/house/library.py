"""The built shim: exports exactly what exports.map names, needs libc alone, no glibc symbol younger
than 2.17, no IFUNC, no text relocations. Works on either ISA: readelf reads both."""

import re
import subprocess
import sys

library, exports_map = sys.argv[1:3]
FLOOR = (2, 17)
# What the shim asks of libc; a new name here is a decision.
MAY_IMPORT = {
    "__errno_location", "__environ", "environ", "getauxval", "__getauxval", "sbrk", "dl_iterate_phdr",
    "gnu_get_libc_version", "__register_atfork", "__cxa_finalize", "__gmon_start__", "_ITM_registerTMCloneTable",
    "_ITM_deregisterTMCloneTable", "malloc", "abort", "memcpy", "memset", "memcmp", "memmove", "memchr", "memmem",
    "strlen", "strncmp", "strchr", "__stack_chk_fail", "__stack_chk_guard", "__memcpy_chk",
    "__tls_get_addr",
}


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments, library], check=True, capture_output=True, text=True).stdout


wrong = []
text = open(exports_map).read()
wanted = set(re.findall(r"\w+(?=;)", text.split("global:")[1].split("local:")[0]))

exported, imported = set(), set()
for line in readelf("--dyn-syms").splitlines():
    fields = line.split()
    if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
        continue
    kind, section, name = fields[3], fields[6], fields[7]
    bare, _, version = name.partition("@")
    if section == "UND":
        imported.add(bare)
        match = re.search(r"GLIBC_(\d+)\.(\d+)", version)
        if match and (int(match[1]), int(match[2])) > FLOOR:
            wrong.append(f"needs {name}: the floor is GLIBC_{FLOOR[0]}.{FLOOR[1]}")
    elif section != "ABS" and kind != "SECTION":
        exported.add(bare)
        if kind == "IFUNC":
            wrong.append(f"{bare} is an IFUNC: it would run before relocation")
for name in sorted(exported - wanted):
    wrong.append(f"exports {name}, which exports.map does not name")
for name in sorted(wanted - exported):
    wrong.append(f"does not export {name}, which exports.map names")
for name in sorted(imported - MAY_IMPORT):
    wrong.append(f"imports {name}")

dynamic = readelf("-d")
for needed in re.findall(r"NEEDED.*\[(.*)\]", dynamic):
    if not re.match(r"(libc\.so|ld-linux)", needed):
        wrong.append(f"needs {needed}")
for flag in ("NOW", "INITFIRST"):
    if not re.search(rf"FLAGS.*\b{flag}\b", dynamic):
        wrong.append(f"lacks the flag {flag}")
if "TEXTREL" in dynamic:
    wrong.append("has text relocations")
if re.search(r"GNU_STACK.*E", readelf("-l").split("GNU_STACK")[-1].split("\n")[0]):
    wrong.append("asks for an executable stack")

print("\n".join(wrong) or f"{len(exported)} exports, {len(imported)} imports, as they should be")
sys.exit(1 if wrong else 0)

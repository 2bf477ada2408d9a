"""Names of functions in an ELF file's own .symtab, of either ISA: for libraries that export none."""

import bisect
import functools
import struct

SYMTAB, FUNCTION = 2, 2


@functools.lru_cache(maxsize=4)
def _functions(path):
    """(starts, [(end, name)]), ascending by start."""
    with open(path, "rb") as file:
        image = file.read()
    table, = struct.unpack_from("<Q", image, 40)
    size, count = struct.unpack_from("<HH", image, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + n * size) for n in range(count)]
    found = []
    for section in sections:
        if section[1] != SYMTAB:
            continue
        names = sections[section[6]][4]
        for name, info, _, _, value, length in struct.iter_unpack("<IBBHQQ", image[section[4]:section[4] + section[5]]):
            if info & 15 == FUNCTION and length:
                found.append((value, value + length, names + name))
    found.sort()
    name_at = lambda at: image[at:image.index(b"\0", at)].decode()
    return [f[0] for f in found], [(f[1], f[2]) for f in found], name_at


def function_at(path, offset):
    """Name of the function that holds this address of the file; "" if there is none."""
    starts, functions, name_at = _functions(path)
    at = bisect.bisect_right(starts, offset) - 1
    return name_at(functions[at][1]) if at >= 0 and offset < functions[at][0] else ""

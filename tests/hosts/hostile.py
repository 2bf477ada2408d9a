"""Makes this process's address space hostile, as a big heap and many threads make it at users' sites.

`scatter_what_comes_next()` maps 5 GiB of PROT_NONE where the kernel would put the next mapping, then
fills every hole above it, so that whatever is mapped from now on lies more than 4 GiB away from
everything that was mapped before. Nothing of the host program is touched; no memory is used.
"""

import ctypes
import re

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]

PROT_NONE = 0
MAP_PRIVATE_ANON_NORESERVE = 0x2 | 0x20 | 0x4000
MAP_FIXED_NOREPLACE = 0x100000
FAILED = ctypes.c_void_p(-1).value


def mappings():
    """[(begin, end, permissions, name)], ascending."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split(None, 5)
            begin, end = (int(part, 16) for part in fields[0].split("-"))
            yield begin, end, fields[1], fields[5].strip() if len(fields) > 5 else ""


def scatter_what_comes_next(size=5 << 30):
    far = _libc.mmap(None, size + 4096, PROT_NONE, MAP_PRIVATE_ANON_NORESERVE, -1, 0)
    if far == FAILED:
        raise OSError(ctypes.get_errno(), "mmap of the barrier")
    # Plugging makes no new holes, so one pass over a snapshot would do; libc may have mapped a
    # little meanwhile, hence a second.
    for _ in range(2):
        previous_end = None
        for begin, end, _, name in list(mappings()):
            if previous_end is not None and previous_end >= far and begin > previous_end:
                hole = begin - previous_end
                # The stack grows down into its own gap: leave that.
                if name != "[stack]":
                    _libc.mmap(previous_end, hole, PROT_NONE, MAP_PRIVATE_ANON_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0)
                elif hole > (1 << 28):
                    _libc.mmap(previous_end, hole - (1 << 28), PROT_NONE,
                               MAP_PRIVATE_ANON_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0)
            previous_end = end
    return far

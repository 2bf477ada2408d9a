"""Makes the corpora anew, from real rings, libraries and texts of this machine. Arguments: the folder of a build (for
libjitcorral.so and jitcorral), and of the corpus."""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

BUILD, CORPUS = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SHARDS, TEXTS, SLOTS = 4096, 4096 + 64 * 256, 4096 + 64 * 256 + 44 * 1024  # ring.h


def seed(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def change(where, at, data):
    return b"".join(bytes([where]) + struct.pack("<HB", at + i, len(data[i:i + 255])) + data[i:i + 255]
                    for i in range(0, len(data), 255))


def slot(index, data):
    return bytes([3]) + struct.pack("<HB", index, 64) + data


def real_ring(folder, program):
    environment = dict(os.environ, LD_PRELOAD=str(BUILD / "libjitcorral.so"), JITCORRAL_POLICY="all",
                       JITCORRAL_RECORD=f"file:{folder}/ring.%p")
    subprocess.run(["/usr/bin/python3", "-c", program], env=environment, check=True)
    return max(pathlib.Path(folder).glob("ring.*"), key=lambda path: path.stat().st_size).read_bytes()


def rings():
    program = ("import mmap\nfor i in range(9):\n b = mmap.mmap(-1, 4096 << i, prot=7)\n b.close()\n"
               "import ctypes\nctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)()\n")
    with tempfile.TemporaryDirectory() as folder:
        ring = real_ring(folder, program)
    header = change(0, 0, ring[:512].rstrip(b"\0"))
    texts_end = TEXTS + len(ring[TEXTS:SLOTS].rstrip(b"\0"))
    texts = change(1 + 1, 8, ring[TEXTS + 8:min(texts_end, TEXTS + 1800)])
    shards = change(1, 0, ring[SHARDS:SHARDS + 192])
    slots = [slot(i, ring[SLOTS + 64 * i:SLOTS + 64 * (i + 1)]) for i in range(12)]
    look, peek, thorough, release = b"\x07", b"\x04", b"\x05", b"\x06"
    whole = texts + shards + b"".join(slots) + header
    seed("ring", "sealed", b"\0" + whole + peek + look + release + thorough + release)
    seed("ring", "file", b"\1" + whole)
    by_turns = b"".join(s + peek + release for s in slots)
    seed("ring", "by_turns", b"\0" + header + by_turns + look)
    seed("ring", "late", b"\0" + header + slots[3] + peek + slots[1] + thorough + b"\x0b" + release + b"\x09" + look)
    seed("ring", "resumed", b"\0" + header + slots[0] + slots[1] + b"\x08" + struct.pack("<QQ", 0, 1) + peek + b"\x0a" +
         struct.pack("<Q", 5) + release)
    seed("ring", "empty", b"\0")
    return ring


def hellos(ring):
    offset = struct.unpack_from("<I", ring, 56)[0]  # Header::hello_offset
    at = TEXTS + offset
    size = struct.unpack_from("<H", ring, at + 6)[0]
    hello = ring[at:at + size]
    assert hello[:4] == b"hllo"
    for subject, name in enumerate(("begin", "ring", "doorbell", "end", "cannot")):
        seed("hello", name, bytes([subject == 1]) + hello[:8] + bytes([subject]) + hello[9:])
    short = bytearray(hello[:696])
    struct.pack_into("<H", short, 6, 696)
    seed("hello", "of_0_1", b"\0" + bytes(short))
    longer = bytearray(hello + b"\7" * 64)
    struct.pack_into("<H", longer, 6, len(longer))
    seed("hello", "of_a_later_release", b"\0" + bytes(longer))
    seed("hello", "many_descriptors", b"\3" + hello)


def libraries():
    source = 'const char text[] = "cranelift-jit-0.116.1 LLVM version 14.0.6"; int mmap(void);\n' \
             "__attribute__((visibility(\"default\"))) int f(void) { return mmap(); }\n"
    flags = ["-Os", "-fPIC", "-nostdlib", "-Wl,-z,noseparate-code,-z,norelro", "-Wl,--build-id=none", "-s",
             "-fno-asynchronous-unwind-tables"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x")
        for name, more in (("library", ["-shared", "-Wl,-soname,libLLVM-14.so.1,-rpath,$ORIGIN"]),
                           ("sysv_hash", ["-shared", "-Wl,--hash-style=sysv"]),
                           ("static_pie", ["-static-pie", "-Wl,-e,f,--unresolved-symbols=ignore-all"])):
            subprocess.run(["gcc", *flags, *more, "-x", "c", "-", "-o", path], input=source.encode(), check=True)
            seed("elf", name, path.read_bytes())
    seed("elf", "script", b"#!/bin/sh\necho\n")


def code():
    source = "long a, b[9]; long g(long); long f(long x) { a += b[x]; return x > 3 ? f(x - 1) + g(x) : g(a); }\n" \
             "long g(long x) { switch (x) { case 1: return a; case 2: return 7; case 3: return b[1];\n" \
             "case 4: return -x; case 5: return x * a; default: return 0; } }\n"
    with tempfile.TemporaryDirectory() as folder:
        for isa, prefix in ((0, "aarch64-linux-gnu-"), (1, "")):
            path = pathlib.Path(folder, "x")
            subprocess.run([f"{prefix}gcc", "-O1", "-fPIC", "-fvisibility=hidden", "-nostdlib", "-static-pie",
                            "-Wl,-e,f", "-fno-asynchronous-unwind-tables", "-x", "c", "-", "-o", path],
                           input=source.encode(), check=True)
            subprocess.run([f"{prefix}objcopy", "-O", "binary", "-j", ".text", path, f"{path}.text"], check=True)
            text = pathlib.Path(f"{path}.text").read_bytes()
            seed("decode", ("aarch64", "x86_64")[isa], bytes([isa]) + bytes(range(1, 9)) + text)
    # Code that runs into none, constants that it reads, a call that is cut off.
    seed("decode", "broken",
         b"\1\0\0\0\0\0\0\0\0" b"\x48\x8b\x05\2\0\0\0\x74\x7e\6\xe8\xff\xff\xff\x7f\xc3" + bytes(32))


def databases():
    number, text, blob, null = 1, 2, 3, 0
    seed("database", "bytes", b"\0" + struct.pack("<IB", 100, 4) + b"abcd" + struct.pack("<IB", 9000, 8) + b"\xff" * 8)
    for column in range(0, 64, 3):
        seed("database", f"values_{column}",
             b"\1" + bytes([column, number]) + struct.pack("<q", -1) + bytes([column + 1, 128 + text]) +
             struct.pack("<H", 6) + b"[1,2,\xff" + bytes([column + 2, blob]) + struct.pack("<H", 64) +
             struct.pack("<QQQQ", 1, 2, 1 << 40, 4096) + bytes(24) + bytes([1, 1, 0, 5]) + b"\x08\0\0\0" +
             bytes([column, null]))


def texts():
    seed("text", "name", "\0naïve \x1b[31m \u202e名前\n".encode() + b"\xff\xc0\xaf")
    seed("text", "label", b"\1docker-4f0c93aa1b2c3d4e5f60718293a4b5c6.scope")
    seed("text", "unit", b"\1session-7.scope")
    seed("text", "cgroup", b"\3" b"0::/system.slice/docker-" + b"4f0c93aa" * 8 + b".scope\n")
    seed("text", "cgroup_user", b"\3" b"12:pids:/user.slice\n0::/user.slice/user-1000.slice/session-3.scope\n")
    # The head of glibc's cache, with two libraries.
    names = b"libc.so.6\0/lib/libc.so.6\0"
    head = 48 + 2 * 24
    entry = struct.pack("<iIIIQ", 0x303, head, head + 10, 0, 0)
    seed("text", "cache", b"\2" b"glibc-ld.so.cache1.1" + struct.pack("<IIBBBBIII", 2, len(names), 2, 0, 0, 0, 0, 0, 0) +
         entry + entry + names)


def note(kind, data):
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + bytes(-len(data) % 4)


def core(machine, notes, *segments):
    """`segments`: (begin, size, flags, stored)."""
    at, headers, rest = 64 + 56 * (len(segments) + 1), b"", notes
    headers += struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), 0, 4)
    for begin, size, flags, stored in segments:
        headers += struct.pack("<IIQQQQQQ", 1, flags, at + len(rest), begin, 0, len(stored), size, 4096)
        rest += stored
    return (b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56,
                                                         len(segments) + 1, 0, 0, 0) + headers + rest)


def cores():
    """Two crashes by a reference that was cut off, one by a call that was."""
    signal = note(0x53494749, struct.pack("<iiii", 11, 0, 1, 0) + struct.pack("<Q", 0x123401000128) + bytes(104))
    files = note(0x46494c45, struct.pack("<5Q", 1, 4096, 0x400000, 0x401000, 0) + b"/usr/bin/prog\0")
    auxv = note(6, struct.pack("<8Q", 3, 0x400040, 33, 0x7ff000, 6, 4096, 0, 0))

    def thread(size, pc, registers):
        data = bytearray(112 + size * 8 + 8)
        struct.pack_into("<h", data, 12, 11)
        for n, value in {**registers, 16 if size == 27 else 32: pc}.items():
            struct.pack_into("<Q", data, 112 + n * 8, value)
        return note(1, bytes(data))

    common = (0x400000, 0x1000, 5, b""), (0x123701000000, 0x10000, 4, bytes(64)), (0x123a01000000, 0x10000, 4, b"")
    stack = 0x7fff0000, 0x1000, 6, struct.pack("<Q", 0x123400000009) + bytes(64)
    code = b"\x48\x8b\x05\x21\x01\x00\x01\xc3" + b"\x48\x8d\x15\x00\x01\x00\x00\x48\x8b\x02\xc3"
    seed("core", "load", core(62, thread(27, 0x123400000000, {19: 0x7fff0000}) + signal + files + auxv, stack,
                              (0x123400000000, 0x10000, 5, code), *common))
    call = b"\x48\x83\xec\x08\xe8\x1f\x01\x00\x01\x48\x83\xc4\x08\xc3"
    seed("core", "call", core(62, thread(27, 0x123401000128, {19: 0x7fff0000}) + signal + files, stack,
                              (0x123400000000, 0x10000, 5, call), *common))
    words = struct.pack("<6I", 0x90008002, 0x9104a042, 0xaa0203e3, 0xf9400460, 0xd63f0000, 0xd65f03c0)
    seed("core", "aarch64", core(183, thread(34, 0x12340000000c, {2: 0x123401000128, 30: 0x123400000014,
                                                                  3: 0x123401000120}) + signal + auxv,
                                 (0x123400000000, 0x10000, 5, words), *common))


assert re.fullmatch(r"corpus", CORPUS.name), "the second argument is the corpus's folder"
hellos(rings())
libraries()
code()
databases()
texts()
cores()

"""`jitcorral explain --maps`: what a list of mappings and a program counter tell.

test_maps.py NAME COMMAND ...; a function behind @test is a test.
"""

import json
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "audit"))
from trial import expect, main, test  # noqa: E402

CODE, NEAR, FAR = 0x123400000000, 0x123401000000, 0x123701000000
LIBC = "7f0000000000-7f0000100000 r-xp 00000000 08:01 42 /usr/lib/{}-linux-gnu/libc.so.6\n"


def line(begin, permissions):
    return f"{begin:x}-{begin + 0x10000:x} {permissions} 00000000 00:00 0\n"


class Bench:
    def __init__(self, folder, command, *_):
        self.folder, self.command = pathlib.Path(folder), command

    def end(self):
        """Nothing of it goes on."""

    def run(self, maps, *arguments):
        file = self.folder / "maps"
        file.write_text(maps)
        return subprocess.run([self.command, "explain", "--maps", file, *arguments], text=True, capture_output=True,
                              timeout=60)

    def explain(self, maps, *arguments):
        """(exit status, the JSON); the text has to say the same."""
        text, result = self.run(maps, *arguments), self.run(maps, "--json", *arguments)
        expect(text.returncode == result.returncode and result.stdout, text, result)
        said = json.loads(result.stdout)
        first = text.stdout.split("\n\n")[0]
        expect(" ".join(first.split()) == " ".join(said["headline"].split()), text.stdout, said["headline"])
        return result.returncode, said

    def code(self, data):
        file = self.folder / "code"
        file.write_bytes(data + bytes(0x10000 - len(data)))
        return f"{file}@{CODE:#x}"


def load(to):  # mov rax, [rip + to]; ret
    return b"\x48\x8b\x05" + struct.pack("<I", (to - CODE - 7) & 0xFFFFFFFF) + b"\xc3"


MAPS = line(CODE, "r-xp") + line(FAR, "r--p") + LIBC.format("x86_64")


@test
def an_address_that_is_off_by_a_span_can_be_placement(bench):
    status, said = bench.explain(MAPS, "--pc", f"{CODE:x}", "--fault", f"{NEAR + 0x128:#x}")
    expect(status == 3 and said["conclusion"] == "can-be", said)
    (guess,) = said["guesses"]
    expect((guess["cut_off"]["bits"], guess["cut_off"]["times"]) == (32, 3), guess)
    expect(guess["cut_off"]["meant"] == f"{FAR + 0x128:#x}", guess)
    (data,) = [span for span in said["spans"] if span["to"] == "data"]
    expect((data["field"], data["pairs"], data["beyond"]) == ("rip32", 1, 1), data)


@test
def the_bytes_make_it_certain(bench):
    status, said = bench.explain(MAPS, "--pc", f"{CODE:#x}", "--code", bench.code(load(FAR + 0x128)))
    expect(status == 3 and said["conclusion"] == "cause", said)
    expect(said["culprit"]["cut_off"]["meant"] == f"{FAR + 0x128:#x}", said["culprit"])
    expect(said["touched"] == f"{NEAR + 0x128:#x}", said)


@test
def bytes_that_all_reach_rule_it_out(bench):
    maps = line(CODE, "r-xp") + line(NEAR, "r--p") + LIBC.format("x86_64")
    status, said = bench.explain(maps, "--pc", f"{CODE + 7:#x}", "--code", bench.code(load(NEAR + 8)))
    expect(status == 0 and said["conclusion"] == "ruled-out", said)


@test
def an_address_that_is_off_by_nothing_is_unknown(bench):
    status, said = bench.explain(MAPS, "--pc", f"{CODE:x}", "--fault", "0x8")
    expect(status == 4 and said["conclusion"] == "unknown" and not said["guesses"], said)
    expect("bytes were not given" in said["headline"], said["headline"])


@test
def a_branch_of_aarch64_is_off_by_its_own_span(bench):
    maps = line(CODE, "r-xp") + line(NEAR + 5 * (1 << 28), "r-xp") + LIBC.format("aarch64")
    status, said = bench.explain(maps, "--pc", f"{NEAR + 64:x}")
    expect(status == 3 and said["isa"] == "aarch64", said)
    expect(said["guesses"][0]["cut_off"]["bits"] == 28 and "2^28" in said["headline"], said)


@test
def what_can_not_be_told_is_asked_for_in_one_line(bench):
    nameless = line(CODE, "r-xp")
    for status, maps, arguments, part in (
            (1, nameless, ("--pc", "0"), "--isa"), (1, "no maps\n", ("--pc", "0"), "no line"),
            (2, MAPS, (), "--pc"), (2, MAPS, ("--pc", "zero"), "hexadecimal"),
            (2, MAPS, ("--pc", "0", "--code", "file"), "FILE@ADDRESS"),
            (2, MAPS, ("--pc", "0", "--isa", "arm"), "aarch64"), (2, MAPS, ("--pc", "0", "12"), "12"),
            (1, MAPS, ("--pc", "0", "--code", "/bin/sh@0x1000"), "0x1000")):
        result = bench.run(maps, *arguments)
        expect(result.returncode == status and not result.stdout, arguments, result)
        expect(part in result.stderr and result.stderr.count("\n") == 1, arguments, result.stderr)
    result = bench.run(nameless, "--pc", f"{CODE:x}", "--isa", "aarch64")
    expect(result.returncode == 4, result)


if __name__ == "__main__":
    sys.exit(main(Bench))

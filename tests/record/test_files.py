"""JITCORRAL_RECORD=file: a ring in a file of its own, for who has no recorder."""
import json
import os
import random
import resource
import socket
import stat
import subprocess
import sys

import frame
from frame import RING_SIZE, Skip, check, equal, line_of, must_be_root, test


def recording(bench, pattern, *script, **how):
    return bench.start([bench.host, *script], env=bench.environment(
        LD_PRELOAD=bench.shim, JITCORRAL_RECORD=f"file:{pattern}"), **how)


def report_of(bench, path):
    said = bench.do([bench.cli, "report", "--json", path])
    equal((said.status, said.err), (0, b""), f"report of {path}")
    return json.loads(said.out)["runs"][0]


def said_once(ended, *names):
    equal(len(ended.shim), 1, f"one line: {ended.err}")
    check(ended.shim[0].startswith("[jitcorral:record]"), f"its kind: {ended.shim}")
    for name in names:
        check(name in ended.shim[0], f"{name} is named: {ended.shim}")
    equal(ended.rest, [], "nothing else is said")


@test
def a_ring_file_has_its_name_and_is_private(bench):
    os.umask(0)
    process = recording(bench, bench.path("r.%p.%h.%e.%%"), "jit", "4096", "say", "bye")
    ended = bench.finish(process)
    equal((ended.status, ended.err), (0, b""), "the program")
    name = f"r.{process.pid}.{socket.gethostname()}.record_host.%"
    equal(os.listdir(bench.folder), [name], "the file's name")
    status = os.stat(bench.path(name))
    equal((stat.S_IMODE(status.st_mode), status.st_size), (0o600, RING_SIZE), "mode and size")
    run = report_of(bench, bench.path(name))
    equal((run["pid"], run["counts"]["steered"], run["verdict"]),
          (process.pid, 1, "within-reach"), "the run")
    equal(run["exe"], bench.host, "the executable")
    text = bench.do([bench.cli, "report", bench.path(name)])
    equal((text.status, text.err), (0, b""), "the text report")


@test
def each_process_has_its_file(bench):
    ended = bench.finish(recording(bench, bench.path("r.%p"), *"jit 4096 fork jit 8192 end fork "
                                   "say silent end exec".split(), bench.host, "jit", "16384"))
    equal((ended.status, len(ended.shim)), (0, 1), f"the program; {ended.err}")
    children = ended.children()
    # The exec has the same pid, so the same name, which is taken.
    said_once(ended, "r.%p")
    equal(sorted(os.listdir(bench.folder)),
          sorted({f"r.{children[0][0]}", f"r.{children[0][1]}"}), "files")
    for pid in (children[0][0], children[0][1]):
        equal(report_of(bench, bench.path(f"r.{pid}"))["pid"], pid, "pid")


@test
def a_file_that_stands_is_refused(bench):
    path = bench.path("mine")
    with open(path, "w", encoding="ascii") as file:
        file.write("my diary")
    ended = bench.finish(recording(bench, path, "jit", "4096", "jit", "8192", "fork", "jit", "4096",
                                   "end", "exit", "3"))
    equal(ended.status, 3, "the program")
    check(1 <= len(ended.shim) <= 2, f"one line a process: {ended.err}")
    check(all("errno 17" in l or "exists" in l.lower() for l in ended.shim), f"why: {ended.shim}")
    with open(path, encoding="ascii") as file:
        equal(file.read(), "my diary", "the file")


@test
def links_are_not_followed(bench):
    for target in (bench.path("nothing"), bench.path("there"), "/dev/null"):
        open(bench.path("there"), "w").close()
        link = bench.path("link")
        os.symlink(target, link)
        ended = bench.finish(recording(bench, link, "jit", "4096", "exit", "3"))
        equal(ended.status, 3, "the program")
        said_once(ended, link)
        check(not os.path.exists(bench.path("nothing")), "nothing is made")
        equal(os.path.getsize(bench.path("there")), 0, "nothing is written")
        os.unlink(link)


@test
def what_cannot_be_made_is_said_once(bench):
    os.mkfifo(bench.path("fifo"))
    for path in ("/nonexistent/x", bench.path("fifo"), bench.folder, "/dev/full", "/proc/x",
                 bench.path("x" * 150 + "%h%e"), bench.path("%e/%e")):
        ended = bench.finish(recording(bench, path, "jit", "4096", "jit", "4096", "threads", "4",
                                       "50", "exit", "3"))
        equal(ended.status, 3, f"the program with {path}")
        if "xxxx" in path:
            continue  # whether the name fits depends on the machine's
        said_once(ended)
    for path in ("%z", "relative%", "x" * 4000):
        ended = bench.finish(recording(bench, path, "jit", "4096", "jit", "4096", "exit", "3"),
                             b"")
        equal((ended.status, len(ended.shim)), (3, 1), f"the program with {path}; {ended.err}")


@test
def a_relative_name_is_in_the_first_folder(bench):
    ended = bench.finish(recording(bench, "here.%p", "jit", "4096", cwd=bench.folder))
    equal((ended.status, ended.err), (0, b""), "the program")
    equal(len(os.listdir(bench.folder)), 1, "files")


@test
def a_ring_file_is_read_while_its_program_runs_and_after_its_death(bench):
    path = bench.path("ring")
    process = recording(bench, path, "jit", "4096", "map", "8192", "say", "up", "read", "jit",
                        "4096", "say", "again", "pause")
    while line_of(process) != b"up\n":
        pass
    first = report_of(bench, path)
    equal((first["record"]["position"], first["state"]), (3, "running"), "while it runs")
    process.stdin.write(b"x")
    process.stdin.flush()
    while line_of(process) != b"again\n":
        pass
    equal(report_of(bench, path)["record"]["position"], 5, "a little later")
    process.kill()
    bench.finish(process)
    last = report_of(bench, path)
    equal((last["record"]["position"], last["counts"]["steered"]), (5, 3), "after its death")
    equal(last["state"], "running", "nobody saw it end")


@test
def a_full_disk_says_one_line_and_kills_nobody(bench):
    must_be_root()
    disk = bench.path("disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no tmpfs can be mounted here")
    try:
        ended = bench.finish(recording(bench, disk + "/ring", "jit", "4096", "exit", "3"))
        equal(ended.status, 3, "the program")
        said_once(ended)
        equal(os.listdir(disk), [], "nothing is left")
    finally:
        subprocess.run(["umount", disk], check=True)


@test
def a_file_size_limit_kills_nobody(bench):
    for limit in (0, 4096, RING_SIZE - 1):
        ended = bench.finish(recording(
            bench, bench.path(f"ring{limit}"), "jit", "4096", "exit", "3",
            preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))))
        equal(ended.status, 3, "the program")
        said_once(ended, "RLIMIT_FSIZE")


@test
def a_file_that_is_no_ring_is_one_line(bench):
    path = bench.path("ring")
    equal(bench.finish(recording(bench, path, "jit", "4096")).status, 0, "the program")
    with open(path, "rb") as file:
        whole = bytearray(file.read())
    os.mkfifo(bench.path("fifo"))
    chance = random.Random(8)
    made = {"missing": None, "empty": b"", "short": whole[:1000], "cut": whole[:-1],
            "long": whole + b"x", "zeros": bytes(RING_SIZE), "noise": chance.randbytes(RING_SIZE),
            "older": whole[:8] + b"\0\0" + whole[10:], "text": b"hello\n" * 1000}
    for name, content in made.items():
        if content is not None:
            with open(bench.path(name), "wb") as file:
                file.write(content)
    for name in [*made, "fifo", "folder"]:
        where = bench.folder if name == "folder" else bench.path(name)
        for how in ([], ["--json"], ["--check"]):
            ended = bench.do([bench.cli, "report", *how, where])
            equal((ended.status, len(ended.said), ended.rest, ended.out), (1, 1, [], b""),
                  f"{name}: {ended.err}")
            check(where in ended.said[0], f"it is named: {ended.said}")


@test
def a_ring_file_with_wounds_is_reported_without_harm(bench):
    path = bench.path("ring")
    equal(bench.finish(recording(bench, path, *(["jit", "4096"] * 300), "threads", "4",
                                 "500")).status, 0, "the program")
    with open(path, "rb") as file:
        whole = bytearray(file.read())
    chance = random.Random(9)
    for turn in range(30):
        wounded = bytearray(whole)
        for _ in range(chance.choice([1, 10, 300])):
            at = chance.randrange(72, RING_SIZE)
            length = chance.choice([1, 4, 8, 64, 5000])
            wounded[at:at + length] = chance.randbytes(length)
        del wounded[RING_SIZE:]
        with open(path, "wb") as file:
            file.write(wounded)
        for how in ([], ["--json"]):
            ended = bench.do([bench.cli, "report", *how, path])
            equal((ended.status, ended.err), (0, b""), f"turn {turn}")
            if how:
                json.loads(ended.out)
            else:
                check(b"\x1b" not in ended.out, "no control characters reach the terminal")


@test
def off_and_nonsense_record_nothing(bench):
    for value, lines in (("off", 0), ("auto", 0), ("", 0), ("nonsense", 1), ("unix:", 1),
                         ("file:", 1), ("unix:/nonexistent/socket", 0), ("unix:" + "x" * 200, 1)):
        ended = bench.do([bench.host, "jit", "4096", "exit", "3"], env=bench.environment(
            LD_PRELOAD=bench.shim, JITCORRAL_RECORD=value))
        equal((ended.status, ended.rest, len(ended.shim)), (3, [], lines),
              f"{value}: {ended.err}")
    equal(os.listdir(bench.folder), [], "files")


if __name__ == "__main__":
    sys.exit(frame.main())

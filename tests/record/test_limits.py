"""CMD always runs, also with no shim and where the limits are tight."""
import os
import resource
import shutil
import sys

import frame
from frame import check, equal, must_be_root, test


@test
def a_missing_shim_is_one_line(bench):
    for shim, name in (("/nonexistent/lib.so", "/nonexistent/lib.so"),
                       (bench.path("a b.so"), "blank")):
        if "a b" in shim:
            shutil.copy(bench.shim, shim)
        ended = bench.do([bench.cli, "run", "--db", bench.db, "--shim", shim, "--", "/bin/sh", "-c",
                          "exit 7"])
        equal((ended.status, ended.rest, len(ended.said)), (7, [], 1), f"it said {ended.err}")
        check(name in ended.said[0], f"it names it: {ended.said}")
    garbage = bench.path("garbage.so")
    with open(garbage, "w", encoding="ascii") as file:
        file.write("no library")
    for shim in (garbage, bench.folder):
        ended = bench.do([bench.cli, "run", "--db", bench.db, "--shim", shim, "--", "/bin/sh", "-c",
                          "exit 7"])
        equal(ended.status, 7, f"status with {shim}")


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


@test
def a_small_file_size_limit_leaves_the_command_alone(bench):
    wrong = []
    for limit in (0, 1, 4096, 100000, 589823, 1000000):
        path = bench.path(f"limit{limit}.db")
        ended = bench.run(bench.host, *(["jit", "4096"] * 20), "threads", "2", "1000", "exit", "7",
                          db=path, preexec_fn=limited(resource.RLIMIT_FSIZE, limit))
        if (ended.status, ended.rest) != (7, []) or len(ended.shim) > 1 or \
                len(ended.said) > 2 or (limit < 100000 and not ended.said + ended.shim):
            wrong.append((limit, ended.status, ended.err))
    equal(wrong, [], "limit, status, what was said")


@test
def few_descriptors_leave_the_command_alone(bench):
    # Enough for the command itself, which needs one for the linker.
    wrong = []
    for limit in range(4, 26):
        ended = bench.run(bench.look, bench.path("bare"), preexec_fn=limited(
            resource.RLIMIT_NOFILE, limit))
        bare = bench.do([bench.look, bench.path("bare")], preexec_fn=limited(
            resource.RLIMIT_NOFILE, limit))
        if (ended.status, ended.rest) != (bare.status, bare.err.decode().splitlines()) or \
                len(ended.said) > 2:
            wrong.append((limit, bare.status, ended.status, ended.err))
    equal(wrong, [], "descriptors, bare, under run")


@test
def little_memory_in_the_command_is_its_own_affair(bench):
    for limit in (30 << 20, 12 << 20, 8 << 20):
        ended = bench.run("/bin/sh", "-c", f"ulimit -v {limit >> 10}; exec {bench.host} jit 4096 "
                                           "threads 1 10 exit 7")
        bare = bench.do(["/bin/sh", "-c", f"ulimit -v {limit >> 10}; exec {bench.host} jit 4096 "
                                          "threads 1 10 exit 7"])
        if bare.status != 7:
            break
        equal((ended.status, ended.rest), (7, []), f"with {limit}")


@test
def no_further_processes_is_told_as_such(bench):
    must_be_root()

    def prepare():
        os.setgroups([])
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.setresgid(54321, 54321, 54321)
        os.setresuid(54321, 54321, 54321)
    ended = bench.run("/bin/true", db=False, preexec_fn=prepare,
                      env=bench.environment(HOME="/proc", XDG_STATE_HOME=None, TMPDIR=None))
    shutil.rmtree("/tmp/jitcorral-54321", ignore_errors=True)
    # CMD cannot be started beside run: as exec it still could.
    equal((ended.status, ended.rest), (0, []), f"it said {ended.err}")


if __name__ == "__main__":
    sys.exit(frame.main())

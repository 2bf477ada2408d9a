"""Processes that never load the shim are listed, with the reason where it is known."""
import os
import shutil
import subprocess
import sys

import frame
from frame import Skip, equal, line_of, must_be_root, nobody, test, until


def listed_as(bench, program, state, reason, data=b"", env=None, finish=True):
    """Runs a shell that starts the program and waits; the program must come to be listed."""
    process = bench.start(bench.command("/bin/sh", "-c", '"$@"; true', "sh", *program), env=env)

    def there():
        with bench.database() as db:
            return [run for run in db.runs() if run["state"] == state and reason in run["reason"]]
    try:
        found = until(there, f"a run that is {state}: {reason}", 15)
    finally:
        ended = bench.finish(process, data)
    equal(ended.status, 0, f"status; {ended.err}")
    return found[0], ended


@test
def a_static_command_is_listed_not_loaded(bench):
    ended = bench.run(bench.static)
    equal((ended.status, ended.out, ended.err), (0, b"static\n", b""), "the command")
    with bench.database() as db:
        run, = db.runs()
        equal((run["state"], run["reason"], run["exit_code"]),
              ("not-loaded", "static executable", 0), "run")
    equal(bench.report_json()["verdict"], "unknown", "verdict")


@test
def a_static_child_is_listed_not_loaded(bench):
    run, _ = listed_as(bench, [bench.static], "not-loaded", "static executable")
    equal(os.path.basename(run["executable"]), "record_static", "executable")
    equal(bench.report_json()["verdict"], "unknown", "verdict")


@test
def an_exec_of_a_static_program_closes_the_run(bench):
    process = bench.start(bench.command(bench.host, "jit", "4096", "exec", bench.static))

    def there():
        if not os.path.exists(bench.db):
            return False
        with bench.database() as db:
            return [run["state"] for run in db.runs()] == ["replaced", "not-loaded"]
    until(there, "replaced and not loaded", 15)
    ended = bench.finish(process)
    equal(ended.status, 0, "status")


@test
def what_lives_too_shortly_to_be_listed_is_said_to_be_missing(bench):
    # Nothing tells of a static child that is gone before anybody looks: the report says that it
    # would not know.
    ended = bench.run("/bin/sh", "-c",
                      f"i=0; while [ $i -lt 200 ]; do {bench.static} </dev/null; i=$((i+1)); done")
    equal(ended.status, 0, "status")
    equal(["processes that lived for less than some 20 ms" in clause for clause in bench.report_json()["blind"]],
          [True], "said")


@test
def a_fork_that_takes_long_to_end_is_not_taken_for_one_without_the_library(bench):
    # While its memory is taken away nothing of a process may be looked at. They live long enough to be
    # looked for, and have much to give back.
    ended = bench.run(sys.executable, "-c", """if True:
        import os, select
        much = bytearray(200_000_000)
        for _ in range(30):
            child = os.fork()
            if child == 0:
                select.select([], [], [], 0.03)
                os._exit(0)
            os.waitpid(child, 0)
    """)
    equal(ended.status, 0, "status")
    with bench.database() as db:
        equal([run["reason"] for run in db.runs() if run["state"] == "not-loaded"], [], "not loaded")


@test
def a_child_with_an_emptied_environment_is_listed_not_loaded(bench):
    listed_as(bench, ["/usr/bin/env", "-i", bench.host, "jit", "4096", "read"], "not-loaded",
              "LD_PRELOAD was taken out")


@test
def a_child_in_a_chroot_is_listed_not_loaded(bench):
    must_be_root()
    # A dynamic program in another root: as a container's, without the library.
    root = bench.path("root")
    os.mkdir(root)
    needed = [bench.host, os.path.join(bench.programs, "libllvmlite-record.so")]
    for line in subprocess.run(["ldd", bench.host], capture_output=True, check=True,
                               text=True).stdout.splitlines():
        needed += [word for word in line.split() if word.startswith("/")]
    for path in set(needed):
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    env = bench.environment(LD_LIBRARY_PATH=bench.programs)
    if bench.do(["chroot", root, bench.host, "say", "x"], env=env).status != 0:
        raise Skip("chroot does not work here")
    listed_as(bench, ["chroot", root, bench.host, "jit", "4096", "read"], "not-loaded",
              "not in its file system", env=env)


@test
def a_set_uid_child_is_listed_not_loaded(bench):
    must_be_root()
    user = nobody()
    owned = bench.path("owned")
    os.mkdir(owned)
    os.chown(owned, user, user)
    setuid = bench.path("setuid")
    shutil.copy("/bin/cat", setuid)
    os.chmod(setuid, 0o4755)
    if not os.access(os.path.dirname(bench.cli), os.X_OK):
        raise Skip("the command is out of reach of other users")
    bench.db = os.path.join(owned, "record.db")

    def drop():
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    process = bench.start(bench.command("/bin/sh", "-c", '"$@"; true', "sh", setuid),
                          env=bench.environment(HOME=owned, TMPDIR=owned), preexec_fn=drop)
    process.stdin.write(b"up\n")
    process.stdin.flush()
    equal(line_of(process), b"up\n", "the set-uid program works")

    def there():
        with bench.database() as db:
            return [run for run in db.runs()
                    if run["state"] == "not-loaded" and run["executable"].endswith("setuid")]
    try:
        until(there, "a run that is not loaded", 10)
    finally:
        ended = bench.finish(process, b"x")
    equal(ended.status, 0, "status")


@test
def a_slow_start_is_not_taken_for_not_loaded(bench):
    # The linker has mapped the shim and waits for another library; then all goes well.
    fifo = bench.path("library")
    os.mkfifo(fifo)
    process = bench.start(bench.command(
        "/bin/sh", "-c", f'LD_PRELOAD="$LD_PRELOAD:{fifo}" {bench.host} jit 4096; true'))

    def opened():
        try:
            return [os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)]
        except OSError:
            return []
    writer, = until(opened, "the linker is there")

    def listed():
        with bench.database() as db:
            return len(db.runs()) > 1
    try:
        until(listed, "a row of it", 0.5)  # there may or may not be one so far
    except AssertionError:
        pass
    os.close(writer)
    ended = bench.finish(process)
    equal(ended.status, 0, "status")
    pid = ended.calls()[0][0]
    with bench.database() as db:
        equal([(run["state"], run["recorded"]) for run in db.runs() if run["pid"] == pid],
              [("ended", 2)], "its rows")
    equal(bench.report_json()["verdict"], "within-reach", "verdict")


if __name__ == "__main__":
    sys.exit(frame.main())

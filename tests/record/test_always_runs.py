"""CMD always runs, also where nothing can be recorded; one line says what is wrong."""
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

import frame
from frame import Skip, check, equal, line_of, must_be_root, test, until


def runs_anyway(bench, *names, db=True, env=None, lines=1, recorded=False, **how):
    """The command does all it should, and `lines` lines are said, which name `names`."""
    ended = bench.run("/bin/sh", "-c", "cat; echo err >&2; exit 7", db=db, env=env, data=b"data",
                      **how)
    equal((ended.status, ended.out, ended.rest), (7, b"data", ["err"]), "the command itself")
    if lines is not None:
        equal(len(ended.said) + len(ended.shim), lines, f"lines: {ended.said} {ended.shim}")
    for name in names:
        check(any(name in line for line in ended.said), f"{name} is named: {ended.said}")
    for line in ended.said:
        check(len(line) < 600 + len(str(db)), f"a line of {len(line)} characters")
    return ended


def refuses(bench, path, *names):
    with open(path, "rb") as file:
        before = file.read()
    stat = os.stat(path)
    runs_anyway(bench, path, *names, db=path)
    with open(path, "rb") as file:
        check(file.read() == before, "not a byte is changed")
    equal(os.stat(path).st_mode, stat.st_mode, "mode")
    equal([n for n in os.listdir(bench.folder) if n.startswith(os.path.basename(path) + "-")], [],
          "nothing beside it")
    report = bench.do([bench.cli, "report", "--db", path])
    equal(report.status, 1, f"report's status: {report.err}")
    equal(len(report.said), 1, f"report's one line: {report.err}")
    check(path in report.said[0], "report names it")


@test
def a_folder_as_database_is_refused(bench):
    os.mkdir(bench.path("folder"))
    runs_anyway(bench, bench.path("folder"), db=bench.path("folder"))


@test
def a_database_that_cannot_be_made_is_refused(bench):
    for path in ("/proc/nothing/x.db", "/dev/null", "/dev/full", "/sys/x.db",
                 bench.path("a" * 300), "/" + "x/" * 3000 + "y", ""):
        if path:
            runs_anyway(bench, path[:100], db=path)
    os.mkfifo(bench.path("fifo"))
    runs_anyway(bench, bench.path("fifo"), db=bench.path("fifo"))
    os.symlink(bench.path("nothing"), bench.path("dangling"))
    runs_anyway(bench, bench.path("dangling"), db=bench.path("dangling"))
    check(not os.path.exists(bench.path("nothing")), "no file is made through a link")
    os.symlink(bench.path("loop"), bench.path("loop"))
    runs_anyway(bench, bench.path("loop"), db=bench.path("loop"))


@test
def text_as_database_is_refused(bench):
    path = bench.path("text")
    with open(path, "w", encoding="ascii") as file:
        file.write("my diary\n" * 2000)
    refuses(bench, path)


@test
def a_database_of_another_program_is_refused(bench):
    path = bench.path("foreign.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE run(id INTEGER)")
    connection.close()
    refuses(bench, path, "another program")


@test
def a_database_of_a_newer_version_is_refused(bench):
    bench.run("/bin/true")
    connection = sqlite3.connect(bench.db, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    refuses(bench, bench.db, "newer")


@test
def a_corrupt_database_is_refused_or_recorded_around(bench):
    for turn in range(3):
        bench.run(bench.host, *(["jit", "4096"] * 50))
    connection = sqlite3.connect(bench.db, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    with open(bench.db, "rb") as file:
        whole = file.read()
    for at in (16, 100, 4096, 8192, len(whole) // 2):
        path = bench.path(f"corrupt{at}.db")
        with open(path, "wb") as file:
            file.write(whole[:at] + b"\xa5" * 900 + whole[at + 900:])
        # Not every wound is seen at once; CMD runs, and what is said names the file.
        ended = runs_anyway(bench, db=path, lines=None)
        check(all(path in line for line in ended.said if "goes on" not in line.split(";")[-1]),
              f"the file is named: {ended.said}")
        check(len(ended.said) <= 2, f"lines: {ended.said}")
    for size in (1, 10, 99, 4096, 10000):
        path = bench.path(f"cut{size}.db")
        with open(path, "wb") as file:
            file.write(whole[:size])
        refuses(bench, path) if size < 99 else runs_anyway(bench, db=path, lines=None)


@test
def a_database_that_another_program_holds_does_not_hold_up(bench):
    bench.run(bench.host, "jit", "4096")
    holder = sqlite3.connect(bench.db, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("UPDATE session SET command = 'x'")
    ended = runs_anyway(bench, lines=None)
    check(ended.said and bench.db in ended.said[0], f"it is named: {ended.said}")
    check(len(ended.said) <= 2, f"lines: {ended.said}")
    holder.execute("ROLLBACK")
    holder.close()
    again = bench.run(bench.host, "jit", "4096")
    equal((again.status, again.said), (0, []), "once it is free")


@test
def a_database_that_is_locked_mid_way_is_waited_for(bench):
    process = bench.start(bench.command(bench.host, "jit", "4096", "say", "up", "read", "jit",
                                        "8192", "say", "on", "read", "jit", "4096"))
    while line_of(process) != b"up\n":
        pass
    until(lambda: bench.database().__enter__().runs(), "the run is there")
    holder = sqlite3.connect(bench.db, isolation_level=None, timeout=20)
    holder.execute("BEGIN IMMEDIATE")
    process.stdin.write(b"x")
    process.stdin.flush()
    while line_of(process) != b"on\n":
        pass
    # Signals reach the command meanwhile, and nothing is lost.
    holder.execute("ROLLBACK")
    holder.close()
    ended = bench.finish(process, b"x")
    equal((ended.status, ended.rest), (0, []), "the command")
    with bench.database() as db:
        run, = db.runs()
        equal((run["recorded"], run["dropped"]), (6, 0), "events")


@test
def signals_are_handed_on_while_the_database_is_locked(bench):
    process = bench.start(bench.command(bench.host, "jit", "4096", "say", "up", "read", "jit",
                                        "8192", "say", "on", "pause"))
    while line_of(process) != b"up\n":
        pass
    until(lambda: bench.database().__enter__().runs(), "the run is there")
    holder = sqlite3.connect(bench.db, isolation_level=None, timeout=20)
    holder.execute("BEGIN IMMEDIATE")
    process.stdin.write(b"x")
    process.stdin.flush()
    while line_of(process) != b"on\n":
        pass

    def waits():  # for the lock, in the busy handler's sleep; -1: it is running
        with open(f"/proc/{process.pid}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in ("230", "35")  # clock_nanosleep, nanosleep
    try:
        until(waits, "run waits for the database", 3)
    except (AssertionError, OSError):
        pass  # it waits elsewhere: all the better
    child = next(int(line.split()[-1]) for line in open(
        f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii").read().split("\n")
        if line.strip())
    process.send_signal(signal.SIGTERM)
    try:
        until(lambda: not frame.alive(child), "the command gets its signal", 3)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    equal(bench.finish(process).status, 143, "status")


@test
def without_a_home_it_is_said_where_it_records(bench):
    for home in ("/dev/null", "/proc", bench.path("missing")):
        runtime = bench.path("runtime")
        os.makedirs(runtime, mode=0o700, exist_ok=True)
        env = bench.environment(HOME=home, XDG_STATE_HOME=None, XDG_RUNTIME_DIR=runtime)
        ended = runs_anyway(bench, "runtime", db=False, env=env)
        check("--db" in ended.said[0], "it says how to read it")
    check(not os.path.exists(bench.path("missing")), "nobody's home is made")


def not_recorded(bench, folder, **variables):
    """Nothing, or what went wrong with this folder; the command itself must be right."""
    bench.db = bench.path(f"{len(os.listdir(bench.folder))}.db")
    ended = bench.run(bench.host, "jit", "4096", "exit", "7", env=bench.environment(**variables))
    equal((ended.status, ended.rest), (7, []), f"the command with {folder}")
    with bench.database() as db:
        if not ended.said + ended.shim and [run["recorded"] for run in db.runs()] == [2]:
            return []
    return [(folder, ended.said, ended.shim)]


@test
def a_nonsensical_runtime_folder_is_no_obstacle(bench):
    long = bench.path("r" * 100)
    os.mkdir(long, 0o700)
    foreign = bench.path("foreign")
    os.mkdir(foreign, 0o777)
    if os.geteuid() == 0:
        os.chown(foreign, 12345, 12345)
    comma = bench.path("a,filters=3")
    os.mkdir(comma, 0o700)
    file = bench.path("file")
    open(file, "w").close()
    wrong = []
    for runtime in ("/nonexistent", "relative", "", "/dev/null", "/proc", file, long, foreign,
                    comma):
        wrong += not_recorded(bench, runtime, XDG_RUNTIME_DIR=runtime)
    equal(wrong, [], "where it was no obstacle to the command, but to its record")
    check(not [n for n in os.listdir(bench.folder) if n.startswith("jitcorral-")],
          "no folder is left")


@test
def a_read_only_runtime_folder_is_no_obstacle(bench):
    must_be_root()
    runtime = bench.path("runtime")
    os.mkdir(runtime, 0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=700", "none", runtime], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no tmpfs can be mounted here")
    try:
        ended = bench.run(bench.host, "jit", "4096", env=bench.environment(XDG_RUNTIME_DIR=runtime))
        equal((ended.status, ended.said), (0, []), "status and what is said")
        with bench.database() as db:
            equal(db.runs()[-1]["recorded"], 2, "events")
    finally:
        subprocess.run(["umount", runtime], check=True)


@test
def a_nonsensical_temporary_folder_is_no_obstacle(bench):
    executable = bench.path("executable")
    shutil.copy("/bin/true", executable)
    os.chmod(executable, 0o777)
    odd = bench.path("a b\n%s")
    os.mkdir(odd)
    wrong = []
    for folder in ("/nonexistent", "relative", "", "/dev/null", "/proc", executable, "/" + "x" * 79,
                   odd, bench.path("t" * 60)):
        wrong += not_recorded(bench, folder, TMPDIR=folder)
    equal(wrong, [], "where it was no obstacle to the command, but to its record")


@test
def no_folder_for_the_socket_is_one_line(bench):
    must_be_root()
    if subprocess.run(["unshare", "--mount", "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no mount namespaces here")
    # /tmp that cannot be written to: the database lies elsewhere.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere:
        script = ('mkdir "$1/tmp" && mount -t tmpfs -o ro none /tmp; shift; exec "$@"')
        shutil.copy(bench.shim, elsewhere)
        shutil.copy(bench.cli, elsewhere)
        process = bench.start(["unshare", "--mount", "/bin/sh", "-c", script, "sh", elsewhere,
                               elsewhere + "/jitcorral", "run", "--shim",
                               elsewhere + "/" + os.path.basename(bench.shim), "--db",
                               elsewhere + "/x.db", "--", "/bin/sh", "-c", "exit 7"],
                              env=bench.environment(TMPDIR=None), cwd=elsewhere)
        ended = bench.finish(process)
    equal((ended.status, ended.rest, len(ended.said)), (7, [], 1), f"it said {ended.err}")
    check("nothing is recorded" in ended.said[0], ended.said)


@test
def a_full_disk_is_one_line(bench):
    must_be_root()
    disk = bench.path("disk")
    os.mkdir(disk)
    for size, blocked in (("64k", 0), ("192k", 0), ("400k", 0), ("400k", 280 << 10)):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("no tmpfs can be mounted here")
        try:
            if blocked:
                with open(disk + "/other", "wb") as file:
                    file.write(b"x" * blocked)
            path = disk + "/x.db"
            ended = bench.run(bench.host, *(["jit", "4096"] * 10), "threads", "2", "1500", "say",
                              "bye", "exit", "7", db=path)
            equal((ended.status, ended.rest, ended.shim), (7, [], []), f"the command, {size}")
            check(ended.out.endswith(b"bye\n"), "its output")
            if size == "400k" and not blocked and not ended.said:  # events are packed: all may have had room
                with bench.database(path) as db:
                    run = db.runs()[-1]
                    equal(run["recorded"] + run["dropped"] + run["torn"], run["position"], "all of it is there")
                    equal(len(db.events(run["id"])), run["recorded"], "events")
                continue
            check(1 <= len(ended.said) <= 2, f"one clear line, {size} {blocked}: {ended.said}")
            check(path in ended.said[0], f"the file is named: {ended.said}")
            check("recording goes on" not in ended.said[-1].split("; ")[0], f"{ended.said}")
            again = bench.run("/bin/true", options=["--check"], db=path)
            check(again.status in (0, 4), f"--check: {again.status} {again.err}")
            if again.status == 0:  # then it was stored, whatever else was not
                with bench.database(path) as db:
                    last = db.sessions()[-1]["id"]
                    equal([run["state"] for run in db.runs() if run["session"] == last], ["ended"],
                          f"--check answers 0, so its run is stored; it said {again.err}")
        finally:
            subprocess.run(["umount", disk], check=True)


@test
def many_runs_into_one_database_at_once(bench):
    processes = [bench.start(bench.command(bench.host, *(["jit", "4096"] * 30), "threads", "2",
                                           "300", "exit", "3"), stdin=subprocess.DEVNULL)
                 for _ in range(12)]
    for process in processes:
        ended = bench.finish(process)
        equal((ended.status, ended.err), (3, b""), "status and what is said")
    with bench.database() as db:
        check(db.intact(), "the database is intact")
        runs = db.runs()
        equal([(run["state"], run["reason"]) for run in runs], [("ended", "")] * 12, "runs")
        equal({run["recorded"] + run["dropped"] for run in runs}, {60 + 1800}, "events")
        equal(len(db.sessions()), 12, "sessions")
        equal({s["status"] for s in db.sessions()}, {3}, "statuses")


if __name__ == "__main__":
    sys.exit(frame.main())

"""What outlives `run` is recorded to its end, by a recorder that nobody has to wait for."""
import glob
import os
import signal
import subprocess
import sys

import frame
from frame import check, equal, test, until


def sockets(bench):
    return glob.glob(bench.path("jitcorral-*"))


def run_of(bench, pid):
    with bench.database() as db:
        return db.run_of(pid)


def daemon_of(bench, *script, options=()):
    """Ended, and the daemon's pid and lines: its standard output is a file."""
    ended = to_files(bench, "jit", "4096", "daemon", "jit", "8192", "touch", bench.path("up"), "await", bench.path("go"),
                     *script, "end", "await", bench.path("up"), options=options)
    return ended, said(bench).children()[0][0]


def to_files(bench, *script, options=(), data=b""):
    """The host; what goes on holds its standard streams, which must be no pipes of ours."""
    bench.out = bench.path("out")
    with open(bench.out, "wb") as out, open(bench.path("err"), "wb") as err:
        ended = bench.run(bench.host, *script, options=options, stdout=out, stderr=err, data=data)
    with open(bench.path("err"), "rb") as err:
        return frame.Ended(ended.status, b"", err.read())


def said(bench):
    with open(bench.out, "rb") as file:
        return frame.Ended(0, file.read(), b"")


def go(bench):
    open(bench.path("go"), "w").close()


def is_over(bench):
    return not bench.detached() and not sockets(bench)


def exactly_its_events(bench, pid):
    """Each call that it announced is there once, in its order."""
    with bench.database() as db:
        run = db.run_of(pid)
        events = db.events(run["id"])
        equal(len({e.ticket for e in events}), len(events), "tickets")
        equal((run["recorded"], run["dropped"], run["torn"]), (len(events), 0, 0), "the books")
        equal([(e.call, e.address) for e in events], [(c[2], c[3]) for c in said(bench).calls() if c[0] == pid],
              "what was announced")
        equal(db.rows("SELECT * FROM unseen"), [], "mappings that no event explains")
        check(db.intact(), "the database is whole")
    return run


@test
def a_daemon_is_recorded_to_its_end_after_run_has_returned(bench):
    ended, daemon = daemon_of(bench, *(["jit", "4096"] * 300), "exit", "7", options=["--report"])
    equal(ended.status, 0, f"status; {ended.err}")
    run = run_of(bench, daemon)
    equal((run["state"], run["recorded"]), ("running", 2), "when run has returned")
    check(b"a detached recorder goes on" in ended.err and f"--run {run['id']}".encode() in ended.err, ended.err)
    until(lambda: len(bench.detached()) == 1, "a detached recorder")
    go(bench)
    until(lambda: is_over(bench), "the detached recorder ends, and takes its socket along")
    run = exactly_its_events(bench, daemon)
    equal((run["state"], run["exit_code"], run["recorded"]), ("ended", 7, 602), "how it ended")
    check(run["ended"] and run["parent"] and run["verdict"] == "within-reach", run)
    with bench.database() as db:
        session, = db.sessions()
        equal(session["status"], 0, "the command's own status stays")


@test
def a_daemon_that_is_killed_is_closed_with_its_signal(bench):
    _, daemon = daemon_of(bench, *(["jit", "4096"] * 20), "touch", bench.path("done"), "pause")
    go(bench)
    until(lambda: os.path.exists(bench.path("done")), "its work is done")
    os.kill(daemon, signal.SIGKILL)
    until(lambda: is_over(bench), "the detached recorder ends")
    run = exactly_its_events(bench, daemon)
    equal((run["state"], run["signal"], run["recorded"]), ("ended", 9, 42), "how it ended")


@test
def what_a_survivor_forks_and_starts_is_recorded_too(bench):
    _, daemon = daemon_of(bench, "fork", "jit", "4096", "exec", bench.host, "jit", "16384", "exit", "0", "end",
                          "jit", "4096")
    go(bench)
    until(lambda: is_over(bench), "the detached recorder ends")
    with bench.database() as db:
        mine = db.run_of(daemon)
        child = said(bench).children()[1][0]
        runs = [run for run in db.runs() if run["pid"] == child]
        equal([(run["state"], run["recorded"]) for run in runs], [("replaced", 2), ("ended", 2)], "the child's runs")
        equal((runs[0]["parent"], mine["recorded"]), (mine["id"], 4), "whose child it is")


@test
def a_fork_that_had_said_nothing_yet_is_recorded(bench):
    bench.out = bench.path("out")
    with open(bench.out, "wb") as out:
        process = bench.start(bench.command(bench.host, "leave", "touch", bench.path("up"), "await", bench.path("go"),
                                            "jit", "4096", "end", "jit", "4096", "await", bench.path("seen")),
                              stdout=out, stderr=out)
    until(lambda: os.path.exists(bench.path("up")), "the fork is there")

    def looked_at():  # and meanwhile at its children
        with bench.database() as db:
            return db.runs()[0]["samples"] >= 5
    until(looked_at, "the first process is looked at now and then")
    open(bench.path("seen"), "w").close()
    equal(bench.finish(process).status, 0, "status")
    until(lambda: len(bench.detached()) == 1, "a detached recorder")
    go(bench)
    until(lambda: is_over(bench), "the detached recorder ends")
    exactly_its_events(bench, said(bench).children()[0][0])


@test
def nothing_of_the_users_is_held(bench):
    # A pipe as standard output, one more that the shell left open, a folder of one's own.
    extra_in, extra_out = os.pipe()
    here = bench.path("here")
    os.mkdir(here)
    script = f"exec {bench.host} >{bench.path('out')} 2>&1 </dev/null {extra_out}>&- " + " ".join(
        ["daemon", "jit", "4096", "touch", bench.path("up"), "await", bench.path("go"), "end", "await",
         bench.path("up")])
    process = bench.start(bench.command("/bin/sh", "-c", script), pass_fds=[extra_out], cwd=here,
                          stdin=subprocess.DEVNULL)
    os.close(extra_out)
    ended = bench.finish(process)  # reads both pipes to their ends
    equal(ended.status, 0, f"status; {ended.err}")
    equal(os.read(extra_in, 1), b"", "the other pipe's end")
    heir, = until(bench.detached, "a detached recorder")
    equal(os.readlink(f"/proc/{heir}/cwd"), "/", "its folder")
    equal({os.readlink(f"/proc/{heir}/fd/{fd}") for fd in range(3)}, {"/dev/null"}, "its streams")
    with open(f"/proc/{heir}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    equal((int(fields[3]), int(fields[4])), (heir, 0), "session and terminal")
    for number in (signal.SIGHUP, signal.SIGINT):
        os.kill(heir, number)
    go(bench)
    until(lambda: is_over(bench), "the detached recorder ends")
    os.close(extra_in)


@test
def what_a_shell_leaves_behind_as_it_ends_is_recorded(bench):
    """By the time it is there nobody of those who were known is left."""
    runs = 20
    for i in range(runs):
        ended = bench.run("/bin/sh", "-c", f"nohup {bench.host} jit 4096 touch {bench.path('up' + str(i))} & exit 3")
        equal(ended.status, 3, f"status; {ended.err}")
        until(lambda: os.path.exists(bench.path("up" + str(i))) and is_over(bench), "both are over")  # noqa: B023
    with bench.database() as db:
        recorded = [run for run in db.runs() if run["executable"] == bench.host]
    equal([run["recorded"] for run in recorded], [2] * runs, lambda: f"events of each: {recorded}")


@test
def told_to_end_it_stores_what_it_has_and_removes_its_socket(bench):
    _, daemon = daemon_of(bench, "jit", "4096", "touch", bench.path("done"), "await", bench.path("end"))
    heir, = until(bench.detached, "a detached recorder")
    go(bench)
    until(lambda: os.path.exists(bench.path("done")), "the daemon has mapped")
    os.kill(heir, signal.SIGTERM)
    until(lambda: is_over(bench), "the detached recorder ends")
    equal(exactly_its_events(bench, daemon)["state"], "running", "the daemon's state")
    open(bench.path("end"), "w").close()
    until(lambda: not frame.alive(daemon), "the daemon ends")


@test
def without_survivors_nothing_is_left_behind(bench):
    ended = bench.run(bench.host, *"jit 4096 fork jit 8192 end".split(), options=["--report"])
    equal((ended.status, bench.detached(), sockets(bench)), (0, [], []), "status, detached recorders, sockets")
    check(b"detached" not in ended.err, ended.err)


if __name__ == "__main__":
    sys.exit(frame.main())

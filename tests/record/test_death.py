"""Whoever dies, what was committed before is kept, and the others go on."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys

import frame
from frame import Skip, alive, check, equal, line_of, test, until


def calls_of(lines):
    """Those announced whole: the last line may be torn."""
    return frame.Ended(0, lines[:lines.rfind(b"\n") + 1], b"").calls()


def child_of(process):
    """run's command."""
    def there():
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return file.read().split()
    return int(until(there, "run has a child")[0])


@test
def what_a_killed_program_announced_is_recorded(bench):
    chance = random.Random(5)
    for turn in range(12):
        db = bench.path(f"{turn}.db")
        process = bench.start(bench.command(bench.host, "churn", "0", db=db),
                              stdin=subprocess.DEVNULL)
        lines = b""
        wanted = chance.randrange(1, 200000)
        while len(lines) < wanted:
            part = os.read(process.stdout.fileno(), 65536)
            check(part, f"it ended by itself behind {lines[-200:]}")
            lines += part
        pid = int(lines.split()[1])
        os.kill(pid, signal.SIGKILL)
        ended = bench.finish(process)
        equal((ended.status, ended.err), (137, b""), "status and standard error")
        calls = calls_of(lines + ended.out)
        with bench.database(db) as data:
            run = data.run_of(pid)
            equal((run["state"], run["signal"]), ("ended", 9), "how it ended")
            events = data.events(run["id"])
            tickets = [e.ticket for e in events]
            equal(len(set(tickets)), len(tickets), "tickets are unique")
            check(run["torn"] <= 1, f"one thread, at most one torn event, not {run['torn']}")
            equal(run["recorded"] + run["dropped"] + run["torn"], run["position"], "the books")
            if run["dropped"] == 0:
                have = [(e.call, e.address) for e in events]
                want = [(c[2], c[3]) for c in calls]
                equal(have[:len(want)], want, "what was announced is recorded, in this order")
                check(len(have) <= len(want) + 2, "no more than was going on")


@test
def threads_killed_in_the_middle_leave_books_that_balance(bench):
    chance = random.Random(6)
    for turn in range(10):
        db = bench.path(f"{turn}.db")
        process = bench.start(bench.command(bench.host, "say", "up", "threads", "8", "1000000",
                                            db=db), stdin=subprocess.DEVNULL)
        equal(line_of(process), b"up\n", "it begins")
        pid = child_of(process)

        def recorded(least=chance.randrange(1, 20000)):
            with bench.database(db) as data:
                return data.run_of(pid)["position"] >= least
        until(lambda: bench.database(db).__enter__().runs(), "the run is there")
        until(recorded, "events")
        os.kill(pid, signal.SIGKILL)
        ended = bench.finish(process)
        equal((ended.status, ended.err), (137, b""), "status and standard error")
        with bench.database(db) as data:
            check(data.intact(), "the database is intact")
            run = data.run_of(pid)
            tickets = [e.ticket for e in data.events(run["id"])]
            equal(len(set(tickets)), len(tickets), "tickets are unique")
            equal(len(tickets), run["recorded"], "recorded")
            check(run["torn"] <= 8, f"torn {run['torn']}")
            equal(run["recorded"] + run["dropped"] + run["torn"], run["position"], "the books")


@test
def a_writer_that_dies_between_claim_and_commit_costs_one_event(bench):
    if not shutil.which("gdb"):
        raise Skip("no gdb")
    # Stopped by a watchpoint at the slot's state, which is claimed then, and killed there. The ring
    # is found as the process's mapping of the memfd.
    ring = bench.path("ring")
    script = bench.path("gdb")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"""set pagination off
set breakpoint pending on
set environment LD_PRELOAD {bench.shim}
set environment JITCORRAL_RECORD file:{ring}
set startup-with-shell off
break pause
run
python
ring = [line for line in open("/proc/%d/maps" % gdb.selected_inferior().pid) if "{ring}" in line]
base = int(ring[0].split("-")[0], 16)
gdb.execute("watch *(unsigned long*)%d" % (base + 4096 + 64 * 256 + 44 * 1024 + 64 * 2))
end
delete 1
signal SIGUSR1
kill
""")
    # Two events come before pause, and the handler's is the third: slot 2.
    said = bench.do(["gdb", "-q", "-batch", "-x", script, "--args", bench.host, "jit", "4096",
                     "on-usr1-map", "pause"])
    check(os.path.exists(ring), f"a ring is there; gdb said {said.out[-500:]} {said.err[-500:]}")
    report = bench.do([bench.cli, "report", "--json", ring])
    equal(report.status, 0, f"report of it; {report.err}")
    run, = json.loads(report.out)["runs"]
    record = run["record"]
    if record["position"] != 3:
        raise Skip(f"the watchpoint was not met here: {said.out[-600:]}")
    equal((record["recorded"], record["torn"], record["dropped"]), (2, 1, 0), "the books")
    equal(run["verdict"], "unknown", "verdict")


@test
def a_killed_recorder_leaves_the_program_alone(bench):
    chance = random.Random(7)
    for turn in range(5):
        db = bench.path(f"{turn}.db")
        out = bench.path(f"{turn}.out")
        with open(out, "wb") as file, open(out + ".err", "wb") as errors:
            process = bench.start(bench.command(bench.host, "churn", "20000", "touch",
                                                out + ".done", "say", "end", db=db),
                                  stdout=file, stderr=errors,
                                  stdin=subprocess.DEVNULL)
        pid = child_of(process)
        least = chance.randrange(1, 1500000)
        until(lambda: os.path.getsize(out) >= least or not alive(pid), "output")
        process.kill()
        process.wait()
        # A second run at once, into the same database.
        second = bench.run(bench.host, "jit", "4096", "exit", "3", db=db)
        equal((second.status, second.said, second.rest), (3, [], []), "the second run")
        until(lambda: not alive(pid), "the program ends")
        check(os.path.exists(out + ".done"), "the program came to its end")
        with open(out + ".err", "rb") as file:
            equal(file.read(), b"", "nothing is said")
        with open(out, "rb") as file:
            lines = file.read()
        check(lines.endswith(b"end\n"), "the output is whole")
        calls = calls_of(lines)
        equal(len(calls), 20000 * 3 - 20000 // 16, "calls")
        with bench.database(db) as data:
            check(data.intact(), "the database is intact")
            run = [run for run in data.runs() if run["pid"] == pid]
            if run:
                events = data.events(run[0]["id"])
                if run[0]["dropped"] == 0:
                    equal([(e.call, e.address) for e in events],
                          [(c[2], c[3]) for c in calls][:len(events)], "it is the beginning")
                if len(events) < len(calls):
                    equal(run[0]["state"], "running", "nobody saw it end")
            equal(len(data.sessions()), 2, "sessions")
        report = bench.do([bench.cli, "runs", "--db", db])
        equal((report.status, report.err), (0, b""), "runs")


@test
def a_killed_recorder_leaves_no_descriptor_or_socket_that_hurts(bench):
    process = bench.start(bench.command(bench.host, "say", "up", "read", "jit", "4096", "fork",
                                        "jit", "4096", "end", "exec", bench.host, "jit", "4096",
                                        "say", "bye"))
    equal(line_of(process), b"up\n", "it begins")
    pid = child_of(process)
    process.kill()
    process.wait()
    out, err = process.communicate(b"x", timeout=frame.DEADLINE)
    until(lambda: not alive(pid), "it ends")
    check(out.endswith(b"bye\n"), f"it came to its end: {out}")
    equal(err, b"", "nothing is said")


@test
def a_stopped_recorder_stops_nobody(bench):
    process = bench.start(bench.command(bench.host, "jit", "4096", "say", "up", "read", "threads",
                                        "4", "10000", "fork", "jit", "4096", "exec", bench.host,
                                        "jit", "4096", "end", "say", "bye", "exit", "3"))
    while line_of(process) != b"up\n":
        pass
    process.send_signal(signal.SIGSTOP)
    process.stdin.write(b"x")
    process.stdin.flush()
    while line_of(process) != b"bye\n":
        pass
    process.send_signal(signal.SIGCONT)
    ended = bench.finish(process)
    equal((ended.status, ended.err), (3, b""), "status and standard error")
    with bench.database() as db:
        run = db.runs()[0]
        equal(run["recorded"] + run["dropped"], 120002, "recorded and dropped")
        check(run["dropped"] > 0, "some were dropped")
        equal(len(db.runs()), 3, "runs")
    equal(bench.report_json()["verdict"], "unknown", "verdict")


@test
def a_program_that_execs_with_threads_mapping(bench):
    # The other threads die wherever they are: the old ring's books balance, the new one is right.
    ended = bench.run(bench.host, "background-threads", "4", "jit", "4096", "exec", bench.host,
                      "jit", "8192", "exit", "3")
    equal((ended.status, ended.err), (3, b""), "status and standard error")
    with bench.database() as db:
        equal([(run["state"], run["reason"]) for run in db.runs()],
              [("replaced", ""), ("ended", "")], "runs")
        before, after = db.runs()
        equal(before["recorded"] + before["dropped"] + before["torn"], before["position"],
              "the books")
        check(before["torn"] <= 4, f"torn {before['torn']}")
        equal(len(db.events(after["id"])), 2, "events behind the exec")


if __name__ == "__main__":
    sys.exit(frame.main())

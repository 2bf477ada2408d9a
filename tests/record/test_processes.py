"""Every process of the command's is a run of its own, or is listed with what is known of it."""
import os
import resource
import signal
import subprocess
import sys

import frame
from frame import Skip, alive, check, equal, must_be_root, nobody, test, until


def by_pid(db):
    return {run["pid"]: run for run in db.runs()}


def maps_of(db, run):
    return [e.address for e in db.events(run["id"]) if e.call == "mmap"]


def announced(ended, pid):
    return [call[3] for call in ended.calls() if call[0] == pid and call[2] == "mmap"]


def as_announced(bench, ended, pids):
    """Each of these processes has a run with exactly the mappings that it announced."""
    with bench.database() as db:
        runs = by_pid(db)
        for pid in pids:
            check(pid in runs, f"pid {pid} has a run; there are {sorted(runs)}")
            equal(maps_of(db, runs[pid]), announced(ended, pid), f"mappings of {pid}")
    return runs


@test
def parent_and_forked_child_are_two_runs_and_linked(bench):
    ended = bench.run(bench.host, *"jit 4096 fork jit 8192 unmap 0 end jit 4096".split())
    equal(ended.status, 0, f"status; {ended.err}")
    (child, parent), = ended.children()
    runs = as_announced(bench, ended, [parent, child])
    equal(runs[child]["parent"], runs[parent]["id"], "the child's parent")
    equal((runs[child]["state"], runs[child]["exit_code"]), ("ended", 0), "how the child ended")
    equal(bench.report_json()["verdict"], "within-reach", "verdict")


@test
def a_child_forked_by_a_raw_system_call_is_a_run(bench):
    ended = bench.run(bench.host, *"jit 4096 inert-fork jit 8192 end jit 4096".split())
    equal(ended.status, 0, f"status; {ended.err}")
    (child, parent), = ended.children()
    runs = as_announced(bench, ended, [parent, child])
    equal(runs[child]["parent"], runs[parent]["id"], "the child's parent")


@test
def a_silent_fork_is_no_run(bench):
    ended = bench.run(bench.host, *"jit 4096 fork say hello end jit 4096".split())
    equal(ended.status, 0, f"status; {ended.err}")
    with bench.database() as db:
        equal(len(db.runs()), 1, "runs")


@test
def a_grandchild_behind_a_silent_child_knows_what_it_inherited(bench):
    # Pools do that: the first forks a server that maps nothing, and this forks the workers.
    process = bench.start(bench.command(bench.host, "jit", "4096", "fork", "fork", "jit", "8192",
                                        "touch", bench.path("mapped"), "read", "end", "end"))
    until(lambda: os.path.exists(bench.path("mapped")), "the grandchild maps")

    # Its list of mappings is looked at; memory that it inherited must not look like nobody's.
    def sampled():
        with bench.database() as db:
            return len(db.runs()) == 2 and all(run["samples"] >= 3 for run in db.runs())
    until(sampled, "both are sampled")
    ended = bench.finish(process, b"x")
    equal(ended.status, 0, f"status; {ended.err}")
    (child, parent), (grandchild, between) = sorted(ended.children(),
                                                    key=lambda c: c[1] != process.pid and c[1])
    if between != child:
        (grandchild, between), (child, parent) = (child, parent), (grandchild, between)
    with bench.database() as db:
        runs = by_pid(db)
        equal(db.rows("SELECT * FROM unseen"), [], "mappings that no event explains")
        equal(runs[grandchild]["parent"], runs[parent]["id"], "the nearest ancestor with a run")
    equal(bench.report_json()["verdict"], "within-reach", "verdict")


@test
def children_by_vfork_and_posix_spawn_are_runs(bench):
    script = bench.path("child")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec {bench.host} jit 4096\n")
    os.chmod(script, 0o755)
    ended = bench.run(bench.host, "jit", "4096", "vfork", script, "spawn", script, "jit", "4096")
    equal(ended.status, 0, f"status; {ended.err}")
    pids = [child for child, _ in ended.children()]
    equal(len(pids), 2, "children")
    as_announced(bench, ended, pids + [ended.children()[0][1]])
    with bench.database() as db:
        for pid in pids:
            states = [(run["state"], os.path.basename(run["executable"])) for run in db.runs()
                      if run["pid"] == pid]
            equal([states[0][0], states[-1]], ["replaced", ("ended", "record_host")],
                  f"the script and what it became, of {pid}")


@test
def a_chain_of_execs_closes_each_as_replaced(bench):
    host = bench.host
    ended = bench.run(host, "jit", "4096", "exec", host, "jit", "8192", "exec", host, "exec",
                      host, "jit", "16384", "exit", "7")
    equal(ended.status, 7, f"status; {ended.err}")
    with bench.database() as db:
        runs = db.runs()
        equal([run["state"] for run in runs], ["replaced"] * 3 + ["ended"], "states")
        equal(len({run["pid"] for run in runs}), 1, "pids")
        equal(runs[-1]["exit_code"], 7, "exit code")
        equal([a for run in runs for a in maps_of(db, run)],
              [call[3] for call in ended.calls() if call[2] == "mmap"], "mappings")


@test
def a_daemon_that_outlives_run_goes_on_undisturbed(bench):
    process = bench.start(bench.command(
        bench.host, "jit", "4096", "daemon", "jit", "8192", "touch", bench.path("up"), "await",
        bench.path("go"), *(["jit", "4096", "unmap", "1"] * 40), "touch", bench.path("done"), "end",
        "await", bench.path("up"), "say", "bye"), stdin=subprocess.DEVNULL,
        stdout=open(bench.path("out"), "wb"), stderr=open(bench.path("err"), "wb"))
    equal(process.wait(frame.DEADLINE), 0, "status")  # though the daemon still lives
    with open(bench.path("out"), "rb") as file:
        daemon = int([l for l in file.read().decode().splitlines()
                      if l.startswith("child")][0].split()[1])
    check(alive(daemon), "the daemon lives on")
    with bench.database() as db:
        run = db.run_of(daemon)
        equal(run["state"], "running", "the daemon's state")
        check(maps_of(db, run), "what it mapped is there")
    shown = bench.report()
    check(b"still runs" in shown.out, f"the report says that it runs: {shown.out[-900:]}")
    again = bench.run(bench.host, "jit", "4096")
    equal((again.status, again.said), (0, []), "another run meanwhile")
    open(bench.path("go"), "w").close()
    until(lambda: os.path.exists(bench.path("done")), "the daemon does its work to the end")
    until(lambda: not alive(daemon), "the daemon ends by itself")
    until(lambda: bench.database().run_of(daemon)["state"] == "ended", "its end is recorded")


@test
def two_hundred_processes_at_once_are_all_there(bench):
    script = []
    for _ in range(200):
        script += ["leave", "jit", "4096", "unmap", "0", "jit", "8192", "await", bench.path("go"),
                   "end"]
    ended_file = bench.path("out")
    with open(ended_file, "wb") as out:
        process = bench.start(bench.command(bench.host, *script, "touch", bench.path("forked"),
                                            "read"), stdout=out)
    until(lambda: os.path.exists(bench.path("forked")), "all are forked")
    open(bench.path("go"), "w").close()

    def all_ended():
        with bench.database() as db:
            return sum(run["state"] == "ended" for run in db.runs()) == 200
    try:
        until(all_ended, "200 runs that ended", 40)
    except AssertionError:
        pass
    ended = bench.finish(process, b"x")
    with open(ended_file, "rb") as file:
        ended.out = file.read()
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    children = [child for child, _ in ended.children()]
    equal(len(set(children)), 200, "children")
    runs = as_announced(bench, ended, children)
    equal({runs[child]["state"] for child in children}, {"ended"}, "states")


@test
def more_children_than_descriptors_are_all_recorded(bench):
    # One after the other, as a build or a test suite has them; the soft limit is what most have.
    script = ["fork", "exec", bench.host, "jit", "4096", "end"] * 120
    ended = bench.run(bench.host, *script, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (64, 64)))
    equal(ended.status, 0, f"status; {ended.err}")
    children = [child for child, _ in ended.children()]
    runs = as_announced(bench, ended, children)
    equal({(runs[child]["state"], runs[child]["exit_code"]) for child in children}, {("ended", 0)},
          "how they ended")


@test
def a_living_child_among_many_that_ended_is_followed_to_its_end(bench):
    script = (["fork", "jit", "4096", "end"] * 120 +
              ["fork", "jit", "4096", "touch", bench.path("up"), "read"] + ["jit", "4096"] * 20 +
              ["end"])
    process = bench.start(bench.command(bench.host, *script), preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (64, 64)))
    until(lambda: os.path.exists(bench.path("up")), "the last child is there")

    def first_is_stored():
        with bench.database() as db:
            return len(db.runs()) >= 122
    try:
        until(first_is_stored, "all children are stored", 10)
    except AssertionError:
        pass  # judged below
    ended = bench.finish(process, b"x")
    equal(ended.status, 0, f"status; {ended.err}")
    as_announced(bench, ended, [child for child, _ in ended.children()])


@test
def fifty_levels_of_forks_are_linked(bench):
    levels = 50
    ended = bench.run(bench.host, *(["jit", "4096", "fork"] * levels + ["jit", "4096"] +
                                    ["end"] * levels))
    equal(ended.status, 0, f"status; {ended.err}")
    pids = [child for child, _ in ended.children()]
    runs = as_announced(bench, ended, pids)
    for child, parent in ended.children():
        equal(runs[child]["parent"], runs[parent]["id"], f"parent of {child}")
    equal(bench.report_json()["verdict"], "within-reach", "verdict")


@test
def a_child_in_a_pid_namespace_is_linked_by_its_real_pid(bench):
    must_be_root()
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no pid namespaces here")
    ended = bench.run("unshare", "--pid", "--fork", bench.host,
                      *"jit 4096 fork jit 8192 end".split())
    equal(ended.status, 0, f"status; {ended.err}")
    with bench.database() as db:
        runs = [run for run in db.runs() if os.path.basename(run["executable"]) == "record_host"]
        equal(len(runs), 2, "runs of the host")
        check(all(run["pid"] > 2 for run in runs), "pids are the recorder's")
        equal(runs[1]["parent"], runs[0]["id"], "the child's parent")


@test
def a_child_that_changes_its_user_is_recorded(bench):
    must_be_root()
    os.chmod(bench.folder, 0o755)
    ended = bench.run(bench.host, "fork", "uid", str(nobody()), "jit", "4096", "end",
                      env=bench.environment(TMPDIR=None))
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    (child, _), = ended.children()
    as_announced(bench, ended, [child])


@test
def a_child_that_changes_its_user_is_recorded_from_a_login_session(bench):
    must_be_root()
    runtime = bench.path("runtime")
    os.mkdir(runtime, 0o700)  # as /run/user/0
    ended = bench.run(bench.host, "fork", "uid", str(nobody()), "jit", "4096", "end",
                      env=bench.environment(XDG_RUNTIME_DIR=runtime, TMPDIR=None))
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    (child, _), = ended.children()
    as_announced(bench, ended, [child])


@test
def an_undumpable_child_is_recorded(bench):
    ended = bench.run(bench.host, *"fork undump jit 4096 unmap 0 jit 8192 end jit 4096".split())
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    (child, parent), = ended.children()
    as_announced(bench, ended, [child, parent])


def closes_everything(bench, how):
    mine = bench.path("mine")
    turns = [how, "jit", "4096", "fill", mine, "jit", "8192", "unmap", "0", how,
             *(["jit", "4096"] * 20)]
    ended = bench.run(bench.host, "fork", *turns, "end", *turns)
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    (child, parent), = ended.children()
    as_announced(bench, ended, [child, parent])
    with open(mine, "rb") as file:
        equal(file.read(), b"mine\n" * 80, "the host's own file")


@test
def closefrom_before_and_after_the_first_event(bench):
    closes_everything(bench, "close-all")


@test
def close_range_before_and_after_the_first_event(bench):
    closes_everything(bench, "close-range")


@test
def files_with_the_numbers_of_standard_streams_are_not_written(bench):
    mine = bench.path("mine")
    ended = bench.run(bench.host, "low-files", mine, "jit", "4096", "fork", "jit", "4096", "end",
                      *(["jit", "8192"] * 4),
                      env=bench.environment(JITCORRAL_STATS="1", JITCORRAL_WINDOW="1M"))
    equal(ended.status, 0, f"status; {ended.err}")
    with open(mine, "rb") as file:
        equal(file.read(), b"mine\n", "the host's own file")
    (child, parent), = ended.children()
    as_announced(bench, ended, [child, parent])


@test
def a_filter_that_kills_comes_mid_way(bench):
    script = "jit 4096 filter jit 8192 unmap 0 jit 4096 remap 1 16384"
    ended = bench.run(bench.host, *script.split())
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    with bench.database() as db:
        run, = db.runs()
        equal(maps_of(db, run), [c[3] for c in ended.calls() if c[2] == "mmap"], "mappings")
        check(run["torn"] == 0 and run["dropped"] == 0, "nothing is missing")


@test
def a_filter_that_kills_comes_before_the_first_event(bench):
    ended = bench.run(bench.host, *"filter jit 8192 unmap 0 jit 4096".split())
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    with bench.database() as db:
        run, = db.runs()
        equal(maps_of(db, run), [c[3] for c in ended.calls() if c[2] == "mmap"], "mappings")


@test
def run_within_run_records_both(bench):
    inner = bench.path("inner.db")
    ended = bench.run(*bench.command(bench.host, "jit", "4096", db=inner))
    equal((ended.status, ended.err), (0, b""), "status and standard error")
    pid, = {call[0] for call in ended.calls()}
    with bench.database(inner) as db:
        equal(maps_of(db, db.run_of(pid)), announced(ended, pid), "mappings")


@test
def the_signal_that_killed_a_child_is_recorded(bench):
    ended = bench.run("/bin/sh", "-c", f"{bench.host} jit 4096 kill 11; echo; true")
    equal(ended.status, 0, "status")
    pid = ended.calls()[0][0]
    with bench.database() as db:
        run = db.run_of(pid)
        equal((run["state"], run["exit_code"], run["signal"]), ("ended", None, signal.SIGSEGV),
              "how it ended")


if __name__ == "__main__":
    sys.exit(frame.main())

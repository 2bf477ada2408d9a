"""ps, show, explain, export and report --share, on real processes."""
import csv
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys

import frame
from frame import check, equal, line_of, test, until


def ps(bench, *options):
    said = bench.do([bench.cli, "ps", "--db", bench.db, "--json", *options])
    equal(said.status, 0, f"ps, which said {said.err}")
    return json.loads(said.out)


def of(listed, pid):
    found = [p for p in listed["processes"] if p["pid"] == pid]
    return found[0] if found else None


def living(bench):
    """A process that mapped code and data and waits; its recorder, its pid."""
    recorder = bench.start(bench.command(bench.host, *"jit 4096 map 8192 say there pause".split()))
    pid = int(line_of(recorder).split()[1])
    while line_of(recorder) != b"there\n":
        pass
    until(lambda: [r for r in bench.database().runs() if r["pid"] == pid and r["recorded"] >= 3],
          "its events are stored")
    return recorder, pid


@test
def ps_shows_a_living_process_and_not_a_dead_one(bench):
    recorder, pid = living(bench)
    one = of(ps(bench), pid)
    check(one is not None, "it is listed")
    equal((one["name"], one["jit"], one["verdict"], one["filled"]), ("record_host", True, "within-reach", 12288), "ps")
    check(one["window"]["anchor"] is not None, "its anchor")
    text = bench.do([bench.cli, "ps", "--db", bench.db]).out.decode()
    check(str(pid) in text and "no daemon answers" in text, text)
    os.kill(pid, signal.SIGKILL)
    bench.finish(recorder)
    equal(of(ps(bench, "--all"), pid), None, "a dead one")


@test
def ps_all_shows_who_has_the_library_and_never_jitted(bench):
    plain = bench.start(["/bin/cat"], env=bench.environment(LD_PRELOAD=bench.shim))
    bare = bench.start(["/bin/cat"])
    until(lambda: of(ps(bench_with_database(bench), "--all"), plain.pid), "it is listed")
    one = of(ps(bench, "--all"), plain.pid)
    equal((one["name"], one["jit"], one["run"]), ("cat", False, None), "ps --all")
    short = ps(bench)
    equal((of(short, plain.pid), short["silent"] >= 1), (None, True), "ps alone counts it")
    equal(of(ps(bench, "--all"), bare.pid), None, "one without the library")


def bench_with_database(bench):
    if not os.path.exists(bench.db):
        bench.run("/bin/true")
    return bench


@test
def ps_says_how_many_it_may_not_look_at(bench):
    frame.must_be_root()
    user = frame.nobody()
    said = bench.do([bench.cli, "ps"], preexec_fn=lambda: os.setuid(user), cwd="/")
    equal(said.status, 0, f"ps as nobody: {said.err}")
    check(b"could not be looked at" in said.out, said.out)


@test
def show_takes_a_number_for_a_living_pid_first(bench):
    recorder, pid = living(bench)
    for number in (str(pid), f"pid:{pid}"):
        said = bench.do([bench.cli, "show", "--db", bench.db, number])
        check(said.status == 0 and f"pid {pid}".encode() in said.out, said.out + said.err)
    run = bench.database().run_of(pid)["id"]
    said = bench.do([bench.cli, "show", "--db", bench.db, "--json", f"run:{run}"])
    equal([r["pid"] for r in json.loads(said.out)["runs"]], [pid], "show run:")
    said = bench.do([bench.cli, "show", "--db", bench.db, f"run:{pid}"])
    equal((said.status, said.out), (1, b""), "no such run")
    check(b"no run" in said.err, said.err)
    os.kill(pid, signal.SIGKILL)
    bench.finish(recorder)


@test
def a_number_that_means_two_things_is_said(bench):
    bench.run("/bin/true")
    bench.run("/bin/true")
    with sqlite3.connect(bench.db) as database:
        database.execute("UPDATE run SET pid = 2 WHERE id = 1")
        database.execute("UPDATE run SET pid = ? WHERE id = 2", (os.getpid(),))
    database.close()
    said = bench.do([bench.cli, "show", "--db", bench.db, "2"])
    check(b"run 2" in said.out and b"2 is taken for the run; pid:2" in said.err, said.out + said.err)
    said = bench.do([bench.cli, "show", "--db", bench.db, "pid:2"])
    check(b"run 1" in said.out and said.err == b"", said.out + said.err)


@test
def explain_answers_by_what_was_placed(bench):
    bench.run(bench.host, *"jit 4096 map 4096 kill 11".split())
    said = bench.do([bench.cli, "explain", "--db", bench.db, "1"])
    equal(said.status, 0, f"within reach: {said.out}")
    check(said.out.startswith(b"placement ruled out: every pair within reach\n"), said.out)
    check(b"killed by SIGSEGV" in said.out, said.out)
    bench.run(bench.host, *(["jit", "4096", "map", "4096"] * 10),
              env=bench.environment(JITCORRAL_POLICY="scatter", JITCORRAL_SEED="3"))
    said = bench.do([bench.cli, "explain", "--db", bench.db, "--json", "2"])
    answer = json.loads(said.out)
    equal((said.status, answer["answer"]), (3, "can-be"), "scattered")
    worst = answer["beyond"][0]
    equal((worst["reach"], worst["from"]["symbol"]), ("delta32", "engine_map"), "the pair")
    check("R_X86_64_PLT32" in worst["relocations"] or "R_AARCH64" in worst["relocations"], worst)
    equal(worst["excess"], worst["distance"] - worst["limit"], "how far beyond")
    bench.run(bench.static)
    said = bench.do([bench.cli, "explain", "--db", bench.db, "3"])
    equal(said.status, 4, f"not loaded: {said.out}")


@test
def export_streams_runs_and_events(bench):
    bench.run(bench.host, *"jit 4096 map 8192".split())
    bench.run("/bin/true")
    runs = [json.loads(line) for line in bench.do([bench.cli, "export", "--db", bench.db]).out.splitlines()]
    equal([(r["run"], r["verdict"]) for r in runs], [(1, "within-reach"), (2, "no-jit")], "runs")
    said = bench.do([bench.cli, "export", "--db", bench.db, "--format", "csv", "--events", "--run", "1"])
    rows = list(csv.DictReader(io.StringIO(said.out.decode(), newline="")))
    equal([(r["call"], r["outcome"]) for r in rows], [("mmap", "steered"), ("protect", "done"), ("mmap", "steered")],
          "events")
    equal((rows[0]["offset"], rows[0]["symbol"]), ("0", "engine_map"), "where")
    check(b"0x" not in said.out, "no address")
    begin = bench.database().runs()[0]["window_begin"]
    address = bench.database().events(1)[0].address
    equal(int(rows[0]["window_offset"]), address - begin, "from the window")
    said = bench.do([bench.cli, "export", "--db", bench.db, "--run", "1", "--events", "--addresses"])
    equal(json.loads(said.out.splitlines()[0])["address"], hex(address), "asked for")
    for since, many in (("1h", 2), ("2031-01-01", 0), ("2001-01-01T00:00Z", 2)):
        said = bench.do([bench.cli, "export", "--db", bench.db, "--since", since])
        equal(len(said.out.splitlines()), many, f"since {since}")


@test
def a_shared_report_names_neither_user_nor_machine(bench):
    home = bench.path("home", "al ice")
    os.makedirs(home)
    program = os.path.join(home, "prog")
    shutil.copy(bench.host, program)
    for library in os.listdir(bench.programs):
        if library.endswith(".so"):
            shutil.copy(os.path.join(bench.programs, library), home)
    env = bench.environment(HOME=home, USER="al ice", LD_LIBRARY_PATH=home, JITCORRAL_LABEL="al ice's secret")
    bench.run(program, *"jit 4096 map 4096 say secret".split(), env=env, options=["--keep-arguments"])
    page = bench.path("page.html")
    whole = bench.report("--json", env=env).out
    check(home.encode() in whole, f"unshared it is there: {whole[:2000]}")
    shared = [bench.report("--share", env=env).out, bench.report("--json", "--share", env=env).out]
    equal(bench.report("--html", page, "--share", env=env).status, 0, "the page")
    with open(page, "rb") as file:
        shared.append(file.read())
    for out in shared:
        check(b"~/prog" in out, out[:3000])
        for word in (home, "al ice", "secret", f'"{socket.gethostname()}"', f" on {socket.gethostname()}"):
            check(word.encode() not in out, f"{word}: {out[:3000]}")


if __name__ == "__main__":
    sys.exit(frame.main())

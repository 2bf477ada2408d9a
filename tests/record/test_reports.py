"""What run, report and runs say of a session, and with which status."""
import json
import os
import shutil
import signal
import subprocess
import sys

import frame
from frame import check, equal, line_of, test, until

RUN_KEYS = {"exe", "policy", "window", "counts", "reach", "verdict", "blind"}


@test
def json_has_what_the_issue_names(bench):
    ended = bench.run(bench.host, *"jit 4096 map 8192 jit 65536".split(),
                      options=["--json", bench.path("out.json")])
    equal((ended.status, ended.err), (0, b""), "the command")
    with open(bench.path("out.json"), encoding="utf-8") as file:
        report = json.load(file)
    run, = report["runs"]
    check(RUN_KEYS <= set(run), f"keys of a run: {sorted(run)}")
    check({"base", "size", "anchor"} <= set(run["window"]), f"window: {run['window']}")
    check({"steered", "passed", "fellback", "dropped"} <= set(run["counts"]), "counts")
    equal(set(run["reach"]), {"bl", "delta32", "adrp"}, "reaches")
    for reach in run["reach"].values():
        check({"limit", "worst", "pairs_over", "binds"} <= set(reach), f"reach: {reach}")
        check(reach["binds"] in ("yes", "no", "maybe"), f"binds: {reach['binds']}")
    equal((run["exe"], run["policy"], run["verdict"], run["counts"]["steered"]),
          (bench.host, "auto", "within-reach", 3), "the run")
    equal(report, bench.report_json(), "what report says afterwards")
    equal(os.stat(bench.path("out.json")).st_mode & 0o077, 0, "the file is private")


@test
def json_of_odd_names_is_json(bench):
    odd = os.fsencode(bench.folder) + b"/h\xff\"o\n\x1b[31m\\s"
    shutil.copy(os.fsencode(bench.host), odd)
    shutil.copy(os.path.join(bench.programs, "libllvmlite-record.so"), bench.folder)
    for options in (["--json", "-"], ["--report"]):
        ended = bench.run(odd, b"jit", b"4096", options=options, env=bench.environment(
            LD_LIBRARY_PATH=bench.programs))
        equal(ended.status, 0, f"the command; {ended.err}")
        check(b"\x1b" not in ended.err, "no control characters reach the terminal")
        if "--json" in options:
            json.loads(ended.out[ended.out.index(b"{"):])
    for how in ([], ["--json"]):
        for what in ("report", "runs"):
            said = bench.do([bench.cli, what, "--db", bench.db, *how])
            equal((said.status, said.err), (0, b""), f"{what} {how}")
            check(b"\x1b" not in said.out, "no control characters")
            if how:
                json.loads(said.out)


@test
def report_is_said_on_standard_error(bench):
    ended = bench.run(bench.host, "jit", "4096", "say", "mine", "exit", "5", options=["--report"])
    equal(ended.status, 5, "status")
    check(b"within-reach" in ended.err, f"the report: {ended.err}")
    equal(ended.out.splitlines()[-1], b"mine", "standard output is the command's")


@test
def check_answers_by_verdict(bench):
    host = bench.host
    near = bench.run(host, "jit", "4096", "map", "4096", options=["--check"])
    equal(near.status, 0, "within reach")
    none = bench.run("/bin/true", options=["--check"])
    equal(none.status, 0, "no JIT")
    far = bench.run(host, *(["jit", "4096", "map", "4096"] * 10), options=["--check"],
                    env=bench.environment(JITCORRAL_POLICY="scatter", JITCORRAL_SEED="3"))
    equal(far.status, 3, "at risk")
    equal(bench.report("--check").status, 3, "report of it")
    full = bench.run(host, *(["map", "524288"] * 4), options=["--check"],
                     env=bench.environment(JITCORRAL_WINDOW="1M"))
    equal(full.status, 3, "fallen back")
    unknown = bench.run(bench.static, options=["--check"])
    equal(unknown.status, 4, "unknown")
    equal(bench.report("--check").status, 4, "report of it")


@test
def the_command_s_own_failure_wins_over_check(bench):
    for program, status in (([bench.host, "jit", "4096", "exit", "9"], 9),
                            ([bench.host, "kill", "9"], 137), (["/nonexistent"], 127),
                            ([bench.host, *(["map", "524288"] * 4), "exit", "1"], 1)):
        ended = bench.run(*program, options=["--check"],
                          env=bench.environment(JITCORRAL_WINDOW="1M"))
        equal(ended.status, status, f"status of {program[:3]}")


@test
def check_without_a_record_is_unknown(bench):
    for db in ("/dev/null", bench.folder):
        ended = bench.run("/bin/true", options=["--check"], db=db)
        equal((ended.status, len(ended.said)), (4, 1), f"with {db}: {ended.err}")
    ended = bench.do([bench.cli, "run", "--db", bench.db, "--shim", "/nonexistent", "--check", "--",
                      "/bin/true"])
    equal((ended.status, len(ended.said)), (4, 1), f"without a shim: {ended.err}")


@test
def json_that_cannot_be_written_is_said(bench):
    for path in ("/nonexistent/x.json", "/dev/full", bench.folder):
        ended = bench.run("/bin/true", options=["--json", path])
        equal((ended.status, len(ended.said)), (1, 1), f"{path}: {ended.err}")
        check(path in ended.said[0], f"it is named: {ended.said}")
        ended = bench.run("/bin/sh", "-c", "exit 6", options=["--json", path])
        equal(ended.status, 6, "the command's own failure wins")


@test
def repeat_proves_illness_and_cure(bench):
    ended = bench.run(bench.far, options=["--repeat", "3"])
    equal(ended.status, 0, f"status: {ended.out} {ended.err}")
    lines = {}
    for words in (line.split() for line in ended.out.decode().splitlines()):
        if len(words) >= 3:
            lines.setdefault(words[0], words)
    equal([lines[way][1:3] for way in ("bare", "scattered", "auto")],
          [["3", "0"], ["3", "3"], ["3", "0"]], f"runs and failures:\n{ended.out.decode()}")
    check("ABRT" in " ".join(lines["scattered"]), f"how: {lines['scattered']}")
    check(b"out of range" in ended.out, "its last words")
    check(b"placement is the illness" in ended.out, "the verdict")


@test
def repeat_of_a_sound_program_says_so(bench):
    ended = bench.run(bench.host, "jit", "4096", options=["--repeat", "2"])
    equal(ended.status, 0, "status")
    check(b"nothing failed" in ended.out, f"the verdict: {ended.out}")
    always = bench.run("/bin/sh", "-c", "exit 4", options=["--repeat", "2"])
    equal(always.status, 1, "a command that always fails")
    missing = bench.run("/nonexistent", options=["--repeat", "2"])
    equal((missing.status, len(missing.said)), (127, 1), f"no command: {missing.err}")


@test
def repeat_is_ended_by_ctrl_c(bench):
    # A signal to run ends the current command by that signal; 300 more must not begin.
    process = bench.start(bench.command("/bin/sh", "-c", f"echo x >> {bench.path('begun')}; "
                                        "exec sleep 30", options=["--repeat", "100"]),
                          stdin=subprocess.DEVNULL)
    until(lambda: os.path.exists(bench.path("begun")), "the first begins")
    process.send_signal(signal.SIGINT)
    try:
        status = process.wait(8)
    except subprocess.TimeoutExpired:
        process.kill()
        for line in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                   text=True, check=False).stdout.split():
            frame.kill_quietly(int(line))
        raise AssertionError("it goes on with the next one after SIGINT") from None
    check(status in (130, -signal.SIGINT), f"status {status}")


@test
def runs_and_one_run_are_shown(bench):
    bench.run(bench.host, *"jit 4096 fork jit 4096 end".split())
    bench.run(bench.host, "jit", "8192", "exit", "2")
    listed = bench.do([bench.cli, "runs", "--db", bench.db, "--json"])
    equal((listed.status, listed.err), (0, b""), "runs")
    sessions = json.loads(listed.out)["sessions"]
    equal([len(s["runs"]) for s in sessions], [1, 2], "the newest first")
    equal(sessions[0]["status"], 2, "status")
    for session in sessions:
        for run in session["runs"]:
            one = bench.report_json("--run", str(run["id"]))
            equal([r["id"] for r in one["runs"]], [run["id"]], "that run alone")
            equal(one["runs"][0]["verdict"], run["verdict"], "the same verdict")
    for run in ("99", "0", "-1", "x"):
        ended = bench.report("--run", run)
        check(ended.status in (1, 2) and len(ended.said) == 1, f"--run {run}: {ended.err}")
    text = bench.do([bench.cli, "runs", "--db", bench.db])
    equal((text.status, text.err), (0, b""), "runs for people")


@test
def reports_are_made_while_run_records(bench):
    process = bench.start(bench.command(bench.host, "say", "up", "background-threads", "2", "read",
                                        "exit", "3"))
    equal(line_of(process), b"up\n", "it begins")

    def recorded():
        with bench.database() as db:
            return db.runs()[0]["recorded"] > 100
    until(recorded, "events are there")
    for _ in range(8):
        for arguments in (["report"], ["report", "--json"], ["runs"], ["runs", "--json"]):
            ended = bench.do([bench.cli, arguments[0], "--db", bench.db, *arguments[1:]])
            equal((ended.status, ended.err), (0, b""), f"{arguments}")
    ended = bench.finish(process, b"x")
    equal((ended.status, ended.err), (3, b""), "the command")
    with bench.database() as db:
        run, = db.runs()
        equal(run["recorded"] + run["dropped"] + run["torn"], run["position"], "the books")


@test
def no_file_is_left_behind(bench):
    for _ in range(2):
        bench.run(bench.host, "jit", "4096", options=["--json", "-"])
    check([n for n in os.listdir(bench.folder) if not n.startswith("record.db")] == [],
          f"files: {os.listdir(bench.folder)}")


@test
def observe_and_auto_say_different_things_of_the_same_program(bench):
    for policy, steered in (("observe", 0), ("auto", 2), ("exec-only", None), ("all", None),
                            ("off", None)):
        ended = bench.run(bench.host, "jit", "4096", "map", "4096", options=["--policy", policy])
        equal((ended.status, ended.err), (0, b""), f"the command under {policy}")
        run = bench.report_json()["runs"][0]
        if steered is not None:
            equal((run["policy"], run["counts"]["steered"]), (policy, steered), "the run")


if __name__ == "__main__":
    sys.exit(frame.main())

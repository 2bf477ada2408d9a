"""What a program did is what the database says: every call, its place, its length, the order."""
import json
import os
import re
import sys

import frame
from frame import check, equal, test

PAGE = 4096


def told(calls):
    """Announced calls as the events that they must have become."""
    out = []
    for _, tid, name, address, length, more in calls:
        if name == "mmap":
            out.append((tid, "mmap", address, length))
        elif name == "munmap":
            out.append((tid, "munmap", address, length))
        elif name == "protect":
            out.append((tid, "protect", address, length))
        elif name == "fixed":
            out += [(tid, "replace", address, length), (tid, "mmap", address, length)]
        elif name == "mremap":
            out += [(tid, "mremap-from", more, None), (tid, "mremap-to", address, length)]
    return out


def seen(events):
    """The same of a database; what was cancelled did not happen."""
    cancelled = {e.other for e in events if e.call == "cancel"}
    return [(e.tid, e.call, e.address, None if e.call == "mremap-from" else e.length)
            for e in sorted(events, key=lambda e: e.ticket)
            if e.ticket not in cancelled and e.call not in ("cancel", "fork")]


def counters_of(run):
    return [int(n) for n in re.findall(r"\d+", run["counters"])]


def stats(ended, pid):
    line = [l for l in ended.shim if l.startswith("[jitcorral:exit]") and f"pid={pid} " in l]
    check(len(line) == 1, f"one [jitcorral:exit] line of {pid}, have {ended.shim}")
    return {k: int(v) for k, v in re.findall(r" (\w+)=(\d+)(?= |$)", line[0])}


def whole(db, run):
    events = db.events(run["id"])
    tickets = [e.ticket for e in events]
    equal(len(set(tickets)), len(tickets), "tickets are unique")
    equal(run["recorded"], len(events), "the row's count of events")
    equal(run["torn"], 0, "torn events")
    return events


SCRIPT = ("map 16384 protect 0 5 map 65536 protect 1 1 protect 1 3 unmap-part 1 8192 4096 "
          "unmap-part 1 61440 4096 map 8192 unmap-badly map-badly fixed 2 0 4096 "
          "remap 2 1048576 protect 2 5 unmap 2 map 3145728 protect 3 5 remap 3 8192 unmap 3 "
          "unmap 0").split()


def same_as_told(bench, **settings):
    ended = bench.run(bench.host, *SCRIPT,
                      env=bench.environment(JITCORRAL_STATS="1", **settings))
    equal(ended.status, 0, f"status; it said {ended.err}")
    with bench.database() as db:
        run, = db.runs()
        events = whole(db, run)
        equal(run["dropped"], 0, "dropped events")
        equal(run["position"], len(events), "tickets given out and events stored")
        equal(seen(events), told(ended.calls()), "what was recorded and what was done")
        exit_line = stats(ended, run["pid"])
        have = counters_of(run)
        equal([have[0], have[1], have[2], have[4]],
              [exit_line[n] for n in ("steered", "fellback", "failed", "givenback")],
              "the row's counters and the shim's own")
        equal(sum(have[5:]), exit_line["passed"], "passed calls")
        return events


@test
def lengths_are_recorded_as_the_pages_that_they_take(bench):
    equal(bench.run(bench.host, "map", "5000", "protect", "0", "5").status, 0, "status")
    with bench.database() as db:
        run, = db.runs()
        equal([(e.call, e.outcome, e.length) for e in whole(db, run)],
              [("mmap", "steered", 8192), ("protect", "done", 8192)], "events")


@test
def every_call_is_recorded_as_it_was(bench):
    events = same_as_told(bench)
    check(all(e.site for e in events if e.call == "mmap" and e.outcome == "steered"),
          "every steered call has its site")


@test
def every_call_is_recorded_as_it_was_under_scatter(bench):
    same_as_told(bench, JITCORRAL_POLICY="scatter", JITCORRAL_SEED="7")


@test
def every_call_is_recorded_as_it_was_under_observe(bench):
    events = same_as_told(bench, JITCORRAL_POLICY="observe")
    check(any(e.outcome == "would steer" for e in events), "observe says what it would steer")
    check(not any(e.outcome == "steered" for e in events), "observe steers nothing")


@test
def falls_back_and_says_so_when_the_window_is_full(bench):
    ended = bench.run(bench.host, *(["map", "524288"] * 6),
                      env=bench.environment(JITCORRAL_STATS="1", JITCORRAL_WINDOW="1M"))
    equal(ended.status, 0, "status")
    with bench.database() as db:
        run, = db.runs()
        events = whole(db, run)
        equal(seen(events), told(ended.calls()), "what was recorded and what was done")
        count = stats(ended, run["pid"])
        equal(sum(e.outcome == "fell back" for e in events), count["fellback"], "fallen back")
        equal(sum(e.outcome == "steered" for e in events), count["steered"], "steered")
        check(count["fellback"] > 0, "something fell back")
    equal(bench.report_json()["verdict"], "at-risk", "any fallback of a JIT is a risk")


@test
def a_hundred_thousand_events_of_eight_threads_add_up(bench):
    threads, each = 8, 4200  # three events a turn
    ended = bench.run(bench.host, "threads", str(threads), str(each),
                      env=bench.environment(JITCORRAL_STATS="1"))
    equal(ended.status, 0, f"status; {ended.err}")
    with bench.database() as db:
        check(db.intact(), "the database is intact")
        run, = db.runs()
        events = whole(db, run)
        made = threads * each * 3
        count = stats(ended, run["pid"])
        equal(run["recorded"] + run["dropped"], made, "recorded and dropped, and made")
        equal(run["position"], made, "tickets")
        equal(count["steered"] + count["fellback"], threads * each, "the shim's own count")
        check(len({e.tid for e in events}) <= threads, "no thread that never was")
        # In a thread's own order: mapped, made executable, unmapped. What was dropped is missing.
        for tid in {e.tid for e in events}:
            own = sorted((e for e in events if e.tid == tid), key=lambda e: e.ticket)
            check(all(a.time <= b.time for a, b in zip(own, own[1:])), "a thread's time goes on")
            if run["dropped"] == 0:
                equal([e.call for e in own], ["mmap", "protect", "munmap"] * each, f"of {tid}")
        # No page has two owners, wherever nothing is missing.
        if run["dropped"] == 0:
            owned = {}
            for e in sorted(events, key=lambda e: e.ticket):
                if e.call == "mmap":
                    check(e.address not in owned, f"{e} is owned already, since {owned}")
                    owned[e.address] = e
                elif e.call == "munmap":
                    check(owned.pop(e.address, None), f"{e} unmaps what nobody mapped")


@test
def drops_are_counted_when_nobody_reads(bench):
    ended = bench.do([bench.host, "threads", "8", "2000"],
                     env=bench.environment(LD_PRELOAD=bench.shim,
                                           JITCORRAL_RECORD=f"file:{bench.path('ring')}"))
    equal(ended.status, 0, f"status; {ended.err}")
    equal(ended.shim, [], "nothing is said")
    report = bench.do([bench.cli, "report", "--json", bench.path("ring")])
    equal(report.status, 0, f"report; {report.err}")
    run, = json.loads(report.out)["runs"]
    equal(run["record"]["position"], 48000, "tickets")
    equal(run["record"]["dropped"], 48000 - 8192, "dropped")
    equal(run["verdict"], "unknown", "verdict")
    check(run["blind"], "what was not seen is named")


@test
def arguments_and_environment_are_stored_only_when_asked(bench):
    secret = "Geheimnis-4711"
    env = bench.environment(JITCORRAL_STATS=None, MY_TOKEN=secret)
    bench.run(bench.host, "say", secret, "jit", "4096", env=env)

    def everything():
        return b"".join(open(bench.folder + "/" + name, "rb").read()
                        for name in os.listdir(bench.folder) if name.startswith("record.db"))
    check(secret.encode() not in everything(), "arguments and environment are not stored")
    bench.run(bench.host, "say", secret, "jit", "4096", options=["--keep-arguments"], env=env)
    with bench.database() as db:
        check(secret in db.sessions()[1]["command"], "asked for, arguments are stored")


@test
def the_database_is_private(bench):
    os.umask(0)
    bench.run(bench.host, "jit", "4096")
    for name in os.listdir(bench.folder):
        if name.startswith("record.db"):
            equal(os.stat(bench.path(name)).st_mode & 0o777, 0o600, f"mode of {name}")


if __name__ == "__main__":
    sys.exit(frame.main())

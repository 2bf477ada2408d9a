"""A recorder that comes late, dies or stops: with JITCORRAL_RECORD=auto a program finds it again, and every event is
recorded or counted."""
import os
import sys
import time

import frame
from frame import check, equal, line_of, test, until


class Recorder:
    """record_recorder at the user's socket, with one log over all its lives."""

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.path("run")
        os.mkdir(self.folder, 0o700)
        self.socket = os.path.join(self.folder, "jitcorral", "socket")
        self.log = bench.path("log")
        self.process = None

    def start(self, *options):
        self.process = self.bench.start([os.path.join(self.bench.programs, "record_recorder"), self.socket, self.log,
                                         *options])
        equal(line_of(self.process), b"ready\n", "the recorder listens")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def environment(self, **changes):
        return self.bench.environment(LD_PRELOAD=self.bench.shim, XDG_RUNTIME_DIR=self.folder, **changes)

    def lines(self):
        try:
            with open(self.log, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return []
        return [line.split() for line in data[:data.rfind(b"\n") + 1].decode().split("\n") if line]

    def rings(self):
        return [(int(words[1]), words[2], int(words[3]), int(words[4]), words[5:]) for words in self.lines()
                if words[0] == "ring"]

    def events(self, identity):
        return [(int(words[2]), int(words[3]), int(words[4])) for words in self.lines()
                if words[0] == "event" and words[1] == identity]

    def books(self, identity):
        """Tickets, dropped, placements: as seen last."""
        return [tuple(map(int, words[2:])) for words in self.lines()
                if words[0] == "books" and words[1] == identity][-1]


def check_books(recorder, identity, calls, unfinished=0):
    """Every ticket was seen or counted; what was announced is there, in its order, if nothing was dropped."""
    events = recorder.events(identity)
    seen = {}
    for ticket, call, address in events:
        check(seen.setdefault(ticket, (call, address)) == (call, address), f"ticket {ticket} was two events")
    taken, dropped, _ = recorder.books(identity)
    lost = taken - dropped - len(seen)
    check(0 <= lost <= unfinished, f"{taken} tickets, {len(seen)} of them seen, {dropped} dropped")
    if dropped == 0:
        have = [(frame.CALLS[seen[t][0]], seen[t][1]) for t in sorted(seen)]
        equal(have, [(c[2], c[3]) for c in calls], "what was announced is recorded, in this order")
    return len(events) - len(seen)


@test
def a_recorder_that_comes_late_is_found_and_the_record_says_so(bench):
    recorder = Recorder(bench)
    process = bench.start([bench.host, "jit", "4096", "jit", "8192", "jit", "4096", "say", "up", "read", "jit", "4096",
                           "jit", "4096", "say", "more", "read", "exit", "3"],
                          env=recorder.environment(JITCORRAL_LABEL="blue one", JITCORRAL_STATS="1"))
    while line_of(process) != b"up\n":
        pass
    recorder.start()
    time_passes(1.1)  # it looks again after a second
    process.stdin.write(b"x")
    process.stdin.flush()
    while line_of(process) != b"more\n":
        pass
    (pid, identity, first, late, label), = until(recorder.rings, "a ring")
    equal((pid, first, late, label), (process.pid, 0, 3, ["blue", "one"]), "the ring")
    until(lambda: len(recorder.events(identity)) == 4, "two placements and their protections")
    ended = bench.finish(process, b"x")
    equal((ended.status, len(ended.shim)), (3, 1), "status, and the line of the counts")
    check("steered=5 " in ended.shim[0], ended.shim)
    until(lambda: recorder.books(identity) == (4, 0, 5), "the books count what came before too")


@test
def a_killed_recorder_gets_everything_from_the_next_one_on(bench):
    recorder = Recorder(bench)
    recorder.start()
    out = bench.path("out")
    churns = [200, 30, 10, 20]
    program = ["jit", "4096"]
    for i, count in enumerate(churns):
        program += ["read", "churn", str(count), "touch", bench.path(str(i))]
    with open(out, "wb") as file:
        process = bench.start([bench.host, *program, "exit", "3"], stdout=file, env=recorder.environment())

    def go_on(i):
        process.stdin.write(b"x")
        process.stdin.flush()
        until(lambda: os.path.exists(bench.path(str(i))), "events")
    (_, identity, _, _, _), = until(recorder.rings, "a ring")
    until(lambda: len(recorder.events(identity)) == 2, "the first events")
    recorder.kill()
    go_on(0)
    recorder.start()
    # The heartbeat is looked at every 5 s: it has moved since the beginning, and then it has not.
    time_passes(5.2)
    go_on(1)
    time_passes(5.2)
    equal(len(recorder.rings()), 1, "rings")
    go_on(2)
    until(lambda: len(recorder.rings()) == 2, "the ring is offered again")
    before = 2 + sum(3 * n - n // 16 for n in churns[:2])
    equal(recorder.rings()[1][:4], (process.pid, identity, before, 0), "the second ring")
    go_on(3)
    equal(process.wait(frame.DEADLINE), 3, "status")
    with open(out, "rb") as file:
        calls = frame.Ended(0, file.read(), b"").calls()
    until(lambda: recorder.books(identity)[0] == len(calls), "all tickets")
    check_books(recorder, identity, calls)
    equal(recorder.books(identity)[1:], (0, 1 + sum(churns)), "none dropped, and all counted")


def time_passes(seconds):
    """By the clock that events are stamped with."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "time")


if __name__ == "__main__":
    sys.exit(frame.main())

"""What the tests of the daemon need beside tests/record/frame.py: a daemon that is started, stopped, killed and started
anew at one place, and books that balance."""
import glob
import mmap
import os
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "record"))
import frame  # noqa: E402
# For the tests too, which find frame.py by this module.
from frame import (DEADLINE, RING_SIZE, Skip, alive, check, equal, kill_quietly, line_of,  # noqa: E402,F401
                   must_be_root, nobody, test, until)


class Daemon:
    """jitcorrald at a place of its own below the test's folder, over several lives."""

    def __init__(self, bench, *options, db=None, program=None):
        self.bench = bench
        self.program = program or sys.argv[5]
        self.runtime = bench.path("run")
        os.makedirs(self.runtime, 0o755, exist_ok=True)
        self.folder = os.path.join(self.runtime, "jitcorral")
        self.socket, self.query, self.metrics = (os.path.join(self.folder, name)
                                                 for name in ("socket", "query", "metrics"))
        self.db = db or bench.path("daemon.db")
        self.log = bench.path("log")
        self.options = list(options)
        self.process = None

    def arguments(self, *more):
        return [self.program, "--socket", self.socket, "--query", self.query, "--metrics", "unix:" + self.metrics,
                "--db", self.db, *self.options, *more]

    def environment(self, **changes):
        env = self.bench.environment(**changes)
        for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "FDSTORE", "WATCHDOG_USEC"):
            if name not in changes:
                env.pop(name, None)
        return env

    def start(self, *more, **how):
        """Until it is ready: then it says where it listens."""
        before = self.lines().count("listening at")
        with open(self.log, "ab") as log:
            self.process = self.bench.start(self.arguments(*more), env=how.pop("env", self.environment()),
                                            stdin=open(os.devnull), stdout=log, stderr=log, **how)

        def is_ready():
            check(self.process.poll() is None, lambda: f"the daemon ended: {self.lines()[-900:]}")
            return self.lines().count("listening at") > before
        until(is_ready, "a daemon that is ready")
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=frame.DEADLINE)
        except Exception:
            raise AssertionError("SIGTERM does not stop it") from None
        equal(self.process.returncode, 0, f"the status after SIGTERM, behind {self.lines()[-600:]}")

    def alive(self):
        return self.process.poll() is None

    def lines(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def database(self):
        return frame.Database(self.db)

    def host(self, *program, **changes):
        """Its environment: the shim, and the daemon where JITCORRAL_RECORD=auto finds it."""
        how = changes.pop("how", {})
        return self.bench.start(list(program), env=self.host_environment(**changes), **how)

    def host_environment(self, **changes):
        return self.bench.environment(**{"LD_PRELOAD": self.bench.shim, "XDG_RUNTIME_DIR": self.runtime,
                                         "JITCORRAL_RECORD": "auto", **changes})

    def load(self, pairs, every_us, count, progress=None, **how):
        out = [os.path.join(self.bench.programs, "sidecar_load"), str(pairs), str(every_us), str(count)]
        return self.host(*out, *([progress] if progress else []), **how)

    def run(self, pid):
        with self.database() as db:
            found = [run for run in db.runs() if run["pid"] == pid]
            return found[-1] if found else None

    def ended(self, pid):
        """The row of that process, once it has ended there, and how is known: the kernel says so when it was reaped."""
        def look():
            run = self.run(pid)
            known = run and (run["exit_code"] is not None or run["signal"] is not None)
            return run if known and run["state"] == "ended" else None
        return until(look, f"the end of {pid} in the database")

    def scrape(self):
        """The metrics: {'name{labels}': value}."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(self.metrics)
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b""
            while part := client.recv(65536):
                text += part
        head, _, body = text.partition(b"\r\n\r\n")
        check(b" 200 " in head.split(b"\r\n")[0], head)
        lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def refused(self, reason):
        return self.scrape()[f'jitcorral_daemon_refused_total{{reason="{reason}"}}']

    def holders(self):
        """Pids of the processes that keep this daemon's rings."""
        out = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"--hold" in words and (self.socket + ".holder").encode() in words:
                out.append(int(path.split("/")[2]))
        return [pid for pid in out if frame.alive(pid)]

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.holders():
            kill_quietly(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clean_up()


def progress(path):
    """Calls that a load has begun, and that came back."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 16, prot=mmap.PROT_READ) as memory:
        return struct.unpack("<QQ", memory[:16])


def check_load(daemon, run, begun=None, returned=None, torn=0):
    """Every ticket of a load is stored once, as what it was, or counted. (stored, dropped, torn) of it."""
    with daemon.database() as db:
        events = db.events(run["id"])
    tickets = [e.ticket for e in events]
    twice = sorted({t for t in tickets if tickets.count(t) > 1}) if len(set(tickets)) != len(tickets) else []
    check(not twice, f"{len(twice)} tickets are stored twice: {twice[:9]}")
    equal(run["recorded"], len(events), "the row's number of events")
    before = 2 * run["placed_before"]  # calls, when no recorder was there
    for e in events:
        number = before + e.ticket
        want = (("mmap", "munmap")[number % 2], 4096 * (1 + number // 2 % 512))
        equal((e.call, e.length), want, f"what ticket {e.ticket} is")
    check(run["torn"] <= torn, f"{run['torn']} torn")
    equal(run["position"], len(events) + run["dropped"] + run["torn"], "tickets given out, and what became of them "
          f"({len(events)} stored, {run['dropped']} dropped, {run['torn']} torn)")
    if begun is not None:
        check(returned <= before + run["position"] <= begun,
              f"{returned} calls returned, {begun} begun, {run['position']} tickets behind {before}")
    return len(events), run["dropped"], run["torn"]


def main():
    return frame.main()

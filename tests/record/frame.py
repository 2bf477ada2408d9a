"""What every test here needs: the command, the programs, the database, and how to wait for a state.

A module of tests ends with frame.main(); a function behind @test is a test, and gets a Bench.
"""
import glob
import json
import os
import pwd
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

import segments

# event.h
CALLS = ["none", "mmap", "munmap", "replace", "mremap-from", "mremap-to", "protect",
         "posix_memalign", "free", "cancel", "fork"]
OUTCOMES = ["done", "steered", "passed", "fell back", "failed", "would steer"]
STATES = ["running", "ended", "replaced", "not-loaded"]
RING_SIZE = 589824
DEADLINE = 60  # seconds that a state may take to come about; only a failure waits so long

tests = {}


class Skip(Exception):
    pass


def test(function):
    tests[function.__name__] = function
    return function


class Event:
    def __init__(self, words):
        (self.ticket, self.time, self.address, self.length, self.other, self.fingerprint,
         self.flags, thread, self.site, call, outcome, self.reason, prot_kind) = words
        self.tid = thread & 0xffffff
        self.error = thread >> 24
        self.call = CALLS[call]
        self.outcome = OUTCOMES[outcome]
        self.prot = prot_kind & 15

    def __repr__(self):
        return f"{self.ticket}:{self.tid} {self.call} {self.address:#x}+{self.length:#x}"


class Database:
    """Read as another program would: by SQLite, while or after it is written."""

    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
        self.connection.row_factory = sqlite3.Row
        # Paths are bytes, and peers may lie.
        self.connection.text_factory = lambda b: b.decode(errors="surrogateescape")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def rows(self, text, *values):
        return [dict(row) for row in self.connection.execute(text, values)]

    def sessions(self):
        return self.rows("SELECT * FROM session ORDER BY id")

    def runs(self):
        rows = self.rows("SELECT * FROM run ORDER BY id")
        for row in rows:
            row["state"] = STATES[row["state"]]
        return rows

    def run_of(self, pid):
        found = [run for run in self.runs() if run["pid"] == pid]
        check(found, f"no run of pid {pid}; there are {[r['pid'] for r in self.runs()]}")
        return found[-1]

    def events(self, run):
        out = []
        for row in self.rows("SELECT encoding, count, events FROM segment WHERE run = ? ORDER BY id", run):
            part = [Event(words) for words in segments.events(row["encoding"], row["count"], row["events"])]
            check(len(part) == row["count"], "a segment's count is not what it holds")
            out += part
        # One that was finished late lies in a later segment.
        return sorted(out, key=lambda event: event.ticket)

    def intact(self):
        return [row[0] for row in self.connection.execute("PRAGMA integrity_check")] == ["ok"]


def check(condition, what):
    if not condition:
        raise AssertionError(what() if callable(what) else what)


def equal(have, want, what):
    check(have == want, lambda: f"{what}:\n  have {have!r:.1500}\n  want {want!r:.1500}")


def until(condition, what, seconds=DEADLINE):
    """Asks again and again; what came, when it is true."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer = condition()
        except (sqlite3.OperationalError, IndexError):  # not made yet, no row yet
            answer = None
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"this never came about: {what}")
        time.sleep(0.002)


class Ended:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        lines = err.decode(errors="replace").splitlines()
        self.shim = [l for l in lines if l.startswith("[jitcorral:")]
        self.said = [l for l in lines if l.startswith("jitcorral: ")]
        self.rest = [l for l in lines if l not in self.shim and l not in self.said]

    def calls(self):
        """What host.c announced: (pid, tid, name, address, length, more)."""
        out = []
        for line in self.out.decode(errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["call"] and len(words) == 7:
                pid, tid, name, *numbers = words[1:]
                out.append((int(pid), int(tid), name, *map(int, numbers)))
        return out

    def children(self):
        """(child, parent) of host.c's forks."""
        return [(int(words[1]), int(words[3])) for words in
                (line.split() for line in self.out.decode().splitlines()) if words[:1] == ["child"]]


class Bench:
    def __init__(self, cli, shim, programs, folder):
        self.cli, self.shim, self.programs, self.folder = cli, shim, programs, folder
        self.host = os.path.join(programs, "record_host")
        self.static = os.path.join(programs, "record_static")
        self.look = os.path.join(programs, "record_look")
        self.far = os.path.join(programs, "record_far")
        self.db = os.path.join(folder, "record.db")
        self.started = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def environment(self, **changes):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("JITCORRAL_") and k not in ("LD_PRELOAD", "XDG_RUNTIME_DIR")}
        env["HOME"] = self.folder
        env["XDG_STATE_HOME"] = self.path("state")
        env["TMPDIR"] = self.folder
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = value
        return env

    def command(self, *program, options=(), db=True):
        out = [self.cli, "run", "--shim", self.shim]
        if db:
            out += ["--db", self.db if db is True else db]
        return out + list(options) + ["--"] + list(program)

    def start(self, arguments, env=None, **how):
        how.setdefault("stdin", subprocess.PIPE)
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(arguments, env=env or self.environment(), **how)
        self.started.append(process)
        return process

    def finish(self, process, data=None):
        try:
            out, err = process.communicate(data, timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = b"", b""
            for stream in (process.stdout, process.stderr):
                if stream:  # a child of the command's may hold the other end
                    os.set_blocking(stream.fileno(), False)
            try:
                err = process.stderr.read() or b"" if process.stderr else b""
            except (OSError, ValueError):
                pass
            raise AssertionError(f"{process.args} did not end; it said {err[-600:]}") from None
        return Ended(process.returncode, out or b"", err or b"")

    def do(self, arguments, data=b"", env=None, **how):
        return self.finish(self.start(arguments, env, **how), data)

    def run(self, *program, options=(), db=True, data=b"", env=None, **how):
        return self.do(self.command(*program, options=options, db=db), data, env, **how)

    def report(self, *options, env=None):
        return self.do([self.cli, "report", "--db", self.db, *options], env=env)

    def report_json(self, *options):
        said = self.report("--json", *options)
        equal(said.status, 0, f"report --json, which said {said.err}")
        return json.loads(said.out)

    def database(self, path=None):
        return Database(path or self.db)

    def detached(self):
        """Recorders that go on after `run`, into a database of this test's."""
        found = []
        for name in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(name, "rb") as file:
                    line = file.read()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if line.startswith(b"jitcorral: follows") and self.folder.encode() in line:
                found.append(int(name.split("/")[2]))
        return found

    def stop_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        for pid in self.detached():
            kill_quietly(pid, signal.SIGTERM)


def line_of(process, stream=None):
    """The next line that a process says."""
    stream = stream or process.stdout
    line = bytearray()
    end = time.monotonic() + DEADLINE
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
        check(ready, f"no line came from {process.args}, only {bytes(line)}")
        byte = os.read(stream.fileno(), 1)
        check(byte, f"the end came instead of a line, behind {bytes(line)}")
        line += byte
    return bytes(line)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_quietly(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def must_be_root():
    if os.geteuid() != 0:
        raise Skip("only root can")


def nobody():
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise Skip("there is no user nobody") from None


def main():
    name, cli, shim, programs = sys.argv[1:5]
    with tempfile.TemporaryDirectory(prefix="record-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        bench = Bench(cli, shim, programs, folder)
        try:
            tests[name](bench)
        except Skip as why:
            print("skipped:", why)
            return 77
        except AssertionError as wrong:
            print(wrong)
            at = traceback.extract_tb(wrong.__traceback__)
            print("  at", " < ".join(f"{os.path.basename(f.filename)}:{f.lineno}"
                                     for f in reversed(at)))
            return 1
        finally:
            bench.stop_all()
    return 0

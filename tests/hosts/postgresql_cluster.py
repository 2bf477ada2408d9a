"""A PostgreSQL cluster of its own, for tests: made in a temporary folder, reached by a socket in it and by
nothing else, gone at the end. What is in the environment (LD_PRELOAD, JITCORRAL_...) its processes inherit."""

import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

# Every expression is compiled, inlined into and optimised, whatever the planner thinks of its cost.
JIT = {"jit": "on", "jit_above_cost": "0", "jit_inline_above_cost": "0", "jit_optimize_above_cost": "0"}
SETTINGS = {"listen_addresses": "", "fsync": "off", "autovacuum": "off", "max_parallel_workers_per_gather": "0",
            "shared_buffers": "32MB", "huge_pages": "off", "log_min_messages": "fatal", **JIT}
READY = "database system is ready to accept connections"


def programs(root=""):
    """The folder of the newest server that brings the JIT; "" if there is none."""
    found = glob.glob(root + "/usr/lib/postgresql/*/lib/llvmjit.so")
    newest = max(found, key=lambda path: int(path.split("/")[-3]), default="")
    return str(pathlib.Path(newest).parents[1] / "bin") if newest else ""


def unprivileged():
    """What goes before a command that refuses to run as root, and who runs it then. The build tree may lie
    where only root can read: that right is kept."""
    if os.geteuid() != 0:
        return [], os.geteuid()
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *rights], user.pw_uid


class Cluster:
    def __init__(self):
        self.programs = pathlib.Path(programs())
        self.become, self.user = unprivileged()
        # A socket's path may have 107 bytes: not in the build tree, whose name may be long.
        self.folder = tempfile.mkdtemp(prefix="jitcorral-pg-", dir="/tmp")
        self.data = self.folder + "/data"
        self.server = None
        self.said, self.said_more = [], threading.Condition()
        os.chown(self.folder, self.user, -1)

    def __enter__(self):
        try:
            self._run("initdb", "-D", self.data, "-A", "trust", "-U", "jit", "-N", "--no-locale", "-E", "UTF8")
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def __exit__(self, failure, *_):
        self.stop(failure is not None)
        shutil.rmtree(self.folder)

    def stop(self, at_once=False):
        """Waits for sessions to end, or ends them."""
        if self.server:
            self.server.send_signal(signal.SIGINT if at_once else signal.SIGTERM)
            self.server.wait()
            self.reader.join()
            self.server = None

    def _run(self, program, *arguments):
        result = subprocess.run([*self.become, self.programs / program, *arguments], capture_output=True, text=True,
                                cwd=self.folder)
        if result.returncode != 0:
            raise RuntimeError(f"{program}: {result.stdout}{result.stderr}")

    def server_line(self, *arguments):
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        return [*self.become, str(self.programs / "postgres"), *arguments, "-D", self.data, *settings]

    def start(self):
        """The postmaster; its standard error goes on to ours."""
        line = [*self.server_line("-k", self.folder), "-c", "log_min_messages=log"]
        self.server = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, errors="replace", cwd=self.folder)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.line_with(READY)

    def _read(self):
        for line in self.server.stderr:
            sys.stderr.write(line)
            sys.stderr.flush()
            with self.said_more:
                self.said.append(line)
                self.said_more.notify_all()
        with self.said_more:
            self.said.append(None)  # all its processes are gone
            self.said_more.notify_all()

    def line_with(self, *words):
        """The first line of the server's standard error that holds all of them; waits for it."""
        seen = 0
        with self.said_more:
            while True:
                for line in self.said[seen:]:
                    if line is None:
                        raise RuntimeError(f"postgres ended, and never said {words}: {self.said}")
                    if all(word in line for word in words):
                        return line
                seen = len(self.said)
                self.said_more.wait()

    def session(self):
        return Session(self)

    def single_user(self, statements):
        """Standard output of one process that does them all: no postmaster, no children."""
        return subprocess.run([*self.server_line("--single"), "postgres"], input="\n".join(statements) + "\n",
                              stdout=subprocess.PIPE, text=True, cwd=self.folder)


class Session:
    """One connection, so one backend, of psql's."""
    END = "end of answer"

    def __init__(self, cluster):
        line = [str(cluster.programs / "psql"), "-X", "-q", "-A", "-t", "-h", cluster.folder, "-U", "jit",
                "-v", "ON_ERROR_STOP=1", "postgres"]
        self.psql = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.backend = int(self.run("SELECT pg_backend_pid();"))

    def run(self, statements):
        """The rows, as text."""
        self.psql.stdin.write(f"{statements}\n\\echo {self.END}\n")
        self.psql.stdin.flush()
        rows = []
        for line in self.psql.stdout:
            if line.rstrip("\n") == self.END:
                return "".join(rows)
            rows.append(line)
        raise RuntimeError(f"psql ended with {self.psql.wait()} at: {statements}")

    def close(self):
        self.psql.stdin.close()
        if self.psql.wait() != 0:
            raise RuntimeError(f"psql ended with {self.psql.returncode}")

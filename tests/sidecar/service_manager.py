"""systemd's side of a service, for a test: sockets and stored descriptors that are passed, and a notify socket."""
import array
import fcntl
import os
import socket
import sys
import threading

from sidecar import check, until

# Runs a program with these descriptors as 3, 4, ...: what systemd does between fork and exec.
LAUNCH = """
import os, sys
fds = [int(word) for word in sys.argv[1].split(",") if word]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServiceManager:
    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.said = []  # each message's lines
        self.store = []  # (name, descriptor), the newest first, as systemd has it
        self.wrong = []
        self.barriers = 0
        self.answers = threading.Event()  # cleared: it has too much to do, and reads nothing
        self.answers.set()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            self.answers.wait()
            try:
                data, control, flags, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64 * 4))
            except OSError:
                return
            fds = array.array("i")
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(content[:len(content) - len(content) % 4])
            lines = data.decode().split("\n")
            fields = dict(line.split("=", 1) for line in lines if "=" in line)
            if fields.get("BARRIER") == "1":
                self.barriers += 1
                if len(fds) != 1 or len(lines) != 1:
                    self.wrong.append(f"a barrier of {len(fds)} descriptors: {lines}")
            elif fields.get("FDSTORE") == "1":
                if fields.get("FDPOLL") != "0" or not fields.get("FDNAME") or not fds:
                    self.wrong.append(f"{lines} with {len(fds)} descriptors")
                for fd in fds:
                    self.store.insert(0, (fields["FDNAME"], fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)))
            elif fds:
                self.wrong.append(f"{lines} with {len(fds)} descriptors")
            if fields.get("FDSTOREREMOVE") == "1":
                for name, fd in self.store:
                    if name == fields["FDNAME"]:
                        os.close(fd)
                self.store = [entry for entry in self.store if entry[0] != fields["FDNAME"]]
            for fd in fds:
                os.close(fd)
            self.said.append(lines)

    def heard(self, line):
        return sum(line in lines for lines in list(self.said))

    def waits_for(self, line, times=1):
        until(lambda: self.heard(line) >= times, f"{line} of the daemon, which said {self.said[-9:]}")
        check(not self.wrong, self.wrong)

    def start(self, daemon, sockets=(), **changes):
        """The daemon with these sockets (name, descriptor) and all that is stored."""
        passed = [*sockets, *self.store]
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 500) for _, fd in passed]
        env = daemon.environment(NOTIFY_SOCKET=self.path, FDSTORE="4096", **changes)
        if passed:
            env.update(LISTEN_FDS=str(len(passed)), LISTEN_FDNAMES=":".join(name for name, _ in passed))
        ready = self.heard("READY=1")
        with open(daemon.log, "ab") as log:
            daemon.process = daemon.bench.start(
                [sys.executable, "-c", LAUNCH, ",".join(map(str, high)), *daemon.arguments()], env=env,
                stdin=open(os.devnull), stdout=log, stderr=log, pass_fds=high)
        for fd in high:
            os.close(fd)
        until(lambda: self.heard("READY=1") > ready or not daemon.alive(), "READY=1")
        check(daemon.alive(), lambda: daemon.lines()[-900:])

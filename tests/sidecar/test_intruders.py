"""Whoever may connect may be hostile: the daemon lives, counts, and serves the others."""
import array
import os
import random
import resource
import signal
import socket
import struct
import sys

import wire
from sidecar import Daemon, check, equal, kill_quietly, line_of, main, must_be_root, nobody, test, until


def served(bench, daemon):
    """A host is recorded as ever."""
    host = daemon.host(bench.host, "jit", "4096", "exit", "0")
    equal(bench.finish(host).err, b"", "what the host says")
    run = daemon.ended(host.pid)
    equal((run["recorded"], run["dropped"], run["torn"]), (2, 0, 0), "a host's record beside it")


@test
def messages_that_make_no_sense_are_counted(bench):
    with Daemon(bench).start() as daemon:
        chance = random.Random(3)
        bad = [b"", b"x", bytes(792), bytes(4096), chance.randbytes(695), chance.randbytes(792), chance.randbytes(60000),
               wire.hello(wire.BEGIN, 5, length=700), wire.hello(wire.BEGIN, 5, size=0), wire.hello(wire.BEGIN, 5, major=2),
               wire.hello(wire.BEGIN, 5, magic=1), wire.hello(9, 5), wire.hello(255, 5), wire.hello(wire.RING, 5),
               wire.hello(wire.BEGIN, 0), wire.hello(wire.BEGIN, 5).ljust(5000, b"\0")]
        sent = sum(wire.send(daemon.socket, data) for data in bad)
        with open(os.devnull, "rb") as file:
            for subject in (wire.BEGIN, wire.DOORBELL):
                sent += wire.send(daemon.socket, wire.hello(subject, 5), [file.fileno()])
            sent += wire.send(daemon.socket, wire.hello(wire.RING, 5), [file.fileno()] * 100)
        until(lambda: daemon.refused("malformed") >= sent, f"{sent} refusals")
        equal(daemon.refused("malformed"), sent, "refusals")
        served(bench, daemon)
        with daemon.database() as db:
            equal(len(db.runs()), 1, "runs")


@test
def rings_that_are_none_are_refused_and_hostile_ones_do_no_harm(bench):
    with Daemon(bench).start() as daemon:
        memory = [wire.ring(seals=0), wire.ring(seals=2 | 4), wire.ring(size=4096), wire.ring(size=0),
                  wire.ring(size=wire.RING_SIZE * 2), wire.ring(content=b"x" * 4096), os.open(os.devnull, os.O_RDWR),
                  os.open("/proc/self/exe", os.O_RDONLY), os.pipe()[0]]
        for i, fd in enumerate(memory):
            wire.send(daemon.socket, wire.hello(wire.RING, 100 + i), [fd])
        until(lambda: daemon.refused("malformed") + daemon.refused("ring") >= len(memory), "refusals")
        check(daemon.refused("ring") >= 6, "memory that is no ring")
        for seed in range(40):
            fd = wire.ring(content=wire.hostile_content(seed))
            wire.send(daemon.socket, wire.hello(wire.RING, 1000 + seed, parent=1000 + seed, executable=b"\xff" * 480), [fd])
            os.close(fd)
        # A hole where the ring was, and content that changes while it is read.
        fd = wire.ring(content=wire.hostile_content(77))
        wire.send(daemon.socket, wire.hello(wire.RING, 2000), [fd])
        for seed in range(60):
            os.pwrite(fd, random.Random(seed).randbytes(65536), 4096 + 65536 * (seed % 8))
            wire.send(daemon.socket, wire.hello(wire.DOORBELL, 2000))
        served(bench, daemon)
        check(daemon.alive(), daemon.lines()[-900:])


def lingering():
    """A descriptor whose close() waits as long as it was told to: what it has sent arrives nowhere."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        sending = socket.create_connection(listening.getsockname())
        receiving, _ = listening.accept()
    sending.setblocking(False)
    try:
        while True:
            sending.send(bytes(65536))
    except BlockingIOError:
        pass
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return sending.detach(), receiving


@test
def a_descriptor_that_can_not_be_closed_holds_up_nobody(bench):
    with Daemon(bench).start() as daemon:
        receiving = []

        def sent(path, data, kind, before=()):
            fd, end = lingering()
            receiving.append(end)
            # The last one to close it is the daemon.
            daemon.process.send_signal(signal.SIGSTOP)
            with socket.socket(socket.AF_UNIX, kind) as client:
                client.connect(path)
                for first in before:
                    client.send(first)
                try:
                    client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
                except PermissionError:
                    end.close()  # its kernel lets it refuse them: the last one is we
            os.close(fd)
            daemon.process.send_signal(signal.SIGCONT)
            served(bench, daemon)
        try:
            sent(daemon.socket, wire.hello(wire.RING, 7), socket.SOCK_SEQPACKET)
            sent(daemon.socket, wire.hello(wire.DOORBELL, 7), socket.SOCK_SEQPACKET)
            # While one waits: what brings none is not kept beside it.
            before = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
            for _ in range(100):
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                    client.connect(daemon.socket)
                    for data in (b"no hello", b"x", b"y"):
                        try:
                            client.send(data)
                        except OSError:
                            break  # it was quicker
            served(bench, daemon)
            until(lambda: len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < before + 50, "descriptors that go")
            # Behind what is read, one of them behind an empty message.
            sent(daemon.socket, b"x", socket.SOCK_SEQPACKET, [wire.hello(wire.DOORBELL, 7)])
            sent(daemon.socket, b"x", socket.SOCK_SEQPACKET, [b"", b""])
            if tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 16):
                sent(daemon.query, bytes(16), socket.SOCK_SEQPACKET)
                equal(wire.ask(daemon.query)[0], 0, "an answer to a reader")
                sent(daemon.metrics, b"GET /", socket.SOCK_STREAM)
                daemon.scrape()
            daemon.stop()
        finally:
            for end in receiving:
                end.close()


@test
def silent_connections_hold_up_nobody(bench):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Daemon(bench).start() as daemon:
        silent = []
        address = daemon.socket
        for _ in range(10000):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            client.settimeout(5)
            try:
                client.connect(address)
            except OSError:
                client.close()
                continue
            silent.append(client)
            if len(silent) == 5000:
                served(bench, daemon)
        served(bench, daemon)
        until(lambda: daemon.refused("malformed") >= len(silent), "all of them were dropped and counted")
        check(len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < 200, "descriptors stay")


@test
def a_user_has_no_more_rings_than_he_may(bench):
    with Daemon(bench, "--rings-per-user", "3").start() as daemon:
        hosts = []
        for i in range(5):
            host = daemon.host(bench.host, "jit", "4096", "say", "up", "read")
            hosts.append(host)
            while line_of(host) != b"up\n":
                pass
            until(lambda: daemon.scrape()["jitcorral_daemon_rings"] == min(3, i + 1), "rings")
        until(lambda: daemon.refused("rings") == 2, "two refused")
        equal(daemon.lines().count("--rings-per-user"), 1, "times that it was said")
        for host in hosts:
            bench.finish(host, b"x")
        until(lambda: daemon.scrape()["jitcorral_daemon_rings"] == 0, "their ends")
        served(bench, daemon)


@test
def a_process_that_said_hello_may_bring_its_ring(bench):
    with Daemon(bench, "--rings-per-user", "1").start() as daemon:
        host = daemon.host(bench.host, "jit", "4096", JITCORRAL_RECORD="unix:" + daemon.socket)
        equal(bench.finish(host).err, b"", "what the host says")
        equal(daemon.ended(host.pid)["recorded"], 2, "of the one that there may be")
        equal(daemon.refused("rings"), 0, "refused")


@test
def a_flood_of_one_user_leaves_the_others_recorded(bench):
    must_be_root()
    uid = nobody()
    with Daemon(bench).start() as daemon:
        flooder = os.fork()
        if flooder == 0:
            try:
                os.setgroups([])
                os.setresuid(uid, uid, uid)
                while True:
                    wire.send(daemon.socket, wire.hello(wire.BEGIN, random.getrandbits(64)))
                    wire.send(daemon.socket, wire.hello(wire.DOORBELL, random.getrandbits(64)))
            finally:
                os._exit(1)
        try:
            until(lambda: daemon.scrape()["jitcorral_daemon_rings"] > 0, "the flood")
            # Its first hello may find the queue full; it looks again after a second.
            host = daemon.load(1, 10000, 0)
            until(lambda: daemon.run(host.pid), "a host's row beside it")
            host.terminate()
            host.wait()
            check(wire.ask(daemon.query)[0] == 0, "readers are answered")
        finally:
            kill_quietly(flooder, signal.SIGKILL)
            os.waitpid(flooder, 0)


@test
def rings_that_are_offered_anew_without_end_take_a_part_of_its_time(bench):
    with Daemon(bench).start() as daemon:
        offered = 0
        rings = [wire.ring(content=wire.full_ring(8192 * i)) for i in range(20)]

        def is_refused():
            nonlocal offered
            for _ in range(200):
                fd = rings[min(offered, len(rings) - 1)]
                offered += wire.send(daemon.socket, wire.hello(wire.RING, 4711), [fd])
            return daemon.refused("rate") > 0
        until(is_refused, "offers that are refused")
        served(bench, daemon)
        equal(daemon.refused("malformed"), 0, "messages that make no sense")


@test
def nobody_speaks_for_another_users_process(bench):
    must_be_root()
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "jit", "4096", "say", "up", "read", "jit", "8192")
        while line_of(host) != b"up\n":
            pass
        identity = until(lambda: daemon.run(host.pid), "a row")["identity"] & (1 << 64) - 1

        def intrude():
            for subject in (wire.BEGIN, wire.DOORBELL, wire.END, wire.CANNOT):
                wire.send(daemon.socket, wire.hello(subject, identity, pid=host.pid, executable=b"/stolen"))
            wire.send(daemon.socket, wire.hello(wire.RING, identity), [wire.ring(content=wire.hostile_content(1))])
        wire.as_user(nobody(), intrude)
        until(lambda: daemon.refused("credentials") == 5, "five refusals")
        bench.finish(host, b"x")
        run = daemon.ended(host.pid)
        equal((run["recorded"], run["torn"], run["uid"], run["executable"]), (4, 0, 0, os.path.realpath(bench.host)), "the row")


@test
def a_process_that_changes_its_user_is_still_itself(bench):
    must_be_root()
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "uid", str(nobody()), "jit", "4096", JITCORRAL_RECORD="unix:" + daemon.socket)
        bench.finish(host)
        equal(daemon.ended(host.pid)["recorded"], 2, "events behind setuid")


@test
def readers_see_their_own_runs_and_root_sees_all(bench):
    must_be_root()
    uid = nobody()
    with Daemon(bench).start() as daemon:
        mine = daemon.host(bench.host, "jit", "4096")
        bench.finish(mine)
        his = daemon.host(bench.host, "uid", str(uid), "jit", "4096")
        bench.finish(his)
        for host in (mine, his):
            daemon.ended(host.pid)
        pids = sorted((mine.pid, his.pid))
        equal(sorted(run["pid"] for run in wire.ask(daemon.query)[2]), pids, "what root sees")
        numbers = [run["id"] for run in wire.ask(daemon.query)[2]]

        def look():
            out = [wire.ask(daemon.query)[2]]
            out += [wire.ask(daemon.query, wire.PID, pid)[2] for pid in pids]
            out += [wire.ask(daemon.query, wire.RUN, number)[2] for number in numbers]
            out += [wire.ask(daemon.query, wire.SINCE, 0)[2], wire.ask(daemon.query, wire.LATEST, -1)[2]]
            return {run["pid"] for runs in out for run in runs}
        equal(wire.as_user(uid, look), {his.pid}, "what nobody sees")


@test
def hostile_readers_are_answered_or_dropped(bench):
    with Daemon(bench).start() as daemon:
        served(bench, daemon)
        chance = random.Random(4)
        for data in (b"x", b"\0" * 16, chance.randbytes(16), chance.randbytes(5000), b"\xff" * 16):
            status, reason, runs = wire.ask(daemon.query, data=data)
            check(status == 1 and reason and not runs, f"{status} {reason!r} {runs}")
        for what in range(5):
            for number in (-(1 << 63), (1 << 63) - 1, -1, 0):
                wire.ask(daemon.query, what, number)
        equal(len(wire.ask(daemon.query)[2]), 1, "runs that are answered")
        # Silent ones hold up nobody for long, however many there are.
        silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(500)]
        for client in silent:
            client.connect(daemon.query)
        equal(len(wire.ask(daemon.query)[2]), 1, "runs that are answered, behind 500 silent ones")
        for client in silent:
            client.close()


if __name__ == "__main__":
    sys.exit(main())

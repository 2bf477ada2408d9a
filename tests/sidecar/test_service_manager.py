"""What the daemon says to a service manager, and what it takes from one."""
import os
import shutil
import signal
import socket
import sys

from service_manager import ServiceManager
from sidecar import Daemon, Skip, check, check_load, equal, line_of, main, progress, test, until


def listening(path, kind=socket.SOCK_SEQPACKET):
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen(64)
    return server


@test
def rings_lie_with_the_service_manager_while_there_is_no_daemon(bench):
    manager = ServiceManager(bench.folder)
    with Daemon(bench) as daemon:
        manager.start(daemon)
        equal(daemon.holders(), [], "no holder beside a service manager")
        file = bench.path("progress")
        host = daemon.load(5, 2000, 4000, file)
        until(lambda: len(manager.store) == 2, "a ring and a pidfd")
        equal(len({name for name, _ in manager.store}), 1, "both by one name")
        until(lambda: manager.barriers > 0, "a barrier")
        for i in range(3):
            until(lambda: progress(file)[1] > 2000 * i, "calls")
            daemon.kill()
            manager.start(daemon)
            until(lambda: daemon.run(host.pid), "a row")
        equal(bench.finish(host).status, 0, "the host's end")
        run = daemon.ended(host.pid)
        equal(run["exit_code"], 0, "how it ended")
        stored, dropped, torn = check_load(daemon, run, 8000, 8000)
        equal((stored, dropped, torn), (8000, 0, 0), "all of it")
        until(lambda: manager.store == [], "what is over is no longer kept")
        check(not manager.wrong, manager.wrong)


@test
def a_ring_is_taken_up_whatever_the_order_of_what_was_stored(bench):
    manager = ServiceManager(bench.folder)
    with Daemon(bench) as daemon:
        manager.start(daemon)
        hosts = [daemon.host(bench.host, "jit", "4096", "say", "up", "read", "jit", "8192", "exit", "7") for _ in range(3)]
        for host in hosts:
            while line_of(host) != b"up\n":
                pass
        until(lambda: len(manager.store) == 6, "three rings")
        daemon.kill()
        manager.store.sort(key=lambda entry: (entry[0], os.readlink(f"/proc/self/fd/{entry[1]}")))
        if "pidfd" not in os.readlink(f"/proc/self/fd/{manager.store[0][1]}"):
            manager.store.reverse()
        manager.start(daemon)
        for host in hosts:
            bench.finish(host, b"x")
            run = daemon.ended(host.pid)
            equal((run["exit_code"], run["recorded"], run["dropped"], run["torn"]), (7, 4, 0, 0), "the row")


@test
def what_was_stored_and_makes_no_sense_is_left_alone(bench):
    manager = ServiceManager(bench.folder)
    with Daemon(bench) as daemon:
        for name in ("ring.0123456789abcdef.1.0.5", "ring.x", "nonsense", "ring.00000000000000ff.99999999.0.1"):
            manager.store.append((name, os.open(os.devnull, os.O_RDONLY)))
            manager.store.append((name, os.memfd_create("x")))
        manager.start(daemon)
        host = bench.finish(daemon.host(bench.host, "jit", "4096"))
        equal(daemon.ended(host.calls()[0][0])["recorded"], 2, "others are recorded")
        check(daemon.alive(), daemon.lines())


@test
def it_says_that_it_is_ready_that_it_lives_that_it_reloads_and_that_it_stops(bench):
    manager = ServiceManager(bench.folder)
    with Daemon(bench) as daemon:
        manager.start(daemon, WATCHDOG_USEC="200000")
        manager.waits_for("WATCHDOG=1", 3)
        daemon.process.send_signal(signal.SIGHUP)
        manager.waits_for("RELOADING=1")
        manager.waits_for("READY=1", 2)
        reloading = [lines for lines in manager.said if "RELOADING=1" in lines][0]
        check(any(line.startswith("MONOTONIC_USEC=") for line in reloading), reloading)
        daemon.stop()
        manager.waits_for("STOPPING=1")


@test
def sockets_are_taken_by_their_names(bench):
    manager = ServiceManager(bench.folder)
    with Daemon(bench) as daemon:
        os.makedirs(daemon.folder, exist_ok=True)
        sockets = [("query", listening(daemon.query)), ("metrics", listening(daemon.metrics, socket.SOCK_STREAM)),
                   ("hello", listening(daemon.socket))]
        # What is said before there is a daemon is heard by it.
        host = daemon.host(bench.host, "jit", "4096")
        bench.finish(host)
        manager.start(daemon, [(name, s.fileno()) for name, s in sockets])
        equal(daemon.ended(host.pid)["recorded"], 2, "what was said before")
        equal(daemon.scrape()["jitcorral_daemon_rings"], 0, "metrics")
        daemon.stop()
        check(os.path.exists(daemon.socket), "the socket is its maker's, and goes with the daemon")


@test
def systemd_socket_activate_starts_it(bench):
    activate = shutil.which("systemd-socket-activate")
    if not activate:
        raise Skip("there is no systemd-socket-activate")
    with Daemon(bench) as daemon:
        os.makedirs(daemon.folder, exist_ok=True)
        with open(daemon.log, "ab") as log:
            daemon.process = bench.start(
                [activate, "--seqpacket", "-l", daemon.socket, "-l", daemon.query, "--fdname=hello:query",
                 *daemon.arguments()], env=daemon.environment(), stdin=open(os.devnull), stdout=log, stderr=log)
        until(lambda: os.path.exists(daemon.query), "the sockets")
        host = daemon.host(bench.host, "jit", "4096", "exit", "5")
        equal(bench.finish(host).status, 5, "the host's end")
        run = daemon.ended(host.pid)
        equal((run["recorded"], run["exit_code"]), (2, 5), "the first one is recorded, that started it")
        daemon.stop()


if __name__ == "__main__":
    sys.exit(main())

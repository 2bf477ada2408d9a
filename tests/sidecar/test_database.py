"""Databases that can't be had: said once, no host notices, and recording goes on by itself when they can."""
import os
import signal
import sqlite3
import subprocess
import sys

from sidecar import DEADLINE, Daemon, Skip, check, check_load, equal, main, must_be_root, progress, test, until

GOES_ON = "recording goes on\n"


def warned(daemon):
    return daemon.lines().count("recording goes on when it can")


def hosts_meanwhile(bench, daemon, repair):
    """A host that works on while the database can't be had, and one that ends meanwhile: all of it is there later."""
    file = bench.path("progress")
    host = daemon.load(1, 20000, 0, file)
    short = daemon.load(1, 1000, 50)
    equal(bench.finish(short).err, b"", "what the host says")
    until(lambda: progress(file)[1] > 20, "calls")
    until(lambda: warned(daemon) == 1, "the line that says so")
    repair()
    until(lambda: daemon.lines().count(GOES_ON) >= 1, "the line that recording goes on")
    host.terminate()
    equal(bench.finish(host).err, b"", "what the host says")
    equal(warned(daemon), 1, "times that it was said")
    run = daemon.ended(host.pid)
    equal(check_load(daemon, run, *progress(file), torn=1)[1], 0, "dropped")
    equal(check_load(daemon, daemon.ended(short.pid), 100, 100), (100, 0, 0), "of the short one")


@test
def a_locked_database_is_waited_for(bench):
    with Daemon(bench).start() as daemon:
        bench.finish(daemon.load(1, 1000, 5))
        lock = sqlite3.connect(daemon.db, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        hosts_meanwhile(bench, daemon, lambda: lock.execute("ROLLBACK"))


@test
def a_database_that_is_locked_at_the_start_is_opened_later(bench):
    with Daemon(bench).start() as daemon:
        file = bench.path("early")
        early = daemon.load(1, 5000, 0, file)
        until(lambda: daemon.run(early.pid), "a row")
        daemon.kill()
        lock = sqlite3.connect(daemon.db, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        daemon.start()

        def repair():
            lock.execute("ROLLBACK")
            lock.close()
        hosts_meanwhile(bench, daemon, repair)
        early.terminate()
        bench.finish(early)
        run = daemon.ended(early.pid)
        check_load(daemon, run, *progress(file), torn=1)
        with daemon.database() as db:
            equal(len([r for r in db.runs() if r["pid"] == early.pid]), 1, "runs of what an earlier daemon knew")


@test
def a_newer_database_is_left_alone_until_it_is_gone(bench):
    with Daemon(bench).start() as daemon:
        daemon.stop()
        with sqlite3.connect(daemon.db) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        daemon.start()
        hosts_meanwhile(bench, daemon, lambda: os.rename(daemon.db, bench.path("newer.db")))
        check("newer jitcorral" in daemon.lines(), daemon.lines())


@test
def a_full_disk_is_said_once_and_recording_goes_on(bench):
    must_be_root()
    small = bench.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "none", small], check=False).returncode != 0:
        raise Skip("no tmpfs can be mounted")
    try:
        with Daemon(bench, db=os.path.join(small, "d.db")).start() as daemon:
            bench.finish(daemon.load(1, 1000, 5))
            daemon.stop()
            ballast = os.path.join(small, "ballast")
            try:
                with open(ballast, "wb", buffering=0) as file:
                    while True:
                        file.write(b"x" * 512)
            except OSError:
                pass
            daemon.start()
            hosts_meanwhile(bench, daemon, lambda: os.unlink(ballast))
            daemon.clean_up()
    finally:
        subprocess.run(["umount", "-l", small], check=False)


@test
def a_read_only_database_is_said_once_and_recording_goes_on(bench):
    must_be_root()
    folder = bench.path("only")
    os.mkdir(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=False).returncode != 0:
        raise Skip("no tmpfs can be mounted")
    try:
        with Daemon(bench, db=os.path.join(folder, "d.db")).start() as daemon:
            bench.finish(daemon.load(1, 1000, 5))
            daemon.stop()
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
            daemon.start()
            hosts_meanwhile(bench, daemon, lambda: subprocess.run(["mount", "-o", "remount,rw", folder], check=True))
            daemon.clean_up()
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@test
def a_database_that_is_taken_away_is_said_and_a_new_one_begun(bench):
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "jit", "4096", "say", "up", "read", "jit", "8192", "say", "more", "read")
        while host.stdout.readline() != b"up\n":
            pass
        until(lambda: (daemon.run(host.pid) or {}).get("recorded") == 2, "its first events")
        for name in ("", "-wal", "-shm"):
            os.remove(daemon.db + name)
        host.stdin.write(b"x")
        host.stdin.flush()
        until(lambda: daemon.lines().count("is not there any more") == 1, "the line that says so")
        until(lambda: os.path.exists(daemon.db) and (daemon.run(host.pid) or {}).get("recorded") == 2, "its later events")
        bench.finish(host, b"x")
        run = daemon.ended(host.pid)
        equal((run["recorded"], run["dropped"], run["torn"], run["position"]), (2, 0, 0, 4), "the gap shows")
        after = daemon.host(bench.host, "jit", "4096")
        bench.finish(after)
        equal(daemon.ended(after.pid)["recorded"], 2, "events of a later process")
        equal(daemon.lines().count("is not there any more"), 1, "times that it was said")


@test
def a_daemon_without_a_database_can_be_stopped(bench):
    with Daemon(bench, db="/proc/nowhere/d.db").start() as daemon:
        bench.finish(daemon.load(1, 1000, 5))
        until(lambda: warned(daemon) == 1, "the line that says so")
        daemon.process.send_signal(signal.SIGTERM)
        equal(daemon.process.wait(DEADLINE), 0, "its end")


if __name__ == "__main__":
    sys.exit(main())

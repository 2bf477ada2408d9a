"""The daemon is killed again and again while hosts are at work: every event is stored once, or counted.

By hand, for more of it: test_kills.py --kills 100 --hosts 8 --build build/dev [--seed N]"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time

from sidecar import Daemon, check, check_load, equal, frame, line_of, main, progress, test, until


def killed_under_load(bench, kills, hosts, seed, pause=0.15):
    """Kills while `hosts` are at work, each pair a millisecond; some hosts are killed too, and replaced. What became of
    it all: (events stored, dropped, torn, runs, hosts killed)."""
    chance = random.Random(seed)
    total = [0, 0, 0]
    killed_hosts = 0
    with Daemon(bench).start() as daemon:
        hosts_now, all_hosts, unheard = [], [], set()

        def one_more():
            file = bench.path(f"progress{len(all_hosts)}")
            host = daemon.load(chance.choice((1, 5, 20)), 4000, 0, file)
            hosts_now.append((host, file))
            all_hosts.append((host, file))

        for _ in range(hosts):
            one_more()
        for host, _ in hosts_now:
            until(lambda host=host: daemon.run(host.pid), "a row")
        for _ in range(kills):
            # At any moment: while it starts, takes rings, stores, or waits.
            time.sleep(chance.choice((0, 0.01, 1, 2)) * pause * chance.random())
            daemon.kill()
            if chance.random() < 0.3:
                host, _ = hosts_now.pop(chance.randrange(len(hosts_now)))
                # One that no daemon had the time to hear of takes its record along.
                if not daemon.run(host.pid):
                    unheard.add(host.pid)
                host.kill()
                host.wait()
                killed_hosts += 1
                one_more()
            try:
                daemon.start()
            except AssertionError:
                print(daemon.lines()[-3000:])
                raise
        for host, file in hosts_now:
            check(host.poll() is None, "a host ended by itself")
            # A hello that went to a daemon that died of it is said again after some seconds.
            until(lambda host=host: daemon.run(host.pid), "a row")
            host.terminate()
            equal(bench.finish(host).err, b"", "what a host says on standard error")
        for host, file in all_hosts:
            if host.pid in unheard and not daemon.run(host.pid):
                continue
            begun, returned = progress(file)
            run = daemon.ended(host.pid)
            for i, n in enumerate(check_load(daemon, run, begun, returned, torn=1)):
                total[i] += n
        with daemon.database() as db:
            check(db.intact(), "the database is whole")
            runs = db.runs()
        equal(len({run["identity"] for run in runs}), len(runs), "each process is one run")
        check(len(runs) <= len(all_hosts), f"{len(runs)} runs of {len(all_hosts)} hosts")
        return (*total, len(runs), killed_hosts)


@test
def ten_kills_under_load_lose_nothing(bench):
    stored, dropped, torn, runs, _ = killed_under_load(bench, 10, 4, 5)
    check(stored > 1000 and runs >= 4, f"{stored} stored, {dropped} dropped, {torn} torn of {runs} runs")


def by_hand():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--build", default="build/dev")
    options = parser.parse_args()
    build = os.path.abspath(options.build)

    @test
    def kills(bench):
        stored, dropped, torn, runs, hosts = killed_under_load(bench, options.kills, options.hosts, options.seed)
        print(f"{options.kills} kills of the daemon, {hosts} of hosts; {runs} runs: {stored} events stored once, "
              f"{dropped} dropped and {torn} torn, both counted; none lost, none twice (seed {options.seed})")
    sys.argv[1:] = ["kills", os.path.join(build, "jitcorral"), os.path.join(build, "libjitcorral.so"),
                    os.path.join(build, "tests/record/bin"), os.path.join(build, "jitcorrald")]
    return frame.main()


@test
def what_lay_in_a_ring_that_nobody_kept_is_missing(bench):
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "jit", "4096", "say", "up", "read", "jit", "4096", "exit", "0")
        while line_of(host) != b"up\n":
            pass
        until(lambda: (run := daemon.run(host.pid)) and run["recorded"] == 2, "its first events")
        for pid in daemon.holders():
            os.kill(pid, signal.SIGKILL)
        daemon.kill()
        equal(bench.finish(host, b"x").err, b"", "what the host says")
        daemon.start()
        run = until(lambda: (run := daemon.run(host.pid)) and run["state"] == "ended" and run["verdict"] and run, "its end, and verdict")
        check(run["position"] > run["recorded"] + run["dropped"] + run["torn"], f"a gap in {run}")
        equal((run["recorded"], run["verdict"]), (2, "unknown"), "events, and what is said of them")


if __name__ == "__main__":
    sys.exit(by_hand() if sys.argv[1:2] and sys.argv[1].startswith("-") else main())

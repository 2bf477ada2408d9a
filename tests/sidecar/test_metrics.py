"""What the daemon's metrics say of real processes."""
import sys

from sidecar import Daemon, check, equal, line_of, main, test, until


def total(scrape, name):
    return sum(value for key, value in scrape.items() if key.startswith(name + "{"))


@test
def counters_do_not_fall_when_a_process_becomes_another_program(bench):
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "churn", "100", "say", "first", "read", "exec", bench.host, "jit", "4096", "say",
                           "second", "read")
        names = ("jitcorral_events_total", "jitcorral_placements_total", "jitcorral_passed_total")

        def until_recorded(n):
            return until(lambda: (s := daemon.scrape()) and total(s, names[0]) >= n and s, f"{n} events")
        while line_of(host) != b"first\n":
            pass
        before = until_recorded(294)
        host.stdin.write(b"x")
        host.stdin.flush()
        while line_of(host) != b"second\n":
            pass
        after = until_recorded(296)
        for name in names:
            check(total(after, name) >= total(before, name), f"{name}: {total(before, name)}, then {total(after, name)}")
        equal(bench.finish(host, b"x").err, b"", "what the host says")
        last = until(lambda: (s := daemon.scrape()) and total(s, "jitcorral_runs_total") == 1 and s, "one end")
        equal(total(last, names[0]), 296, "events of both programs")


if __name__ == "__main__":
    sys.exit(main())

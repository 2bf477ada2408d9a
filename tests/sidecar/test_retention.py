"""Retention deletes what has ended, beside what lives: nothing of the living is lost by it, and the bound holds."""
import os
import sys

from sidecar import Daemon, check, equal, line_of, main, must_be_root, nobody, test, until

def line(process, want):
    while line_of(process) != want:
        pass

@test
def a_child_is_recorded_on_when_its_parent_s_run_was_deleted(bench):
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "churn", "6000", "leave", "jit", "4096", "say", "up", "read", "jit", "4096", "end",
                           "exit", "0")
        line(host, b"up\n")
        parent = daemon.ended(host.pid)
        with daemon.database() as db:
            child = until(lambda: [r for r in db.runs() if r["parent"] == parent["id"]], "the child's row")[0]
        daemon.stop()
        # Retention is looked at first at the start.
        daemon.start("--retain-size", "100K")
        until(lambda: daemon.run(host.pid) is None, "the parent's row gone")
        host.stdin.write(b"x")
        host.stdin.flush()
        run = daemon.ended(child["pid"])
        equal((run["recorded"], run["parent"], run["dropped"], run["torn"]), (4, None, 0, 0), "the child's row")
        check("recording goes on" not in daemon.lines(), daemon.lines())

@test
def a_run_that_is_deleted_before_its_status_is_known_holds_up_nobody(bench):
    must_be_root()
    with Daemon(bench, db=bench.path("run/daemon.db")) as daemon:
        os.chown(daemon.runtime, nobody(), -1)
        # To another user a zombie does not say how it ended, so the daemon asks for some seconds.
        daemon.start(user=nobody())
        host = daemon.host(bench.host, "churn", "6000", "say", "up", "read")
        line(host, b"up\n")
        until(lambda: daemon.run(host.pid), "its row")
        daemon.stop()
        host.stdin.close()
        os.waitid(os.P_PID, host.pid, os.WEXITED | os.WNOWAIT)
        daemon.start("--retain-size", "100K", user=nobody())
        until(lambda: daemon.run(host.pid) is None, "its row gone")
        other = daemon.load(1, 1000, 50)
        equal(bench.finish(other).err, b"", "what another host says")
        run = until(lambda: (r := daemon.run(other.pid)) and r["state"] == "ended" and r, "the end of another")
        equal((run["recorded"], run["dropped"], run["torn"]), (100, 0, 0), "its row")
        check("recording goes on" not in daemon.lines(), daemon.lines())


if __name__ == "__main__":
    sys.exit(main())

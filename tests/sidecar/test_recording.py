"""The daemon end to end: what it records of hosts that know nothing of it, how they ended, and its own stops."""
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys

from sidecar import Daemon, alive, check, check_load, equal, line_of, main, progress, test, until


@test
def a_host_is_recorded_with_its_label_and_its_end(bench):
    with Daemon(bench).start() as daemon:
        ended = bench.finish(daemon.host(bench.host, "jit", "4096", "churn", "100", "exit", "3", JITCORRAL_LABEL="canary",
                                         SLURM_JOB_ID="4711"))
        equal((ended.status, ended.err), (3, b""), "the host's own end and its standard error")
        pid = ended.calls()[0][0]
        run = daemon.ended(pid)
        equal((run["exit_code"], run["signal"]), (3, None), "how it ended")
        equal((run["label"], run["slurm_job"], run["uid"]), ("canary", "4711", os.geteuid()), "whose run it was")
        check(run["executable"].endswith("/record_host"), run["executable"])
        equal((run["dropped"], run["torn"]), (0, 0), "nothing is lost")
        with daemon.database() as db:
            have = [(e.call, e.address, e.length) for e in db.events(run["id"])]
        equal(have, [(name, at, length) for _, _, name, at, length, _ in ended.calls()], "the host's own account")


@test
def the_unit_that_a_process_belongs_to_is_recorded(bench):
    with open("/proc/self/cgroup", encoding="ascii") as file:
        own = file.read()
    with Daemon(bench).start() as daemon:
        ended = bench.finish(daemon.host(bench.host, "jit", "4096"))
        run = daemon.ended(ended.calls()[0][0])
        units = [part for part in own.replace("\n", "/").split("/") if part.endswith((".service", ".scope"))]
        equal(run["unit"] != "", bool(units), f"a unit ({run['unit']!r}) as /proc/self/cgroup says: {own!r}")


@test
def death_by_a_signal_is_in_the_row(bench):
    with Daemon(bench).start() as daemon:
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            process = daemon.host(bench.host, "jit", "4096", "say", "up", "kill", str(int(number)))
            ended = bench.finish(process)
            equal(ended.status, -number, "the host's end")
            run = daemon.ended(process.pid)
            # A recorder that is not its parent learns the status if the kernel tells (Linux 6.15), or from the zombie.
            equal((run["exit_code"], run["signal"], run["recorded"], run["torn"]), (None, number, 2, 0), "its row")


@test
def a_killed_host_leaves_all_that_it_did(bench):
    with Daemon(bench).start() as daemon:
        for i in range(4):
            file = bench.path(f"progress{i}")
            host = daemon.load(20, 1000, 0, file)
            until(lambda: os.path.exists(file) and progress(file)[1] > 500 + 997 * i, "calls")
            host.kill()
            host.wait()
            run = daemon.ended(host.pid)
            equal(run["signal"], signal.SIGKILL, "its end")
            begun, returned = progress(file)
            stored, dropped, _ = check_load(daemon, run, begun, returned, torn=1)
            check(stored >= returned - dropped, f"{stored} stored, {returned} calls returned")


@test
def stopped_and_started_again_it_goes_on(bench):
    with Daemon(bench).start() as daemon:
        file = bench.path("progress")
        host = daemon.load(10, 1000, 4000, file)
        until(lambda: daemon.run(host.pid), "a row")
        for _ in range(3):
            daemon.stop()
            check(not os.path.exists(daemon.socket), "its socket is left behind")
            daemon.start()
        ended = bench.finish(host)
        equal((ended.status, ended.err), (0, b""), "the host's end")
        run = daemon.ended(host.pid)
        equal(run["exit_code"], 0, "its end")
        check_load(daemon, run, 8000, 8000)
        with daemon.database() as db:
            equal(len([r for r in db.runs() if r["pid"] == host.pid]), 1, "it is one run")
            equal(len(db.sessions()), 1, "of one boot's session")


@test
def the_holder_lives_as_long_as_it_keeps_something(bench):
    with Daemon(bench).start() as daemon:
        holder, = until(daemon.holders, "a holder")
        host = daemon.host(bench.host, "jit", "4096", "say", "up", "read", "exit", "0")
        while line_of(host) != b"up\n":
            pass
        until(lambda: daemon.run(host.pid), "a row")
        daemon.stop()
        check(alive(holder), "a ring is kept, and its holder has gone")
        with open(f"/proc/{holder}/status", encoding="ascii", errors="replace") as file:
            blocked = [int(line.split()[1], 16) for line in file if line.startswith("SigBlk")][0]
        equal(blocked & 1 << signal.SIGTERM - 1, 0, "the holder can be told to end")
        for fd in os.listdir(f"/proc/{holder}/fd"):
            check(os.readlink(f"/proc/{holder}/fd/{fd}") != daemon.log, "it holds the daemon's standard error open")
        daemon.start()
        equal(daemon.holders(), [holder], "the next daemon uses it")
        bench.finish(host, b"x")
        equal(daemon.ended(host.pid)["exit_code"], 0, "the end of the host")
        daemon.stop()
        until(lambda: not daemon.holders(), "the holder's end")


@test
def an_exec_into_a_program_that_never_jits_ends_the_run(bench):
    with Daemon(bench).start() as daemon:
        host = daemon.host(bench.host, "jit", "4096", "say", "up", "read", "exec", "/usr/bin/cat")
        while line_of(host) != b"up\n":
            pass
        until(lambda: daemon.run(host.pid), "a row")
        equal(daemon.run(host.pid)["state"], "running", "before")
        host.stdin.write(b"x")
        host.stdin.flush()
        until(lambda: daemon.run(host.pid)["state"] == "replaced", "the end of the run")
        check(host.poll() is None, "the process goes on as another program")
        bench.finish(host)
        run = daemon.run(host.pid)
        equal((run["state"], run["recorded"], run["exit_code"]), ("replaced", 2, None), "its row")


@test
def past_runs_of_the_daemon_are_listed_and_reported(bench):
    with Daemon(bench).start() as daemon:
        bench.run(bench.host, "jit", "4096", "jit", "4096", db=False)  # the command's own database has a run 1 too
        hosts = [daemon.host(bench.host, "jit", "4096", "exit", str(status)) for status in (3, 4)]
        for host in hosts:
            bench.finish(host)
            daemon.ended(host.pid)
        def asked(*arguments):
            said = bench.do([bench.cli, *arguments], env=bench.environment(XDG_RUNTIME_DIR=daemon.runtime))
            equal((said.status, said.err), (0, b""), arguments)
            return said.out
        sessions = json.loads(asked("runs", "--json"))["sessions"]
        of_daemon = [s for s in sessions if s["recorded_by"] == "daemon"]
        equal([sorted(r["pid"] for r in s["runs"]) for s in of_daemon], [sorted(h.pid for h in hosts)], "the daemon's runs")
        check(b"recorded by the daemon since" in asked("runs"), "a title")
        for run in of_daemon[0]["runs"]:
            report = json.loads(asked("report", "--json", "--run", str(run["id"])))
            equal([(r["id"], r["pid"]) for r in report["runs"]], [(run["id"], run["pid"])], "its report")


def behind_a_filter():
    """One that lets everything pass, as far as the process can know."""
    libc = ctypes.CDLL(None, use_errno=True)
    allow = struct.pack("=HBBI", 0x06, 0, 0, 0x7fff0000)  # BPF_RET, SECCOMP_RET_ALLOW
    code = ctypes.create_string_buffer(allow)
    program = struct.pack("@HxxxxxxP", 1, ctypes.addressof(code))
    set_seccomp, mode_filter, no_new_privs = 22, 2, 38
    if libc.prctl(no_new_privs, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter, program, 0, 0):
        os._exit(99)


@test
def behind_a_filter_only_who_is_told_that_it_may_speaks(bench):
    with Daemon(bench).start() as daemon:
        silent = daemon.host(bench.host, "jit", "4096", how={"preexec_fn": behind_a_filter})
        equal(bench.finish(silent).status, 0, "its end")
        told = daemon.host(bench.host, "jit", "4096", how={"preexec_fn": behind_a_filter},
                           JITCORRAL_RECORD="auto,filters=1")
        equal(bench.finish(told).status, 0, "its end")
        equal(daemon.ended(told.pid)["recorded"], 2, "events of who was told")
        equal(daemon.run(silent.pid), None, "who was not")


@test
def a_second_daemon_refuses_in_one_line(bench):
    with Daemon(bench).start() as daemon:
        second = bench.do(daemon.arguments())
        equal((second.status, second.err.count(b"\n")), (1, 1), f"the second one's end: {second.err}")
        check(daemon.socket.encode() in second.err and b"another" in second.err, second.err)
        host = bench.finish(daemon.host(bench.host, "jit", "4096"))
        daemon.ended(host.calls()[0][0])
        with daemon.database() as db:
            equal(len(db.sessions()), 1, "sessions")


@test
def processes_that_are_gone_before_they_are_heard_of_do_not_stay(bench):
    with Daemon(bench).start() as daemon:
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(20):
            # With a socket named, each process says hello when it begins.
            equal(subprocess.run(["/bin/true"], env=daemon.host_environment(JITCORRAL_RECORD="unix:" + daemon.socket),
                                 check=False).returncode, 0, "true")
            bench.finish(daemon.host(bench.host, "jit", "4096"))
        daemon.process.send_signal(signal.SIGCONT)

        def all_ended():
            with daemon.database() as db:
                runs = db.runs()
            return len(runs) == 40 and all(run["state"] == "ended" for run in runs)
        until(all_ended, "40 runs that have ended", 20)
        equal(daemon.scrape()["jitcorral_daemon_rings"], 0, "rings being read")


if __name__ == "__main__":
    sys.exit(main())

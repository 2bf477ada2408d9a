"""Options, the configuration file, and SIGHUP."""
import os
import signal
import sys

from sidecar import Daemon, check, equal, main, must_be_root, test, until


def refused(bench, daemon, arguments, *named):
    said = bench.do(arguments, env=daemon.environment())
    equal((said.status, said.out, said.err.count(b"\n")), (2, b"", 1), f"{arguments[-1]}, which said {said.err}")
    for name in named:
        check(name.encode() in said.err, f"{name} in {said.err}")


@test
def bad_options_are_refused_in_one_line(bench):
    daemon = Daemon(bench)
    for option, named in (("--retain-size=5Q", "5Q"), ("--retain-size=-1", "-1"), ("--retain-days=x", "retain-days"),
                          ("--rings-per-user=0", "rings-per-user"), ("--events-per-second=0", "events-per-second"),
                          ("--log-level=loud", "loud"), ("--nonsense", "nonsense"),
                          ("--config=/nonexistent/file", "/nonexistent/file"),
                          ("stray", "stray")):
        refused(bench, daemon, [*daemon.arguments(), option], named)
    for metrics in ("[::2]:9", "unix:relative", "127.0.0.1:99999", "8080"):
        refused(bench, daemon, [daemon.program, "--metrics", metrics], metrics)
    refused(bench, daemon, [daemon.program, "--socket", "relative", "--db", daemon.db, "--query", daemon.query], "relative")


@test
def help_and_version_say_what_there_is(bench):
    daemon = Daemon(bench)
    said = bench.do([daemon.program, "--help"])
    equal((said.status, said.err), (0, b""), "--help")
    for word in (b"--retain-days", b"--socket", b"Examples:", b"SIGHUP", b"Exit status"):
        check(word in said.out, f"{word} in the help")
    check(all(len(line) <= 120 for line in said.out.decode().splitlines()), "lines of the help")
    said = bench.do([daemon.program, "--version"])
    check(said.status == 0 and said.out.startswith(b"jitcorrald "), said.out)


@test
def sighup_reads_the_configuration_anew_and_keeps_it_when_it_is_bad(bench):
    file = bench.path("conf")

    def configure(text):
        with open(file, "w", encoding="ascii") as out:
            out.write(text)
    configure("rings-per-user = 1\n")
    with Daemon(bench, "--config", file).start() as daemon:
        def signalled(line):
            before = daemon.lines().count(line)
            daemon.process.send_signal(signal.SIGHUP)
            until(lambda: daemon.lines().count(line) > before, line)

        def refused_of_two(total, recorded):
            host = daemon.host(bench.host, "jit", "4096", "say", "up", "read")
            kept = daemon.host(bench.host, "jit", "4096", "say", "up", "read")
            for process in (host, kept):
                while process.stdout.readline() != b"up\n":
                    pass
            until(lambda: daemon.refused("rings") == total and
                  daemon.scrape()["jitcorral_daemon_rings"] == recorded, f"{total} refused by now, {recorded} recorded")
            for process in (host, kept):
                bench.finish(process, b"x")
            until(lambda: daemon.scrape()["jitcorral_daemon_rings"] == 0, "their ends")
        refused_of_two(1, 1)
        configure("rings-per-user = many\n")
        signalled("stays as it was")
        check(daemon.lines().count("\n") < 20, daemon.lines())
        refused_of_two(2, 1)
        configure("rings-per-user = 5\nlog-level = \"debug\"\n")
        signalled("read anew")
        refused_of_two(2, 2)
        os.unlink(file)
        signalled("stays as it was")
        check(daemon.alive(), "it ended")
        daemon.stop()


@test
def a_bad_configuration_file_is_refused_at_start(bench):
    daemon = Daemon(bench)
    for text, named in (("nonsense = 1\n", "nonsense"), ("retain-size = 5Q\n", "5Q"), ("log-level = loud\n", "loud")):
        with open(bench.path("conf"), "w", encoding="ascii") as out:
            out.write(text)
        refused(bench, daemon, [*daemon.arguments(), "--config", bench.path("conf")], named)


@test
def the_commands_own_paths_come_from_the_user(bench):
    """A user's daemon without any option, in a runtime folder where nothing is yet."""
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
    else:
        prefix = []
    home = bench.path("home")
    os.makedirs(home, 0o777)
    os.chmod(home, 0o777)
    env = bench.environment(HOME=home, XDG_RUNTIME_DIR=home, XDG_STATE_HOME=None)
    daemon = Daemon(bench)
    process = bench.start([*prefix, daemon.program], env=env)
    try:
        until(lambda: os.path.exists(os.path.join(home, "jitcorral/metrics")), "the sockets")
        equal(os.stat(os.path.join(home, "jitcorral")).st_mode & 0o777, 0o700, "the folder is the user's own")
        host = bench.start([*prefix, bench.host, "jit", "4096"],
                           env={**env, "LD_PRELOAD": bench.shim, "JITCORRAL_RECORD": "auto"})
        bench.finish(host)
        daemon.db = os.path.join(home, ".local/state/jitcorral/daemon.db")
        equal(daemon.ended(host.pid)["recorded"], 2, "events")
    finally:
        process.terminate()
        bench.finish(process)
        daemon.socket = os.path.join(home, "jitcorral/socket")
        daemon.clean_up()


@test
def roots_own_service_manager_gets_a_daemon_of_roots_own(bench):
    """As systemd --user starts it for root: its folders are root's, not the machine's."""
    must_be_root()
    runtime = bench.path("runtime")
    os.makedirs(runtime, 0o700)
    daemon = Daemon(bench)
    process = bench.start([daemon.program, "--user"], env=daemon.environment(XDG_RUNTIME_DIR=runtime))
    try:
        until(lambda: os.path.exists(os.path.join(runtime, "jitcorral/metrics")), "the sockets")
        check(os.path.exists(bench.path("state/jitcorral/daemon.db")), "its database")
    finally:
        process.terminate()
        bench.finish(process)
        daemon.socket = os.path.join(runtime, "jitcorral/socket")
        daemon.clean_up()


if __name__ == "__main__":
    sys.exit(main())

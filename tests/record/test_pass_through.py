"""Under run a command is what it is without: what it inherits, what reaches it, how it ends."""
import fcntl
import os
import pty
import random
import resource
import select
import signal
import subprocess
import sys
import termios
import time

import frame
from frame import check, equal, line_of, must_be_root, test, until


@test
def every_exit_status_is_passed_on(bench):
    wrong = []
    running = []
    for status in range(256):
        running.append((status, bench.start(
            bench.command("/bin/sh", "-c", f"exit {status}"), stdin=subprocess.DEVNULL)))
        if len(running) == 8 or status == 255:
            for want, process in running:
                ended = bench.finish(process)
                if (ended.status, ended.err) != (want, b""):
                    wrong.append((want, ended.status, ended.err))
            running = []
    equal(wrong, [], "statuses")


@test
def every_deadly_signal_is_told(bench):
    wrong = []
    # Also those by which no core is wanted here.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in sorted(signal.valid_signals()):
        if number in (signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH,
                      signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            continue
        ended = bench.run(bench.host, "kill", str(int(number)), "exit", "0")
        if (ended.status, ended.err) != (128 + number, b""):
            wrong.append((number, ended.status, ended.err))
    equal(wrong, [], "statuses")
    with bench.database() as db:
        equal([run["signal"] for run in db.runs()][:3], [1, 2, 3], "signals in the database")


@test
def binary_data_goes_through_unchanged(bench):
    data = random.Random(3).randbytes(8 << 20)
    ended = bench.run("/bin/sh", "-c", "tee /dev/stderr", data=data)
    equal(ended.status, 0, "status")
    check(ended.out == data, "standard output is what went in")
    check(ended.err == data, "standard error too, and nothing else")


@test
def arguments_of_any_bytes_arrive(bench):
    odd = [b"", b" ", b"\xff\xfe\x80", b"a\nb", b"--", b"--db", b"-h", b"*", b"$HOME", b"'\"",
           bytes(range(1, 256)), b"x" * 100000]
    out = bench.do([bench.look.encode(), bench.path("bare").encode(), *odd])
    equal(out.status, 0, "bare")
    ended = bench.run(bench.look.encode(), bench.path("run").encode(), *odd)
    equal((ended.status, ended.err), (0, b""), "under run")

    def arguments(name):
        with open(bench.path(name), encoding="ascii", errors="surrogateescape") as file:
            return [line for line in file if line.startswith("argv")]
    equal(arguments("run"), arguments("bare"), "arguments")


def looked(bench, name):
    with open(bench.path(name), encoding="utf-8", errors="surrogateescape") as file:
        return [line.replace(bench.path(name), "FILE") for line in file.read().splitlines()]


def inherits_the_same(bench, prepare, arguments=(), **how):
    """`prepare` runs before exec, bare and under run; what is inherited is compared."""
    files = how.pop("files", {})
    for name in ("bare", "run"):
        command = [bench.look, bench.path(name), *arguments]
        if name == "run":
            command = bench.command(*command)
        process = bench.start(command, preexec_fn=prepare, close_fds=False,
                              stdin=files.get(0, subprocess.DEVNULL),
                              stdout=files.get(1, subprocess.DEVNULL),
                              stderr=files.get(2, subprocess.DEVNULL),
                              env=bench.environment(ODD="a=b=c", EMPTY="", **{"x y": "z"}), **how)
        equal(process.wait(frame.DEADLINE), 0, f"status, {name}")
    bare, run = looked(bench, "bare"), looked(bench, "run")
    ours = [line for line in run if line.startswith(("env LD_PRELOAD=", "env JITCORRAL_"))]
    check(f"env LD_PRELOAD={bench.shim}" in ours, "the shim is preloaded")
    run = [line for line in run if line not in ours]
    differences = [line for line in bare if line not in run] + ["under run:"] + \
                  [line for line in run if line not in bare]
    check(sorted(bare) == sorted(run), lambda: "differs, bare:\n  " + "\n  ".join(differences))
    return bare


@test
def what_is_inherited_is_the_same(bench):
    def prepare():
        os.chdir("/usr")
        os.umask(0o123)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
        resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 64 << 20))
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 3000))
        os.open("/etc/passwd", os.O_RDONLY)
        fd = os.open("/dev/null", os.O_RDWR)
        os.dup2(fd, 17, inheritable=True)
        os.dup2(fd, 150, inheritable=True)
    bare = inherits_the_same(bench, prepare)
    check(any(line.startswith("fd 150 ") for line in bare), "descriptors are compared")


@test
def a_group_and_session_of_their_own_are_inherited(bench):
    def prepare():
        os.setsid()
    for name in ("bare", "run"):
        command = [bench.look, bench.path(name)]
        process = bench.start(bench.command(*command) if name == "run" else command,
                              preexec_fn=prepare)
        bench.finish(process)
        line, = [l for l in looked(bench, name) if l.startswith("pgrp")]
        equal(int(line.split()[1]), process.pid, f"process group, {name}")
        line, = [l for l in looked(bench, name) if l.startswith("nice")]
        equal(int(line.split()[-1]), process.pid, f"session, {name}")


@test
def ignored_and_blocked_signals_are_inherited(bench):
    names = [signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ, signal.SIGHUP,
             signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT, signal.SIGUSR1]

    def prepare():
        for name in names:
            signal.signal(name, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM,
                                                  signal.SIGUSR2, signal.SIGRTMIN + 3])
    bare = inherits_the_same(bench, prepare)
    ignored, = [line.split()[1] for line in bare if line.startswith("SigIgn")]
    check(int(ignored, 16) >> (signal.SIGCHLD - 1) & 1, "signals were ignored")


@test
def default_signals_are_inherited(bench):
    def prepare():
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            if number < 32:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
    inherits_the_same(bench, prepare)


@test
def closed_standard_streams_stay_closed(bench):
    for closed in ([0], [1], [2], [0, 1, 2], [1, 2]):
        def prepare(fds=tuple(closed)):
            for fd in fds:
                os.close(fd)
        bare = inherits_the_same(bench, prepare)
        for fd in closed:
            check(not any(line.startswith(f"fd {fd} ") and "/dev/null" in line for line in bare),
                  f"{fd} is closed, bare")


@test
def closed_streams_with_a_report_wanted(bench):
    # What run itself wants to say must not go into a file of the command's or of the database's.
    for closed in ([1], [2], [0, 1, 2]):
        def prepare(fds=tuple(closed)):
            for fd in fds:
                os.close(fd)
        process = bench.start(bench.command(bench.host, "jit", "4096", "exit", "3",
                                            options=["--report", "--json", bench.path("json")]),
                              preexec_fn=prepare, stdin=None, stdout=None, stderr=None)
        status = process.wait(frame.DEADLINE)
        check(status in (3, 98), f"status {status} with {closed} closed")
        with bench.database() as db:
            check(db.intact(), "the database is intact")


@test
def a_closed_pipe_kills_the_command_as_ever(bench):
    reader, writer = os.pipe()
    process = bench.start(bench.command("/bin/sh", "-c", "exec yes"), stdout=writer,
                          stdin=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(
                              signal.SIGPIPE, signal.SIG_DFL))
    os.close(writer)
    os.close(reader)
    ended = bench.finish(process)
    equal((ended.status, ended.err), (128 + signal.SIGPIPE, b""), "status and standard error")


@test
def signals_sent_to_run_reach_the_command(bench):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1,
                   signal.SIGUSR2, signal.SIGALRM):
        process = bench.start(bench.command(
            "/bin/sh", "-c", f"trap 'echo got; exit 9' {int(number)}; echo up; "
                             "while :; do read x || exit 1; done"))
        equal(line_of(process), b"up\n", "it begins")
        process.send_signal(number)
        equal(line_of(process), b"got\n", f"{number.name} arrives")
        ended = bench.finish(process)
        equal((ended.status, ended.err), (9, b""), f"status after {number.name}")
        process = bench.start(bench.command(bench.host, "say", "up", "pause"))
        equal(line_of(process), b"up\n", "it begins")
        process.send_signal(number)
        ended = bench.finish(process)
        equal((ended.status, ended.err), (128 + number, b""), f"killed by {number.name}")


@test
def the_command_is_stopped_and_continued_with_run(bench):
    # By the terminal's signal, which stops nobody in an orphaned group.
    process = bench.start(bench.command(bench.host, "say", "up", "stop", "say", "on", "exit", "4"),
                          process_group=0)
    equal(line_of(process), b"up\n", "it begins")
    pid, status = until(lambda: [x for x in [os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)]
                                 if x[0]], "run stops when its command stops")[0]
    check(pid == process.pid and os.WIFSTOPPED(status), "run stops when its command stops")
    process.send_signal(signal.SIGCONT)
    ended = bench.finish(process)
    equal((ended.status, ended.out, ended.err), (4, b"on\n", b""), "both go on")


@test
def a_stop_that_others_end_does_not_stop_run_for_ever(bench):
    # The command is stopped and continued by somebody who knows only it, as a checkpointer or a
    # debugger's script does.
    process = bench.start(bench.command(
        "/bin/sh", "-c", "(while kill -CONT $$ && sleep 0.02; do :; done) 2>/dev/null & "
                         "kill -STOP $$; exit 4"), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("run stands still, though its command has ended") from None
    equal(status, 4, "status")


def on_terminal(bench, arguments):
    """Runs it as a job in the foreground of a terminal of its own: pid and the other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execve(arguments[0], arguments, bench.environment(TERM="dumb"))
        finally:
            os._exit(99)
    return pid, terminal


def reads(terminal, wanted):
    seen = b""
    end = time.monotonic() + frame.DEADLINE
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        check(ready, f"{wanted} does not come, only {seen}")
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            raise AssertionError(f"the terminal's end came instead of {wanted}: {seen}") from None
    return seen


@test
def the_terminal_is_the_command_s(bench):
    pid, terminal = on_terminal(bench, bench.command(
        "/bin/sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo terminal; stty size; read x; "
                         "echo got $x"))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, b"\x21\0\x54\0\0\0\0\0")
    reads(terminal, b"terminal\r\n")
    os.write(terminal, b"hello\n")
    reads(terminal, b"got hello")
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status")


@test
def ctrl_c_kills_the_command_and_run_says_130(bench):
    pid, terminal = on_terminal(bench, bench.command(bench.host, "say", "up", "pause"))
    reads(terminal, b"up\r\n")
    os.write(terminal, b"\x03")
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130, "status")
    # A command that minds it itself gets it once.
    pid, terminal = on_terminal(bench, bench.command(
        sys.executable, "-c",
        "import signal, sys\n"
        "n = []\n"
        "signal.signal(signal.SIGINT, lambda *_: n.append(1))\n"
        "print('up', flush=True)\n"
        "sys.stdin.readline()\n"
        "print('times', len(n), flush=True)\n"))
    reads(terminal, b"up\r\n")
    os.write(terminal, b"\x03")
    reads(terminal, b"^C")
    os.write(terminal, b"\n")
    reads(terminal, b"times 1")
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status")


@test
def job_control_stops_and_continues_both(bench):
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execve("/bin/bash", ["bash", "--norc", "--noediting", "-i"],
                      bench.environment(TERM="dumb", PS1="$ "))
        finally:
            os._exit(99)
    command = " ".join(bench.command(bench.host, "say", "first", "read", "say", "second", "exit",
                                     "6"))
    os.write(terminal, f"{command}\n".encode())
    reads(terminal, b"first\r\n")
    os.write(terminal, b"\x1a")
    reads(terminal, b"Stopped")

    def state_of(name):
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                    text = file.read()
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    line = file.read()
            except OSError:
                continue
            if f"({name})" in text and \
                    int(text.rpartition(")")[2].split()[3]) == pid:
                return text.rpartition(")")[2].split()[0]
        return ""
    until(lambda: state_of("record_host") == "T", "the command is stopped")
    os.write(terminal, b"fg\n")
    reads(terminal, command.encode()[-20:])
    until(lambda: state_of("record_host") in ("S", "R"), "the command goes on")
    os.write(terminal, b"x\n")
    reads(terminal, b"second")
    os.write(terminal, b"echo status $?\n")
    reads(terminal, b"status 6")
    os.write(terminal, b"exit\n")
    os.waitpid(pid, 0)


@test
def what_cannot_be_started_is_126_or_127(bench):
    plain = bench.path("plain")
    with open(plain, "w", encoding="ascii") as file:
        file.write("not a program\n")
    os.chmod(plain, 0o644)
    no_interpreter = bench.path("script")
    with open(no_interpreter, "w", encoding="ascii") as file:
        file.write("#!/nonexistent/interpreter\n")
    os.chmod(no_interpreter, 0o755)
    for program, status in (("/nonexistent/program", 127), ("no-such-program-anywhere", 127),
                            (plain, 126), (bench.folder, 126), (no_interpreter, 127)):
        ended = bench.run(program)
        equal(ended.status, status, f"status of {program}")
        equal(len(ended.said), 1, f"one line for {program}: {ended.err}")
        check(os.path.basename(program) in ended.said[0], f"it names {program}: {ended.said}")
        equal(ended.rest, [], "nothing else")


@test
def a_path_with_a_closed_folder_is_searched_to_its_end(bench):
    must_be_root()
    os.mkdir(bench.path("closed"), 0o700)

    def drop():
        os.setgroups([])
        os.setresgid(54321, 54321, 54321)
        os.setresuid(54321, 54321, 54321)
    env = bench.environment(PATH=f"{bench.path('closed')}:/bin", TMPDIR=None)
    bare = bench.do(["/bin/sh", "-c", "no-such-program"], env=env, preexec_fn=drop)
    ended = bench.run("no-such-program", db="/dev/null", env=env, preexec_fn=drop)
    equal((bare.status, ended.status), (127, 127), "status, bare and under run")
    ended = bench.run("true", db="/dev/null", env=env, preexec_fn=drop)
    equal(ended.status, 0, "what lies behind it is found")


@test
def a_script_without_interpreter_line_runs_as_in_a_shell(bench):
    script = bench.path("script")
    with open(script, "w", encoding="ascii") as file:
        file.write("echo ran $1\nexit 3\n")
    os.chmod(script, 0o755)
    ended = bench.run(script, "it")
    equal((ended.status, ended.out, ended.err), (3, b"ran it\n", b""), "the script")


if __name__ == "__main__":
    sys.exit(frame.main())

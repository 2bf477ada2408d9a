"""Runs inside the booted systemd (boot.sh): the units at work, told by what systemctl, the sockets and the database say."""

import glob
import os
import pwd
import sqlite3
import subprocess
import sys
import time
import traceback

import segments

DEADLINE = 60
DATABASE = "/var/lib/jitcorral/placements.db"
UNITS = ("jitcorrald.socket", "jitcorrald-query.socket", "jitcorrald-metrics.socket", "jitcorrald.service")
SOCKETS = {"/run/jitcorral/socket": 0o666, "/run/jitcorral/query": 0o666, "/run/jitcorral/metrics": 0o660}


def systemctl(*words, **how):
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, **how)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.strip()


def shown(unit, name):
    return systemctl("show", unit, "-P", name)


def until(what, condition):
    """Asks again and again; what came, when it is true."""
    end = time.monotonic() + DEADLINE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"this never came about: {what}"
        time.sleep(0.02)


def rows(text, *values, database=DATABASE):
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    except sqlite3.OperationalError:
        return []
    try:
        return connection.execute(text, values).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def mappings(pid, database=DATABASE):
    """Steered mappings of 1 MiB that are stored of a process."""
    run = rows("SELECT id FROM run WHERE pid = ?", pid, database=database)
    if not run:
        return 0
    stored = rows("SELECT encoding, count, events FROM segment WHERE run = ? ORDER BY id", run[0][0], database=database)
    return sum(1 for segment in stored for (_, _, _, length, *_, call, outcome, _, _) in segments.events(*segment)
               if (length, call, outcome) == (1 << 20, 1, 1))


def starts_and_is_confined():
    systemctl("start", *UNITS)
    assert shown("jitcorrald.service", "ActiveState") == "active"
    pid = shown("jitcorrald.service", "MainPID")
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert status["Uid"].split()[0] not in ("0", "65534"), status["Uid"]
    assert int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0, status
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    for path, mode in SOCKETS.items():
        there = os.stat(path)
        assert (there.st_mode & 0o777, there.st_uid) == (mode, 0), (path, oct(there.st_mode), there.st_uid)


def records_a_service_under_the_shim():
    systemctl("start", "subject.service")
    pid = int(shown("subject.service", "MainPID"))
    until("its first mapping is stored", lambda: mappings(pid) == 1)
    unit, uid = rows("SELECT unit, uid FROM run WHERE pid = ?", pid)[0]
    assert unit == "subject.service", unit
    assert uid == os.stat(f"/proc/{pid}").st_uid, uid


def goes_on_after_being_killed():
    pid = int(shown("subject.service", "MainPID"))
    until("its ring is in systemd's keeping", lambda: int(shown("jitcorrald.service", "NFileDescriptorStore")) >= 1)
    for count in (2, 3, 4):
        before = shown("jitcorrald.service", "MainPID")
        systemctl("kill", "-s", "KILL", "jitcorrald.service")
        # While nobody reads.
        systemctl("kill", "-s", "USR1", "subject.service")
        until("the daemon is back", lambda: shown("jitcorrald.service", "ActiveState") == "active"
              and shown("jitcorrald.service", "MainPID") not in ("0", before))
        until(f"mapping {count} is stored", lambda: mappings(pid) >= count)
        assert mappings(pid) == count, mappings(pid)
    assert len(rows("SELECT id FROM run WHERE pid = ?", pid)) == 1


def reloads_and_restarts():
    pid = shown("jitcorrald.service", "MainPID")
    systemctl("reload", "jitcorrald.service")
    assert (shown("jitcorrald.service", "ActiveState"), shown("jitcorrald.service", "MainPID")) == ("active", pid)
    subject = int(shown("subject.service", "MainPID"))
    systemctl("restart", "jitcorrald.service")
    systemctl("kill", "-s", "USR1", "subject.service")
    until("mapping 5 is stored", lambda: mappings(subject) >= 5)
    assert mappings(subject) == 5, mappings(subject)


def closes_the_run():
    pid = int(shown("subject.service", "MainPID"))
    systemctl("stop", "subject.service")
    until("its run is closed", lambda: rows("SELECT 1 FROM run WHERE pid = ? AND state <> 0", pid))
    # Nothing is kept of who has ended.
    until("the store is empty", lambda: int(shown("jitcorrald.service", "NFileDescriptorStore")) == 0)


def serves_metrics():
    said = subprocess.run(["curl", "-sS", "--unix-socket", "/run/jitcorral/metrics", "http://localhost/metrics"],
                          capture_output=True, text=True)
    assert "# TYPE jitcorral" in said.stdout, said


def stops_and_is_started_by_its_socket():
    # A filter of system calls that denies something it needs would have killed it.
    restarts = int(shown("jitcorrald.service", "NRestarts"))
    assert restarts <= 3, restarts
    systemctl("stop", "jitcorrald.service")
    assert shown("jitcorrald.service", "Result") == "success", shown("jitcorrald.service", "Result")
    systemctl("start", "subject.service")
    until("the socket starts it", lambda: shown("jitcorrald.service", "ActiveState") == "active")
    pid = int(shown("subject.service", "MainPID"))
    until("its first mapping is stored", lambda: mappings(pid) == 1)
    systemctl("stop", *UNITS)
    assert not any(map(os.path.exists, SOCKETS)), os.listdir("/run/jitcorral")


def a_users_manager():
    # As user@.service does, without a session: that would want D-Bus and a login.
    user, folder = pwd.getpwnam("nobody"), "/run/user/nobody"
    os.makedirs(folder)
    os.chown(folder, user.pw_uid, user.pw_gid)
    env = {"XDG_RUNTIME_DIR": folder, "HOME": folder, "PATH": os.environ["PATH"]}
    subprocess.run(["systemd-run", "--quiet", "--unit=manager", "--property=Delegate=yes", "--property=Type=notify",
                    "--uid=nobody", f"--setenv=XDG_RUNTIME_DIR={folder}", f"--setenv=HOME={folder}",
                    "/lib/systemd/systemd", "--user"], check=True)
    systemctl("--user", "start", *UNITS, env=env, user=user.pw_uid)
    assert systemctl("--user", "show", UNITS[-1], "-P", "ActiveState", env=env, user=user.pw_uid) == "active"
    shim, = glob.glob("/usr/lib/*/jitcorral/libjitcorral.so")
    with subprocess.Popen(["/usr/bin/packaging_host"], env=dict(env, JITCORRAL_POLICY="all", LD_PRELOAD=shim),
                          stdout=subprocess.DEVNULL, user=user.pw_uid) as host:
        host.wait()
    database = f"{folder}/.local/state/jitcorral/daemon.db"
    until("it is stored", lambda: mappings(host.pid, database) == 1)
    systemctl("--user", "stop", *UNITS, env=env, user=user.pw_uid)


failed = 0
for test in (starts_and_is_confined, records_a_service_under_the_shim, goes_on_after_being_killed, reloads_and_restarts,
             closes_the_run, serves_metrics, stops_and_is_started_by_its_socket, a_users_manager):
    try:
        test()
        print("ok", test.__name__)
    except Exception:  # each is told
        failed += 1
        print("FAILED", test.__name__)
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        subprocess.run(["journalctl", "--no-pager", "-n", "30", "-o", "cat"])
        break
    sys.stdout.flush()
print("failed:" if failed else "all well:", failed)
sys.stdout.flush()

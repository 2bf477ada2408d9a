"""What processes send the daemon, made by hand (hello.h, ring.h, model/query.h): whole, or wrong in any way."""
import array
import fcntl
import os
import pickle
import random
import socket
import sqlite3
import struct

from sidecar import RING_SIZE, check

BEGIN, RING, DOORBELL, END, CANNOT = range(5)
HELLO_SIZE = 792
SEALS = 1 | 2 | 4  # seal, shrink, grow
F_ADD_SEALS = 1033


def hello(subject, identity, **changes):
    size = changes.get("size", HELLO_SIZE)
    head = struct.pack("<IHHBBBBBBHII", changes.get("magic", 0x6f6c6c68), changes.get("major", 1), size & 0xffff, subject,
                       0, 2, 0, 1, 0, 0, changes.get("pid", os.getpid()), 0)
    body = struct.pack("<QQQQQQQ", identity, changes.get("parent", 0), 1, 0, 0, 1 << 31, 1 << 20)
    out = head + body + bytes(8 * 15) + b"0.0.0".ljust(16, b"\0") + changes.get("executable", b"/x").ljust(480, b"\0")
    return out.ljust(HELLO_SIZE, b"\0")[:changes.get("length", HELLO_SIZE)]


def send(path, data, fds=()):
    """False: it was not taken."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(20)
        try:
            client.connect(path)
            client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        except OSError:
            return False
    return True


def ring(size=RING_SIZE, seals=SEALS, content=b""):
    fd = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    os.pwrite(fd, content, 0)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


GEOMETRY = struct.pack("<QHHIIIIIIIIII", 0x31676e6972636a89, 1, 1, RING_SIZE, 4096, 4096, 64, 256, 20480, 45056, 65536, 8192,
                       4096)


TAKEN = 256  # Header::taken


def hostile_content(seed):
    """The geometry is right; nothing else is."""
    return GEOMETRY + random.Random(seed).randbytes(RING_SIZE - len(GEOMETRY))


def full_ring(first):
    """A ring of 8191 events that make sense, from that ticket on, which is a multiple of 8192; and one that was there before
    them all."""
    content = bytearray(RING_SIZE)
    content[:len(GEOMETRY)] = GEOMETRY
    struct.pack_into("<Q", content, TAKEN, first + 8192)
    for slot in range(8192):
        ticket = first + slot if slot else 0
        struct.pack_into("<QQQQQQIIIBBBB", content, 65536 + 64 * slot, ticket << 2 | 2, 5, 0x7f0000000000 + slot * 4096, 4096,
                         0, 0, 0, 1, 0, 1, 1, 0, 3)
    return bytes(content)


def as_user(uid, function):
    """What the function returns, in a process of that user's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            answer = (True, function())
        except BaseException as problem:  # whatever it is, the parent says it
            answer = (False, f"{type(problem).__name__}: {problem}")
        os.write(writing, pickle.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    check(data, "the other user's process said nothing")
    done, answer = pickle.loads(data)
    check(done, answer)
    return answer


RUN, PID, LATEST, LIVING, SINCE = range(5)


def ask(path, what=LATEST, number=10, data=None, connection=None):
    """(status, reason, rows of the runs that were answered)."""
    client = connection or socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with client:
        client.settimeout(30)
        if not connection:
            client.connect(path)
        client.send(struct.pack("<IHBBq", 0x7265756a, 16, what, 0, number) if data is None else data)
        answer, control, _, _ = client.recvmsg(4096, socket.CMSG_SPACE(64))
    check(len(answer) >= 8, f"an answer of {len(answer)} bytes")
    status, reason = answer[6], answer[8:248].split(b"\0")[0].decode()
    fds = array.array("i")
    for _, _, content in control:
        fds.frombytes(content)
    runs = []
    for fd in fds:
        with os.fdopen(fd, "rb") as file:
            file.seek(0)
            image = file.read()
        db = sqlite3.connect(":memory:")
        db.deserialize(image)
        db.row_factory = sqlite3.Row
        runs += [dict(row) for row in db.execute("SELECT * FROM run ORDER BY id")]
        db.close()
    return status, reason, runs

"""Peers that are no shim: whatever comes by the socket, run goes on, and CMD's record is right."""
import array
import ctypes
import fcntl
import os
import random
import socket
import struct
import sys

import frame
from frame import RING_SIZE, Skip, check, equal, line_of, test, until

HELLO_MAGIC = 0x6f6c6c68
RING_MAGIC = 0x31676e6972636a89
HEADER, SHARDS, TEXTS, SLOTS = 0, 4096, 4096 + 64 * 256, 4096 + 64 * 256 + 44 * 1024
BEGIN, RING, DOORBELL, END, CANNOT = range(5)

hello_size = None  # of this version: as a real shim sends it
FIRST_SIZE = 696  # of release 0.1.0; a hello may be shorter than this version's, or longer
EXECUTABLE = 216  # where its path lies


def hello(subject, fill=b"\0", size=None, **fields):
    """A message as the shim sends it (hello.h)."""
    size = size or hello_size
    body = bytearray((fill * size)[:size])
    struct.pack_into("<IHHBBBBBBH", body, 0, fields.get("magic", HELLO_MAGIC),
                     fields.get("major", 1), fields.get("said_size", size), subject,
                     fields.get("reason", 0), fields.get("mode", 2), fields.get("near", 0),
                     fields.get("isa", 1), fields.get("forked", 0), fields.get("error", 0))
    if "parent" in fields:
        struct.pack_into("<I", body, 20, fields["parent"])
    return bytes(body)


def ring_bytes(**fields):
    """An empty ring (ring.h), with what `fields` say instead."""
    ring = bytearray(RING_SIZE)
    struct.pack_into("<QHHIIIIIIIIIIII", ring, 0, fields.get("magic", RING_MAGIC),
                     fields.get("major", 1), 0, fields.get("size", RING_SIZE), 4096, SHARDS, 64,
                     256, fields.get("texts_offset", TEXTS), fields.get("texts_size", 44 * 1024),
                     fields.get("slots_offset", SLOTS), fields.get("slots", 8192), 4096, 1,
                     fields.get("hello_offset", 0))
    return ring


def header_lines(ring):
    """Offsets of taken, dropped, texts_used: behind the window, each in a line of its own."""
    counters = 15
    at = 8 + 2 + 2 + 4 * 13
    at = (at + 7) & ~7
    window = at + counters * 8
    end = window + 32 + 8
    taken = (end + 63) & ~63
    return window, taken, taken + 64, taken + 128


def event(ticket, call=1, address=0x7f0000000000, length=4096, site=0, outcome=1, prot_kind=0x15,
          state=2, other=0):
    return struct.pack("<QQQQQQIIIBBBB", ticket << 2 | state, 1, address, length, other, 0, 0x22,
                       77, site, call, outcome, 0, prot_kind)


def memfd(content, seals=0x7, size=None):
    fd = os.memfd_create("peer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, content[:0] if size == 0 else bytes(content))
    if size is not None:
        os.ftruncate(fd, size)
    if seals:
        fcntl.fcntl(fd, 1033, seals)  # F_ADD_SEALS
    return fd


def send(path, message, fds=(), keep=None):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.connect(path)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        peer.sendmsg([message], rights)
        if keep is not None:
            keep.append(peer.dup())


class Session:
    """A command under run that waits in its middle, so that peers may come."""

    def __init__(self, bench):
        self.bench = bench
        size_of_hello(bench)
        self.process = bench.start(bench.command("/bin/sh", "-c",
                                                 'echo "$JITCORRAL_RECORD"; exec "$@"', "sh",
                                                 bench.host, "jit", "4096", "say", "up", "read",
                                                 "jit", "8192", "unmap", "0", "exit", "5"))
        self.socket = line_of(self.process).decode().strip().removeprefix("unix:").split(",")[0]
        self.calls = b""
        while True:
            line = line_of(self.process)
            if line == b"up\n":
                break
            self.calls += line

    def finish(self):
        ended = self.bench.finish(self.process, b"x")
        ended.out = self.calls + ended.out
        equal((ended.status, ended.err), (5, b""), "status and standard error")
        pid, = {call[0] for call in ended.calls()}
        with self.bench.database() as db:
            check(db.intact(), "the database is intact")
            run = db.run_of(pid)
            equal([e.address for e in db.events(run["id"]) if e.call == "mmap"],
                  [c[3] for c in ended.calls() if c[2] == "mmap"], "the command's own mappings")
            equal([run["state"], run["exit_code"]], ["ended", 5], "the command's own end")
            rows = db.runs()
        for how in ([], ["--json"]):
            report = self.bench.report(*how)
            equal((report.status, report.err), (0, b""), f"report {how}")
        listed = self.bench.do([self.bench.cli, "runs", "--db", self.bench.db])
        equal((listed.status, listed.err), (0, b""), "runs")
        return rows


def size_of_hello(bench):
    """As the shim itself sends it."""
    global hello_size
    path = bench.path("listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(8)
        bench.do(["/bin/true"], env=bench.environment(LD_PRELOAD=bench.shim,
                                                      JITCORRAL_RECORD=f"unix:{path}"))
        connection, _ = listener.accept()
        with connection:
            message = connection.recv(65536)
    magic, major, hello_size = struct.unpack_from("<IHH", message)
    equal((magic, major, hello_size), (HELLO_MAGIC, 1, len(message)), "a real hello")
    return message


def still_answers(session):
    """What was sent before has been taken: a peer that came last has its row."""
    before = b"\xff\xfe/last"
    message = bytearray(hello(BEGIN))
    message[EXECUTABLE:EXECUTABLE + len(before)] = before
    send(session.socket, bytes(message))

    def there():
        with session.bench.database() as db:
            return db.rows("SELECT id FROM run WHERE pid = ?", os.getpid())
    until(there, "the last peer's row")


@test
def messages_of_garbage(bench):
    session = Session(bench)
    chance = random.Random(1)
    for length in (0, 1, 3, FIRST_SIZE - 1, FIRST_SIZE, hello_size - 1, hello_size, 4096, 60000):
        send(session.socket, chance.randbytes(length))
    for _ in range(200):
        send(session.socket, hello(BEGIN, magic=HELLO_MAGIC)[:8] +
             chance.randbytes(chance.choice([0, 5, hello_size - 8])))
    send(session.socket, hello(BEGIN, size=FIRST_SIZE - 8))
    send(session.socket, hello(BEGIN, size=4096 + 8))
    send(session.socket, hello(BEGIN, said_size=hello_size + 1))
    send(session.socket, hello(BEGIN, major=2))
    send(session.socket, hello(9))
    send(session.socket, hello(255, fill=b"\xff"))
    still_answers(session)
    session.finish()


@test
def messages_with_every_value_out_of_range(bench):
    session = Session(bench)
    for subject in (BEGIN, CANNOT, END, DOORBELL):
        send(session.socket, hello(subject, fill=b"\xff", reason=255, mode=255, near=255, isa=255,
                                   forked=255, error=65535))
        send(session.socket, hello(subject, fill=b"\x80", reason=7, mode=6, near=9, isa=3, forked=1,
                                   error=133, parent=session.process.pid))
    still_answers(session)
    session.finish()


@test
def descriptors_that_are_no_ring(bench):
    session = Session(bench)
    reader, writer = os.pipe()
    fds = {"none": [], "pipe": [reader], "folder": [os.open("/", os.O_RDONLY)],
           "null": [os.open("/dev/null", os.O_RDWR)],
           "small": [memfd(ring_bytes()[:4096])],
           "empty": [memfd(b"")],
           "large": [memfd(ring_bytes(), size=RING_SIZE * 2)],
           "unsealed": [memfd(ring_bytes(), seals=0)],
           "no writes": [memfd(ring_bytes(), seals=0x7 | 0x8)],
           "no future writes": [memfd(ring_bytes(), seals=0x7 | 0x10)],
           "wrong version": [memfd(ring_bytes(major=9))],
           "wrong magic": [memfd(ring_bytes(magic=1))],
           "wrong slots": [memfd(ring_bytes(slots=1 << 30))],
           "wrong texts": [memfd(ring_bytes(texts_offset=0xfffffff0))],
           "two": [memfd(ring_bytes()), reader], "many": [reader] * 100,
           "socket": [socket.socket().detach()]}
    plain = os.open(bench.path("plain"), os.O_RDWR | os.O_CREAT, 0o600)
    os.write(plain, ring_bytes())
    fds["a plain file"] = [plain]
    readonly = os.open(f"/proc/self/fd/{memfd(ring_bytes())}", os.O_RDONLY)
    fds["read-only"] = [readonly]
    before = len(os.listdir(f"/proc/{session.process.pid}/fd"))
    for what in fds.values():
        send(session.socket, hello(RING), what)
        send(session.socket, hello(BEGIN), what)
    still_answers(session)
    # Not one is kept: a pidfd of this process is all that may have come.
    until(lambda: len(os.listdir(f"/proc/{session.process.pid}/fd")) <= before + 60, "descriptors")
    with bench.database() as db:
        check(not [r for r in db.runs() if r["recorded"] and r["pid"] == os.getpid()], "no event")
    session.finish()


def send_ring(session, ring):
    fd = memfd(ring)
    # Each by a process of its own: a ring belongs to one.
    pid = os.fork()
    if pid == 0:
        try:
            send(session.socket, hello(BEGIN))
            send(session.socket, hello(RING), [fd])
        finally:
            os._exit(0)
    os.close(fd)
    os.waitpid(pid, 0)
    return pid


@test
def rings_of_random_bytes(bench):
    session = Session(bench)
    chance = random.Random(2)
    for turn in range(12):
        ring = ring_bytes()
        keep = bytes(ring[:72])
        begin = 72 if turn % 2 else SHARDS
        ring[begin:] = chance.randbytes(RING_SIZE - begin)
        ring[:72] = keep
        if turn % 3 == 0:  # events that are plausible at first sight
            for i in range(8192):
                ring[SLOTS + i * 64:SLOTS + (i + 1) * 64] = event(
                    chance.choice([i, chance.getrandbits(61)]), chance.randrange(1, 11),
                    chance.getrandbits(55), chance.getrandbits(chance.choice([12, 40, 55])),
                    chance.getrandbits(16) & ~7, chance.randrange(6),
                    chance.randrange(5) << 4 | chance.getrandbits(3), other=chance.getrandbits(64))
        struct.pack_into("<Q", ring, header_lines(ring)[1], chance.choice(
            [0, 1, 8192, 8193, 1 << 63, (1 << 64) - 1, chance.getrandbits(64)]))
        send_ring(session, ring)
    still_answers(session)
    rows = session.finish()
    check(sum(row["recorded"] for row in rows) > 8192, "some of it looked like events")


@test
def rings_whose_header_lies(bench):
    session = Session(bench)
    for taken in (0, 1, 1 << 40, (1 << 64) - 1):
        for dropped in (0, 1 << 63, (1 << 64) - 1):
            ring = ring_bytes(hello_offset=taken & 0xffffffff)
            window, at_taken, at_dropped, at_texts = header_lines(ring)
            struct.pack_into("<QQQQII", ring, window, (1 << 64) - 4096, 1 << 63, 1 << 60, 5, 3, 1)
            struct.pack_into("<Q", ring, at_taken, taken)
            struct.pack_into("<Q", ring, at_dropped, dropped)
            struct.pack_into("<III", ring, at_texts, 0xffffffff, 0xffffffff, 0xffffffff)
            ring[SLOTS:SLOTS + 64] = event(0)
            ring[SLOTS + 64:SLOTS + 128] = event(1, state=3)
            ring[SLOTS + 128:SLOTS + 192] = event((1 << 62) - 1, address=(1 << 56) - 1,
                                                  length=(1 << 56) - 1)
            send_ring(session, ring)
    still_answers(session)
    session.finish()


@test
def texts_without_end_do_not_fill_the_disk(bench):
    session = Session(bench)
    # Sites at every eighth byte, each with the longest text there is: 5000 times 40 KiB.
    ring = ring_bytes()
    texts = bytearray(44 * 1024)
    ready_site, ready_text, at_text = 0x53495445, 0x54455854, 4096
    for at in range(8, 4096, 8):
        struct.pack_into("<II", texts, at, ready_site, at_text)
    struct.pack_into("<II", texts, at_text, ready_text, len(texts) - at_text - 8)
    texts[at_text + 8:] = b"A" * (len(texts) - at_text - 8)
    ring[TEXTS:TEXTS + len(texts)] = texts
    count = 500
    for i in range(count):
        ring[SLOTS + i * 64:SLOTS + (i + 1) * 64] = event(i, site=8 + i * 8)
    struct.pack_into("<Q", ring, header_lines(ring)[1], count)
    for _ in range(4):
        send_ring(session, ring)
    still_answers(session)
    session.finish()
    total = sum(os.path.getsize(bench.path(n)) for n in os.listdir(bench.folder)
                if n.startswith("record.db"))
    check(total < 16 << 20, f"the database has {total} bytes of four small rings")


@test
def a_module_that_is_no_file_is_not_waited_for(bench):
    session = Session(bench)
    fifo = bench.path("fifo")
    os.mkfifo(fifo)
    for name in (fifo, "/dev/zero", "/dev/tty", "/proc/self/mem", "/proc/kmsg", bench.folder,
                 "/proc/sys/kernel/random/uuid"):
        for role in (1, 2, 3, 4, 5, 200):
            ring = ring_bytes()
            struct.pack_into("<II", ring, TEXTS + 64, 0x54455854, len(name))
            ring[TEXTS + 72:TEXTS + 72 + len(name)] = name.encode()
            struct.pack_into("<IBBBBQQQII", ring, TEXTS + 8, 0x53495445, role, 0, 0, 0, 1, 1, 1, 64,
                             0)
            ring[SLOTS:SLOTS + 64] = event(0, site=8)
            struct.pack_into("<Q", ring, header_lines(ring)[1], 1)
            send_ring(session, ring)
    still_answers(session)
    session.finish()


@test
def peers_that_never_send_do_not_stall(bench):
    session = Session(bench)
    silent = []
    for _ in range(1000):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.setblocking(False)
        try:
            peer.connect(session.socket)
        except BlockingIOError:
            peer.close()
            break
        silent.append(peer)
    check(len(silent) > 100, "there are silent peers")
    try:
        session.finish()
    finally:
        for peer in silent:
            peer.close()


@test
def a_thousand_connections_are_taken_and_closed(bench):
    session = Session(bench)
    for i in range(1000):
        send(session.socket, b"" if i % 3 == 0 else hello(DOORBELL) if i % 3 == 1 else b"x" * i)
    still_answers(session)
    until(lambda: len(os.listdir(f"/proc/{session.process.pid}/fd")) < 40, "few descriptors")
    session.finish()


@test
def a_peer_that_keeps_saying_hello_does_not_fill_the_memory(bench):
    session = Session(bench)
    for _ in range(3000):
        send(session.socket, hello(BEGIN))
    still_answers(session)
    fds = len(os.listdir(f"/proc/{session.process.pid}/fd"))
    check(fds < 200, f"run has {fds} descriptors open")
    session.finish()


@test
def a_peer_that_calls_itself_its_own_parent(bench):
    session = Session(bench)

    def looked_at():  # at its mappings, and so at its ancestors, unless it was found out before
        with bench.database() as db:
            mine = [run for run in db.runs() if run["pid"] == os.getpid()]
        if all(run["state"] != "running" for run in mine):
            send(session.socket, hello(BEGIN, fill=b"\1", forked=1))
        return [run for run in mine if run["samples"] > 0]
    until(looked_at, "its list of mappings is looked at")
    still_answers(session)
    session.finish()


@test
def a_ring_that_is_punched_under_the_reader(bench):
    session = Session(bench)
    ring = ring_bytes()
    for i in range(8192):
        ring[SLOTS + i * 64:SLOTS + (i + 1) * 64] = event(i)
    struct.pack_into("<Q", ring, header_lines(ring)[1], 8192)
    fd = memfd(ring)
    send(session.socket, hello(BEGIN))
    send(session.socket, hello(RING), [fd])
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(50):
        if libc.fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(RING_SIZE)) != 0:
            raise Skip("this kernel punches no holes into a memfd")
        os.pwrite(fd, bytes(ring), 0)
    session.finish()


if __name__ == "__main__":
    sys.exit(frame.main())

"""A segment's events as the database keeps them, read as SCHEMA.md says, by nothing of jitcorral's."""
import itertools
import struct

EVENT = "<QQQQQQIIIBBBB"  # event.h
PLAIN, PLANES = 0, 1  # segment.encoding


def unpack(block):
    """The bytes of an LZ4 block."""
    out, at = bytearray(), 0

    def length(short):
        nonlocal at
        if short == 15:
            more = 255
            while more == 255:
                more, at = block[at], at + 1
                short += more
        return short

    while True:
        token, at = block[at], at + 1
        literals = length(token >> 4)
        out += block[at:at + literals]
        at += literals
        if at >= len(block):
            return bytes(out)
        back, at = block[at] | block[at + 1] << 8, at + 2
        copied = length(token & 15) + 4
        out += (out[-back:] * (copied // back + 1))[:copied]


def events(encoding, count, data):
    """Tuples of EVENT."""
    if encoding == PLAIN:
        return list(struct.iter_unpack(EVENT, data))
    assert encoding == PLANES, f"encoding {encoding}"
    planes = unpack(data)
    assert len(planes) == 64 * count, f"{len(planes)} bytes of {count} events"
    rows = [struct.unpack(EVENT, planes[i::count]) for i in range(count)]
    tickets, times = (list(itertools.accumulate([row[column] for row in rows], lambda a, b: (a + b) % 2**64))
                      for column in (0, 1))
    return [(ticket, time, *row[2:]) for ticket, time, row in zip(tickets, times, rows)]

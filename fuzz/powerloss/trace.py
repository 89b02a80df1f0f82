"""Reads what recorder.c wrote."""
import os
import struct
from dataclasses import dataclass

KINDS = (
    "none open close write sync datasync truncate allocate rename unlink mkdir rmdir duplicate map unsupported"
).split()
HEADER = struct.Struct("<IiQQQQII")
ALL_ZERO = 0x80000000


@dataclass(slots=True)
class Event:
    kind: str
    fd: int
    start: int
    end: int
    offset: int
    length: int
    flags: int
    data: bytes | None  # None for zeros; paths otherwise


def read(path):
    """The events in the order of their ends. An entry cut off by SIGKILL never returned to its caller."""
    with open(path, "rb") as file:
        raw = file.read()
    events, place = [], 0
    while place + HEADER.size <= len(raw):
        kind, fd, start, end, offset, length, flags, count = HEADER.unpack_from(raw, place)
        place += HEADER.size
        if place + count > len(raw):
            break
        data = None if flags & ALL_ZERO else raw[place : place + count]
        place += count
        events.append(Event(KINDS[kind], fd, start, end, offset, length, flags, data))
    return events


def paths(event):
    return [os.path.normpath(path) for path in event.data.decode().split("\n")]

"""All that a server stores: each key's type, value and time to live."""

import wire

READERS = {
    b"string": lambda key: (b"GET", key),
    b"hash": lambda key: (b"HGETALL", key),
    b"set": lambda key: (b"SMEMBERS", key),
    b"zset": lambda key: (b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"),
}
TOLERANCE_MILLISECONDS = 2000


def of(side):
    """A dictionary of key → (type, value, milliseconds to live, -1 forever)."""
    keys = [wire.text(key) for key in wire.elements(side.ask(b"KEYS", b"*"))]
    types = [wire.text(reply) for reply in side.ask_all([(b"TYPE", key) for key in keys])]
    values = side.ask_all([READERS.get(kind, READERS[b"string"])(key) for kind, key in zip(types, keys)])
    times = [wire.number(reply) for reply in side.ask_all([(b"PTTL", key) for key in keys])]
    stored = {}
    for key, kind, value, time in zip(keys, types, values, times):
        if kind == b"hash":
            parts = wire.elements(value)
            value = b"".join(sorted(a + b for a, b in zip(parts[::2], parts[1::2])))
        elif kind == b"set":
            value = b"".join(sorted(wire.elements(value)))
        stored[key] = kind, value, time
    return stored


def first_difference(redis, kvd):
    """A key and what both servers have there, or None."""
    for key in sorted(redis.keys() | kvd.keys()):
        both = redis.get(key), kvd.get(key)
        if None in both:
            return key, *(repr(each).encode() for each in both)
        if both[0][:2] != both[1][:2] or not _times_agree(both[0][2], both[1][2]):
            return key, *(repr(each).encode() for each in both)
    return None


def _times_agree(redis, kvd):
    # A server without PTTL has no keys that expire.
    kvd = -1 if kvd is None else kvd
    if min(redis, kvd) < 0:
        return redis == kvd
    return abs(redis - kvd) <= TOLERANCE_MILLISECONDS

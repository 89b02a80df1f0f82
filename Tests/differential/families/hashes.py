"""Maps: Redis's hashes."""

from history import Step

WEIGHT = 15
FIELDS = [b"f1", b"f2", b"f3", b"f4", b"", b"\x00", b"\xff", b"long" * 100, b"1", b"*"]


def field(v):
    return v.pick(*FIELDS)


def fields(v):
    return v.some(lambda: field(v), 1, 4)


def pairs(v):
    return [part for _ in range(v.pick(1, 1, 2, 4, 8)) for part in (field(v), v.value())]


def hscan(v):
    options = v.options(["MATCH", v.pattern()])
    if v.maybe(0.6):
        count = [b"COUNT", b"%d" % v.pick(1, 2, 10, 1000)] if v.maybe(0.7) else []
        words = [word if isinstance(word, bytes) else word.encode() for word in options]
        return Step(0, (b"HSCAN", v.key(), b"0", *words, *count), cursor_at=2)
    return ["HSCAN", v.key(), v.pick(0, 0, 0, b"x", b"-1", b"")] + options + [
        "COUNT", v.pick(1000, 1000, 0, -1, b"x")]


COMMANDS = {
    "HSET": lambda v: ["HSET", v.key()] + pairs(v),
    "HMSET": lambda v: ["HMSET", v.key()] + pairs(v),
    "HSETNX": lambda v: ["HSETNX", v.key(), field(v), v.value()],
    "HGET": lambda v: ["HGET", v.key(), field(v)],
    "HMGET": lambda v: ["HMGET", v.key()] + fields(v),
    "HGETALL": lambda v: ["HGETALL", v.key()],
    "HDEL": lambda v: ["HDEL", v.key()] + fields(v),
    "HEXISTS": lambda v: ["HEXISTS", v.key(), field(v)],
    "HLEN": lambda v: ["HLEN", v.key()],
    "HKEYS": lambda v: ["HKEYS", v.key()],
    "HVALS": lambda v: ["HVALS", v.key()],
    "HSTRLEN": lambda v: ["HSTRLEN", v.key(), field(v)],
    "HINCRBY": lambda v: ["HINCRBY", v.key(), field(v), v.integer()],
    "HINCRBYFLOAT": lambda v: ["HINCRBYFLOAT", v.key(), field(v), v.float()],
    "HSCAN": hscan,
    "HRANDFIELD": lambda v: ["HRANDFIELD", v.key()] + v.pick(
        [], [v.pick(0, 1, 100, -3, v.integer(1))], [v.pick(0, 100, 100, b"x"), "WITHVALUES"], [1,
            "VALUES"]),
}


def allowed(arguments):
    # A negative count is answered with as many fields as it says.
    if arguments[0].upper() != b"HRANDFIELD" or len(arguments) < 3:
        return True
    try:
        return -1000 < int(arguments[2])
    except ValueError:
        return True

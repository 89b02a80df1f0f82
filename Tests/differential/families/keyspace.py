"""Keys, whatever their values are."""

from history import Step

WEIGHT = 15
TYPES = (b"string", b"hash", b"list", b"set", b"zset", b"stream", b"STRING", b"nothing")


def scan(v):
    options = v.options(["MATCH", v.pattern()], ["TYPE", v.pick(*TYPES)])
    if v.maybe(0.6):
        words = [word if isinstance(word, bytes) else word.encode() for word in options]
        count = [b"COUNT", b"%d" % v.pick(1, 2, 5, 10, 1000)] if v.maybe(0.7) else []
        return Step(0, (b"SCAN", b"0", *words, *count), cursor_at=1)
    return ["SCAN", v.pick(0, 0, 0, b"x", b"-1", b"", b" 0", b"0x0", b"1.0", b"00")] + options + [
        "COUNT", v.pick(1000, 1000, 1000, 0, -1, b"x", b"")]


def sort(v):
    return ["SORT", v.key()] + v.options(
        ["BY", v.pattern()], ["LIMIT", v.index(), v.index()], ["GET", v.pattern()], ["ASC"], ["DESC"],
        ["ALPHA"], ["STORE", v.key()])


COMMANDS = {
    "DEL": lambda v: ["DEL"] + v.keys(1, 3),
    "UNLINK": lambda v: ["UNLINK"] + v.keys(1, 3),
    "EXISTS": lambda v: ["EXISTS"] + v.keys(1, 5),
    "TOUCH": lambda v: ["TOUCH"] + v.keys(1, 5),
    "TYPE": lambda v: ["TYPE", v.key()],
    "KEYS": lambda v: ["KEYS", v.pattern()],
    "SCAN": scan,
    "RANDOMKEY": lambda v: ["RANDOMKEY"],
    "DBSIZE": lambda v: ["DBSIZE"],
    "RENAME": lambda v: ["RENAME", v.key(), v.key()],
    "RENAMENX": lambda v: ["RENAMENX", v.key(), v.key()],
    "COPY": lambda v: ["COPY", v.key(), v.key()] + v.options(
        ["REPLACE"], ["DB", v.pick(0, 0, 0, -1, 99, v.integer())]),
    "OBJECT ENCODING": lambda v: ["OBJECT", "ENCODING", v.key()],
    "OBJECT REFCOUNT": lambda v: ["OBJECT", "REFCOUNT", v.key()],
    "OBJECT FREQ": lambda v: ["OBJECT", "FREQ", v.key()],
    "OBJECT IDLETIME": lambda v: ["OBJECT", "IDLETIME", v.key()],
    "OBJECT HELP": lambda v: ["OBJECT", "HELP"],
    "MEMORY USAGE": lambda v: ["MEMORY", "USAGE", v.key()] + v.options(["SAMPLES", v.integer()]),
    "SORT": sort,
    "SORT_RO": lambda v: ["SORT_RO", *sort(v)[1:]],
    "DUMP": lambda v: ["DUMP", v.key()],
    "RESTORE": lambda v: ["RESTORE", v.key(), v.pick(0, 100000, -1, v.integer(1)), v.value()] + v.options(
        ["REPLACE"], ["ABSTTL"], ["IDLETIME", v.integer()], ["FREQ", v.integer()]),
    "MOVE": lambda v: ["MOVE", v.key(), v.pick(b"x", b"", 99, -1)],
    "SWAPDB": lambda v: ["SWAPDB", v.pick(b"x", b"", 99, -1), v.pick(0, 1)],
    "FLUSHALL": lambda v: ["FLUSHALL"] + v.options(["ASYNC"], ["SYNC"]),
    "FLUSHDB": lambda v: ["FLUSHDB"] + v.options(["ASYNC"], ["SYNC"]),
}

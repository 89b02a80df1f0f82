"""Strings and counters."""

from families.expiry import expiry_options, soon
from values import Paused

WEIGHT = 30


def set_(v):
    arguments = ["SET", v.key(), v.value()]
    arguments += v.options(["NX"], ["XX"], ["GET"], ["KEEPTTL"])
    return expiry_options(v, arguments, 0.25)


def setex(name):
    def make(v):
        if name == "PSETEX" and v.maybe(0.3):
            return Paused(*soon(v, [name, v.key()], [v.value()]))
        return [name, v.key(), v.pick(100, 1000, 0, -1, v.integer(1), 5000000), v.value()]
    return make


def getex(v):
    arguments = ["GETEX", v.key()] + v.options(["PERSIST"])
    return expiry_options(v, arguments, 0.5)


def lcs(v):
    arguments = ["LCS", v.pick(b"a", b"b", b"c"), v.pick(b"a", b"b", b"c")]
    return arguments + v.options(
        ["LEN"], ["IDX"], ["WITHMATCHLEN"], ["MINMATCHLEN", v.integer()])


def pairs(name):
    return lambda v: [name] + [part for _ in range(v.pick(1, 1, 2, 3, 5)) for part in (v.key(), v.value())]


COMMANDS = {
    "GET": lambda v: ["GET", v.key()],
    "SET": set_,
    "SETNX": lambda v: ["SETNX", v.key(), v.value()],
    "SETEX": setex("SETEX"),
    "PSETEX": setex("PSETEX"),
    "GETSET": lambda v: ["GETSET", v.key(), v.value()],
    "GETDEL": lambda v: ["GETDEL", v.key()],
    "GETEX": getex,
    "MGET": lambda v: ["MGET"] + v.keys(),
    "MSET": pairs("MSET"),
    "MSETNX": pairs("MSETNX"),
    "APPEND": lambda v: ["APPEND", v.key(), v.value()],
    "STRLEN": lambda v: ["STRLEN", v.key()],
    "GETRANGE": lambda v: ["GETRANGE", v.key(), v.index(), v.index()],
    "SUBSTR": lambda v: ["SUBSTR", v.key(), v.index(), v.index()],
    "SETRANGE": lambda v: ["SETRANGE", v.key(), v.pick(v.index(), 0, 500, 536870912, 536870911 + 99999),
        v.value()],
    "INCR": lambda v: ["INCR", v.key()],
    "DECR": lambda v: ["DECR", v.key()],
    "INCRBY": lambda v: ["INCRBY", v.key(), v.integer()],
    "DECRBY": lambda v: ["DECRBY", v.key(), v.integer()],
    "INCRBYFLOAT": lambda v: ["INCRBYFLOAT", v.key(), v.float()],
    "LCS": lcs,
}

# Where kvd's limit on a value (64 MiB) and that of Redis (512 MiB) would tell them apart.
FORBIDDEN = range(60_000, 536_870_912)


def allowed(arguments):
    if arguments[0].upper() != b"SETRANGE" or len(arguments) < 3:
        return True
    try:
        return int(arguments[2]) not in FORBIDDEN
    except ValueError:
        return True

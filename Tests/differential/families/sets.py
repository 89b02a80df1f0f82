"""Sets."""

from history import Step

WEIGHT = 15
MEMBERS = [b"m1", b"m2", b"m3", b"m4", b"", b"\x00", b"\xff", b"long" * 100, b"1", b"-7", b"01", b"*"]


def member(v):
    return v.pick(*MEMBERS)


def members(v, most=4):
    return v.some(lambda: member(v), 1, most)


def sscan(v):
    options = v.options(["MATCH", v.pattern()])
    if v.maybe(0.6):
        count = [b"COUNT", b"%d" % v.pick(1, 2, 10, 1000)] if v.maybe(0.7) else []
        words = [word if isinstance(word, bytes) else word.encode() for word in options]
        return Step(0, (b"SSCAN", v.key(), b"0", *words, *count), cursor_at=2)
    return ["SSCAN", v.key(), v.pick(0, 0, 0, b"x", b"-1", b"")] + options + [
        "COUNT", v.pick(1000, 1000, 0, -1, b"x")]


def sintercard(v):
    keys = v.keys(1, 4)
    number = len(keys) if v.maybe(0.9) else v.integer(0.5)
    return ["SINTERCARD", number] + keys + v.options(
        ["LIMIT", v.pick(0, 1, 2, 100, -1, v.integer(0.5))], ["LIMIT"], ["FOO", 1])


def sort(v):
    def pattern():
        return v.pick(b"%s*" % v.key()[:2], b"*", b"%s*->f1" % v.key()[:1])

    # What is equal, and what is not to be sorted, has no order in Redis.
    order = v.pick([], [], [b"ALPHA"], [b"BY", pattern()])
    return [v.pick("SORT", "SORT", "SORT_RO"), v.key(), *order] + v.options(
        [v.pick("ASC", "DESC")], ["LIMIT", v.pick(0, 1, -1, 100), v.pick(0, 1, 2, -1, 100)],
        ["GET", v.pick(b"#", b"nothing", pattern())], ["LIMIT", 1], ["FOO"])


COMMANDS = {
    "SORT": sort,
    "SADD": lambda v: ["SADD", v.key()] + members(v, v.pick(2, 4, 12)),
    "SREM": lambda v: ["SREM", v.key()] + members(v),
    "SISMEMBER": lambda v: ["SISMEMBER", v.key(), member(v)],
    "SMISMEMBER": lambda v: ["SMISMEMBER", v.key()] + members(v),
    "SMEMBERS": lambda v: ["SMEMBERS", v.key()],
    "SCARD": lambda v: ["SCARD", v.key()],
    "SSCAN": sscan,
    # Which members a smaller count removes is chance, and the servers would no longer hold the same.
    "SPOP": lambda v: ["SPOP", v.key(), v.pick(0, 100, 100, 1000, -1, b"x", b"9223372036854775807")],
    "SRANDMEMBER": lambda v: ["SRANDMEMBER", v.key()] + v.pick(
        [], [v.pick(0, 1, 100, -3, v.integer(1))], [1, "FOO"]),
    "SMOVE": lambda v: ["SMOVE", v.key(), v.key(), member(v)],
    "SINTER": lambda v: ["SINTER"] + v.keys(1, 4),
    "SUNION": lambda v: ["SUNION"] + v.keys(1, 4),
    "SDIFF": lambda v: ["SDIFF"] + v.keys(1, 4),
    "SINTERSTORE": lambda v: ["SINTERSTORE", v.key()] + v.keys(1, 4),
    "SUNIONSTORE": lambda v: ["SUNIONSTORE", v.key()] + v.keys(1, 4),
    "SDIFFSTORE": lambda v: ["SDIFFSTORE", v.key()] + v.keys(1, 4),
    "SINTERCARD": sintercard,
}


def allowed(arguments):
    name = arguments[0].upper()
    # Which of two comes first is open where they are alike up to a zero byte.
    if name in (b"SORT", b"SORT_RO"):
        words = [word.upper() for word in arguments]
        return b"LIMIT" not in words or b"ALPHA" not in words
    # A negative count is answered with as many members as it says.
    if name == b"SRANDMEMBER" and len(arguments) > 2:
        return number(arguments[2], 0) > -1000
    if name == b"SPOP":
        return len(arguments) != 2 and (len(arguments) != 3 or not 0 < number(arguments[2], 0) < 100)
    return True


def number(argument, otherwise):
    try:
        return int(argument)
    except ValueError:
        return otherwise

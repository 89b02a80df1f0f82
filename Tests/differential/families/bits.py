"""Bits of strings."""

WEIGHT = 12
UNITS = ("BIT", "BYTE")
TYPES = (b"u1", b"u2", b"u7", b"u8", b"u16", b"u31", b"u32", b"u63", b"i1", b"i5", b"i8", b"i16", b"i32",
    b"i64")
ODD_TYPES = (b"u64", b"i65", b"u0", b"i0", b"x8", b"8", b"", b"u", b"i-1", b"u08", b"U8", b"I8", b"u8x")


def offset(v):
    return v.pick(0, 1, 7, 8, 15, 63, 100, 1000, v.integer(0.5), 4294967296, -1)


def bit(v):
    return v.pick(0, 1, 0, 1, 0, 1, 2, -1, b"", b"x", b"01")


def bit_range(v):
    arguments = v.pick([], [v.index()], [v.index(), v.index()], [v.index(), v.index()])
    if len(arguments) == 2 and v.maybe():
        arguments.append(v.pick(*UNITS, *UNITS, "WORD"))
    return arguments


def bitop(v):
    operation = v.pick("AND", "OR", "XOR", "NOT", "NAND")
    return ["BITOP", operation, v.key()] + v.keys(1, 1 if operation == "NOT" and v.maybe(0.8) else 4)


def field(v):
    """One operation of BITFIELD on its type and offset."""
    kind = v.pick(*TYPES) if v.maybe(0.92) else v.pick(*ODD_TYPES)
    where = v.pick(0, 1, 5, 8, 100, b"#0", b"#1", b"#3", b"#10", b"#", b"#-1", b"-1", b"x", 4294967296) \
        if v.maybe(0.9) else v.integer(0.9)
    return kind, where


def number(v):
    return v.pick(0, 1, -1, 127, 128, 255, 256, -128, -129, 65535, 2147483647, -2147483648, v.integer(0.4))


def bitfield(v):
    arguments = ["BITFIELD", v.key()]
    for _ in range(v.pick(0, 1, 1, 2, 3, 4)):
        arguments += v.pick(
            ["GET", *field(v)], ["SET", *field(v), number(v)], ["INCRBY", *field(v), number(v)],
            ["OVERFLOW", v.pick("WRAP", "SAT", "FAIL", "WRAP", "SAT", "FAIL", "NONE")])
    return arguments


def bitfield_ro(v):
    arguments = ["BITFIELD_RO", v.key()]
    for _ in range(v.pick(0, 1, 1, 2)):
        arguments += ["GET", *field(v)]
    if v.maybe(0.1):
        arguments += v.pick(["SET", b"u8", 0, 1], ["OVERFLOW", "SAT"])
    return arguments


COMMANDS = {
    "SETBIT": lambda v: ["SETBIT", v.key(), offset(v), bit(v)],
    "GETBIT": lambda v: ["GETBIT", v.key(), offset(v)],
    "BITCOUNT": lambda v: ["BITCOUNT", v.key()] + bit_range(v),
    "BITPOS": lambda v: ["BITPOS", v.key(), bit(v)] + bit_range(v),
    "BITOP": bitop,
    "BITFIELD": bitfield,
    "BITFIELD_RO": bitfield_ro,
}

# A bit there would make a value of megabytes, up to beyond kvd's limit on a value.
FORBIDDEN = range(100_000, 4_294_967_296)


def allowed(arguments):
    if arguments[0].upper() not in (b"SETBIT", b"BITFIELD"):
        return True
    for argument in arguments[2:]:
        try:
            value = int(argument.removeprefix(b"#"))
        except ValueError:
            continue
        if value in FORBIDDEN and (argument.startswith(b"#") or not _is_value(arguments, argument)):
            return False
        if argument.startswith(b"#") and value > 1000:
            return False
    return True


def _is_value(arguments, argument):
    """Large numbers are fine where they are the number that BITFIELD sets or adds."""
    places = [at for at, each in enumerate(arguments) if each is argument or each == argument]
    return arguments[0].upper() == b"BITFIELD" and all(
        at >= 3 and arguments[at - 3].upper() in (b"SET", b"INCRBY") for at in places)

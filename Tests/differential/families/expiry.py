"""Expiry. Nothing races the clock: a time is far away, past, or waited for before anything else is sent."""

from values import ODD_INTEGERS, Paused

WEIGHT = 12

# Long enough for both servers to have carried out what was sent before; then the wait is longer still.
SOON = 3
WAIT = 15
# 2100-01-01 and moments long past.
FAR_SECONDS = 4102444800
PAST = (1, 1000000000)
UNREADABLE = [number for number in ODD_INTEGERS if number not in (b"1", b"01")]


def soon(v, before, after=()):
    return WAIT, [*before, SOON, *after]


def relative(v):
    return v.pick(100, 1000, 100000, 0, -1, -100, v.pick(*UNREADABLE))


def far_milliseconds(v):
    return v.pick(100000, 1000000, 100000000, 0, -1, v.pick(*UNREADABLE))


def absolute(v, factor):
    return v.pick(FAR_SECONDS * factor, FAR_SECONDS * factor + 77, PAST[0], PAST[1] * factor, 0, -1,
        v.pick(*UNREADABLE))


def expiry_options(v, arguments, probability):
    """SET's and GETEX's options, if kvd has expiry at all."""
    if not v.has("pexpire") or not v.maybe(probability):
        return arguments
    if v.maybe(0.2):
        return Paused(*soon(v, arguments + ["PX"]))
    arguments += v.pick(
        ["EX", relative(v)], ["PX", far_milliseconds(v)], ["EXAT", absolute(v, 1)],
        ["PXAT", absolute(v, 1000)], ["PX"], ["EX", 100, "PX", 100000])
    return arguments


def condition(v):
    return v.options(["NX"], ["XX"], ["GT"], ["LT"]) if v.maybe(0.5) else []


def pexpire(v):
    if v.maybe(0.3):
        return Paused(*soon(v, ["PEXPIRE", v.key()], condition(v)))
    return ["PEXPIRE", v.key(), far_milliseconds(v)] + condition(v)


COMMANDS = {
    "EXPIRE": lambda v: ["EXPIRE", v.key(), relative(v)] + condition(v),
    "PEXPIRE": pexpire,
    "EXPIREAT": lambda v: ["EXPIREAT", v.key(), absolute(v, 1)] + condition(v),
    "PEXPIREAT": lambda v: ["PEXPIREAT", v.key(), absolute(v, 1000)] + condition(v),
    "TTL": lambda v: ["TTL", v.key()],
    "PTTL": lambda v: ["PTTL", v.key()],
    "EXPIRETIME": lambda v: ["EXPIRETIME", v.key()],
    "PEXPIRETIME": lambda v: ["PEXPIRETIME", v.key()],
    "PERSIST": lambda v: ["PERSIST", v.key()],
}


def allowed(arguments):
    """No spoiled command asks for a time that comes while the history is played."""
    for argument in arguments[2:]:
        try:
            number = int(argument)
        except ValueError:
            continue
        limit = 60_000 if arguments[0].upper().startswith(b"P") else 60
        if 0 < number < limit and number not in (SOON, *PAST):
            return False
        if number == SOON and (not arguments[0].upper().startswith(b"P") or len(arguments) < 3):
            return False
    return True

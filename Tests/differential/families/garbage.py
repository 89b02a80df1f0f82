"""What is hardly the protocol: malformed RESP, lines, wrong lengths, unknown commands."""

from history import Step
from wire import encode

WEIGHT = 4

FRAGMENTS = [
    b"PING\r\n", b"PING\n", b"\r\n", b"\n", b"   \r\n", b"ping  \t \r\n", b"SET raw 1\r\nGET raw\r\n",
    b"*0\r\n", b"*-1\r\n",
    b'SET raw "a b\\x41\\n\\"c"\r\nGET raw\r\n', b"SET raw 'it\\'s'\r\nGET raw\r\n", b'ECHO "x"y\r\n',
    b"ECHO 'x'y\r\n",
    b'ECHO "x\r\n', b"ECHO 'x\r\n", b'ECHO x"y z"\r\n', b'ECHO ""\r\n', b'ECHO "\\xzz"\r\n',
    b"ECHO \x01\xff\r\n",
    b"*x\r\n", b"*\r\n", b"*+1\r\n", b"*01\r\n", b"* 1\r\n", b"*1 \r\n", b"*-5\r\n", b"*99999999999\r\n",
    b"*1048577\r\n",
    b"*2147483648\r\n", b"*1\r\nPING\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$x\r\n", b"*1\r\n$\r\n",
    b"*1\r\n$+4\r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$999999999999\r\n", b"*1\r\n$536870913\r\n",
    b"*2\r\n$3\r\nGET\r\n:1\r\n",
    b"*1\r\n$4\r\nPINGxx", b"*1\r\n$4\r\nPI\r\n\r\n", b"*1\r\n$0\r\n\r\n", b"*1\n$4\nPING\n",
    b"$4\r\nPING\r\n", b"+PING\r\n",
    b":1\r\n", b"-ERR\r\n", b"%1\r\n", b"_\r\n", b"*1\r\n*1\r\n$4\r\nPING\r\n",
    b"*2\r\n$4\r\nECHO\r\n$5\r\na\r\nbc\r\n",
    b"GET\r\n", b"get a b\r\n", b"\x7f\r\n", b"*3\r\n$3\r\nSET\r\n$3\r\nraw\r\n$0\r\n\r\n",
    b"nosuch 'a b' c\r\n",
    b"*1\r\n$4\r\nQUIT\r\n", b"QUIT\r\n", b"*1\r\n$", b"*1\r\n", b"*", b"PIN",
]


def raw(v):
    # Without zero bytes: Redis looks for the end of a line only as far as the first.
    parts = v.some(lambda: v.pick(*FRAGMENTS), 1, 4)
    data = b"".join(parts)
    if v.maybe(0.15):
        at = v.chance.randrange(len(data))
        data = data[:at] + v.chance.randbytes(v.pick(0, 1, 2)).replace(b"\0", b"") + data[at + 1:]
    if v.maybe(0.1):
        data = bytes([v.pick(*b"*$+-x\"'")]) * v.pick(1, 3, 100)
    return Step(0, raw=data)


def long(v):
    """Lines and counts up to and far beyond 64 KiB, which nobody sends in earnest."""
    return Step(0, raw=v.pick(b"", b"*", b"*1\r\n$", b"ECHO ") + v.pick(b"1", b"x") * v.pick(1000,
        60_000, 300_000))


def unknown(v):
    name = v.pick(b"nosuch", b"", b"GETT", b"x" * 200, b"a\r\nb", b"\xff\x00", b"get ", b"client|id",
        b"'", b"%s%d")
    return [name] + v.some(v.value, 0, 4)


COMMANDS = {"PING": raw, "ECHO": unknown, "GET": lambda v: raw(v) if v.maybe(0.9) else long(v)}

"""Keys, values, numbers and patterns: mostly plain, at times as odd as they come."""

KEYS = [b"a", b"b", b"c", b"k1", b"k2", b"{t}x", b"{t}y", b"n"]
ODD_KEYS = [
    b"", b"\x00", b"\x00\x01x", b"\xff\xfe", b"with space", b"quo\"te'", b"long" * 125, b"\r\n", b"*",
    b"1", b"{}", b"{a", b"A",
]
INTEGERS = [0, 1, -1, 2, 3, 7, 8, 10, -10, 100, 255, 1000]
ODD_INTEGERS = [
    b"2147483647", b"2147483648", b"-2147483648", b"4294967295", b"4294967296",
    b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808",
    b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616",
    b"99999999999999999999999999", b"abc", b"", b" 1", b"1 ", b"+1", b"01", b"-0", b"00", b"1.0", b"1.5",
    b"0x10", b"1e3", b"nan", b"inf", b"1\x00", b"-", b"--1", b"1\n",
]
FLOATS = [
    b"0", b"1", b"-1", b"1.5", b"-2.25", b"0.1", b"3.0", b"10.50", b"1e3", b"5.0e3", b"1e-3",
    b"100000000000",
]
ODD_FLOATS = [
    b"-0.0", b"1e400", b"-1e400", b"1e-400", b"nan", b"-nan", b"inf", b"-inf", b"+inf", b"infinity",
    b"0x1p3", b"0x10", b"1e-10", b"3.0e17", b"+1.5", b" 1", b"1 ", b"", b"abc", b"1.2.3", b"1,5", b".5",
    b"5.",
    b"1.7976931348623157e308", b"4.9e-324", b"123456789012345678901234567890", b"0.30000000000000004",
    b"1e4932", b"-", b"1e", b"1\x00", b"9007199254740993", b"9223372036854775807", b"1e17", b"1e21",
]
PATTERNS = [
    b"*", b"?", b"a*", b"k?", b"[a-c]", b"[^a]", b"\\*", b"{t}*", b"*1", b"[", b"[a", b"[]", b"a\\",
        b"**", b"",
    b"[c-a]", b"k[0-9]", b"*\xfe", b"[\\]]", b"?*?",
]


class Values:
    def __init__(self, chance, has):
        self.chance = chance
        self.has = has

    def maybe(self, probability=0.5):
        return self.chance.random() < probability

    def pick(self, *choices):
        return self.chance.choice(choices)

    def some(self, make, least=1, most=4):
        """A list of several of the same kind."""
        return [make() for _ in range(self.chance.randint(least, most))]

    def key(self):
        return self.chance.choice(ODD_KEYS if self.maybe(0.08) else KEYS)

    def keys(self, least=1, most=4):
        return self.some(self.key, least, most)

    def integer(self, odd=0.15):
        """An integer as an argument, not always one that can be read."""
        if self.maybe(odd):
            return self.chance.choice(ODD_INTEGERS)
        return self.chance.choice(INTEGERS)

    def index(self):
        """A position in a short string, from either end, or far outside."""
        if self.maybe(0.08):
            return self.chance.choice(ODD_INTEGERS)
        return self.chance.randint(-15, 15)

    def float(self, odd=0.2):
        return self.chance.choice(ODD_FLOATS if self.maybe(odd) else FLOATS)

    def value(self):
        way = self.chance.randrange(10)
        if way < 3:
            return self.chance.choice((b"0", b"1", b"10", b"-5", b"3.5", b"hello", b"world", b"foobar"))
        if way < 5:
            return bytes(self.chance.choices(b"abcdef", k=self.chance.randint(1, 24)))
        if way == 5:
            return self.chance.randbytes(self.chance.randint(1, 40))
        if way == 6:
            return self.chance.choice((b"", b"\x00", b"\xff" * 9, b"a\r\nb", b"\x00" * 20))
        if way == 7:
            return self.chance.choice(ODD_INTEGERS)
        if way == 8:
            return self.chance.choice(ODD_FLOATS + FLOATS)
        return bytes([self.chance.randrange(256)]) * self.chance.choice((43, 44, 45, 300, 2000))

    def pattern(self):
        return self.chance.choice(PATTERNS)

    def odd(self):
        """Anything that may be in a place where it does not belong."""
        return self.pick(self.key, self.value, self.float, self.pattern, lambda: self.integer(0.8))()

    def options(self, *choices):
        """Some of the choices, each a list of arguments, in any order."""
        chosen = [choice for choice in choices if self.maybe(0.3)]
        self.chance.shuffle(chosen)
        return [argument for choice in chosen for argument in choice]


class Paused(list):
    """Arguments of a command, after whose reply is waited: what it made to expire has expired then."""

    def __init__(self, pause_milliseconds, arguments):
        super().__init__(arguments)
        self.pause_milliseconds = pause_milliseconds

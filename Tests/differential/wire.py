"""RESP as bytes: requests are written, replies are cut out of a stream and, where they differ, read."""


class Garbled(Exception):
    """What came from a server is no reply at all."""


def encode(arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


def end_of_reply(data, at):
    """The offset behind the reply that begins at `at`, or None if it is not all there yet."""
    pending = 1
    while pending:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        kind = data[at:at + 1]
        pending -= 1
        if kind in (b"+", b"-", b":", b"_", b",", b"#", b"("):
            at = line_end + 2
            continue
        try:
            count = int(data[at + 1:line_end])
        except ValueError:
            raise Garbled(f"no reply begins with {bytes(data[at:at + 40])!r}") from None
        at = line_end + 2
        if kind in (b"$", b"=", b"!"):
            if count >= 0:
                at += count + 2
            if at > len(data):
                return None
        elif kind in (b"*", b"~", b">"):
            pending += max(0, count)
        elif kind == b"%":
            pending += 2 * count
        elif kind == b"|":
            pending += 2 * count + 1
        else:
            raise Garbled(f"no reply begins with {bytes(data[at - 20:at])!r}")
    return at


def elements(reply):
    """The bytes of each element of an array, set or map (keys and values alike); None of others."""
    if reply[:1] not in (b"*", b"~", b"%", b">"):
        return None
    line_end = reply.index(b"\r\n")
    at = line_end + 2
    found = []
    while at < len(reply):
        end = end_of_reply(reply, at)
        found.append(reply[at:end])
        at = end
    return found


def text(reply):
    """The bytes of a string of any kind, or None."""
    kind = reply[:1]
    if kind in (b"+", b"-", b":", b","):
        return reply[1:-2]
    if kind in (b"$", b"=") and not reply.startswith(b"$-1"):
        return reply[reply.index(b"\r\n") + 2:-2][4 if kind == b"=" else 0:]
    return None


def number(reply):
    """The value of an integer reply, or of a string that is one; None of others."""
    try:
        return int(text(reply))
    except (TypeError, ValueError):
        return None


def quoted(argument):
    """An argument as redis-cli reads it."""
    if argument and all(byte in _PLAIN for byte in argument):
        return argument.decode()
    special = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
    return '"' + "".join(
        special.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in argument
    ) + '"'


_PLAIN = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+*#@~>%{}[]/")

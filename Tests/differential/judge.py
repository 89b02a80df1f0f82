"""Whether two replies say the same, given the written list of intended differences."""

import collections
import os
import re
import tomllib

import wire

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.toml")


class Rule:
    """One intended difference: for which commands it holds, and in which view replies are compared."""

    def __init__(self, entry):
        self.words = tuple(entry["command"].split())
        self.where = re.compile(entry["where"], re.IGNORECASE) if "where" in entry else None
        self.reason = entry["reason"]
        self.tolerance = entry.get("tolerance")
        self.parts = entry.get("parts", False)
        self.is_open = entry.get("open", False)
        self.view = VIEWS[entry["as"]] if "as" in entry else None
        self.pair = None
        if "redis" in entry:
            self.pair = tuple(
                re.compile(entry[side].encode(), re.DOTALL) for side in ("redis", "kvd"))
        self.use_count = 0

    def applies(self, step):
        if self.words != ("*",) and step.words()[:len(self.words)] != self.words:
            return False
        return self.where is None or bool(self.where.search(str(step)))

    def allows(self, redis, kvd):
        if self.pair:
            return bool(self.pair[0].fullmatch(redis) and self.pair[1].fullmatch(kvd))
        if self.tolerance is not None:
            values = wire.number(redis), wire.number(kvd)
            return (redis[:1] == kvd[:1] and None not in values
                    and min(values) >= 0 and abs(values[0] - values[1]) <= self.tolerance)
        return redis[:1] == kvd[:1] and self.view(redis, kvd)


class Judge:
    """`strict` leaves out what is only allowed until it is mended."""

    def __init__(self, strict=False):
        with open(LIST, "rb") as file:
            rules = [Rule(entry) for entry in tomllib.load(file)["difference"]]
        # Whether, as intended, the servers no longer hold the same.
        self.has_parted = False
        self.rules = [rule for rule in rules if not (strict and rule.is_open)]

    def allow(self, step, redis, kvd):
        """Whether the two replies to a step are the same, or differ as intended."""
        if redis == kvd:
            return True
        for rule in self.rules:
            if rule.applies(step) and rule.allows(redis, kvd):
                rule.use_count += 1
                self.has_parted = self.has_parted or rule.parts
                return True
        return False

    def allow_all(self, steps, redis, kvd):
        """The same for the reply of EXEC, whose elements answer the steps that were queued."""
        if redis == kvd:
            return True
        both = wire.elements(redis), wire.elements(kvd)
        if None in both or not len(both[0]) == len(both[1]) == len(steps):
            return False
        return redis[:1] == kvd[:1] and all(map(self.allow, steps, *both))


def unordered(redis, kvd):
    """The elements in any order."""
    both = wire.elements(redis), wire.elements(kvd)
    return None not in both and collections.Counter(both[0]) == collections.Counter(both[1])


def unordered_pairs(redis, kvd):
    """Keys and values, flat or as a map, in any order."""
    both = [wire.elements(reply) for reply in (redis, kvd)]
    if None in both:
        return False
    pairs = [collections.Counter(zip(each[::2], each[1::2])) for each in both]
    return len(both[0]) == len(both[1]) and pairs[0] == pairs[1]


def sorted_through(redis, kvd):
    """Aggregates in any order, and those in them."""
    def canonical(reply):
        parts = wire.elements(reply)
        if parts is None:
            return reply
        parts = list(map(canonical, parts))
        if reply[:1] == b"%":
            parts = [b"".join(pair) for pair in zip(parts[::2], parts[1::2])]
        return reply[:reply.index(b"\r\n")] + b"".join(sorted(parts))

    return canonical(redis) == canonical(kvd)


def same_words(redis, kvd):
    return sorted(redis.split()) == sorted(kvd.split())


def page(redis, kvd):
    """What a call of SCAN returned, if both have come to the end."""
    both = wire.elements(redis), wire.elements(kvd)
    if None in both or len(both[0]) != 2 or len(both[1]) != 2:
        return False
    return both[0][0] == both[1][0] and unordered(both[0][1], both[1][1])


def same_kind(redis, kvd):
    """The same kind of reply, null being a kind of its own."""
    null = (b"$-1", b"*-1", b"_")
    return redis.startswith(null) == kvd.startswith(null)


def same_shape(redis, kvd):
    """Aggregates of the same size whose elements are of the same kinds."""
    both = wire.elements(redis), wire.elements(kvd)
    if both == (None, None):
        return same_kind(redis, kvd)
    return (None not in both and len(both[0]) == len(both[1])
            and all(a[:1] == b[:1] and same_shape(a, b) for a, b in zip(*both)))


def known_names(redis, kvd):
    """A map, or pairs in an array: kvd tells no name that Redis does not."""
    both = wire.elements(redis), wire.elements(kvd)
    return None not in both and set(both[1][::2]) <= set(both[0][::2])


def known_sections(redis, kvd):
    """The text of INFO: kvd has no section or field of Redis's that is not Redis's; `# Kvd` is its own."""
    later = {b"# Stats client_query_buffer_limit_disconnections",
             b"# Stats client_output_buffer_limit_disconnections"}  # of Redis 7.2
    return _fields_of_info(kvd) <= _fields_of_info(redis) | later


def _fields_of_info(reply):
    found = set()
    section = b""
    for line in (wire.text(reply) or b"").split(b"\r\n"):
        if line.startswith(b"# "):
            section = line
            found.add(line)
        elif line and not re.match(rb"db\d+:|kvd_", line):
            found.add(section + b" " + line.partition(b":")[0])
    return {field for field in found if not field.lower().startswith(b"# kvd")}


def known_fields(redis, kvd):
    """Lines of `name=value name=value`: as many lines, and no name that Redis does not have."""
    lines = [(wire.text(reply) or b"").split(b"\n") for reply in (redis, kvd)]
    names = [{field.partition(b"=")[0] for line in each for field in line.split()} for each in lines]
    later = {b"lib-name", b"lib-ver"}  # of Redis 7.2
    return len(lines[0]) == len(lines[1]) and names[1] <= names[0] | later


VIEWS = {
    "unordered": unordered, "sorted": sorted_through, "unordered pairs": unordered_pairs, "page": page,
    "words": same_words, "kind": same_kind, "shape": same_shape, "known names": known_names, "known sections": known_sections,
    "known fields": known_fields,
}

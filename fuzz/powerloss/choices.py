"""What a crash does to each write that was not synced: at random, or as told.

A choice is known by its key: path, kind, time of the call, offset and length (or the names), followed for a
torn write by the sector's first and last byte, and by "length" for the length that the sector gives the file.
The set of keys that a crash did away with, `lost`, makes the same image of the same trace again.
"""


class Chance:
    """At random. How kind a crash is goes from losing everything to keeping everything."""

    def __init__(self, random):
        self.random = random
        self.lost = set()
        self.keeping = random.choice([0.0, 0.1, 0.5, 0.5, 0.9, 1.0])
        self.tearing = random.choice([0.0, 0.3, 1.0])
        self.ordered_names = random.random() < 0.5
        self.is_mixed = random.random() < 0.5
        self.has_lost_a_name = False

    def turn_to_folder(self):
        self.has_lost_a_name = False

    def turn_to_file(self):
        """The disk may keep all of one file and nothing of another."""
        if self.is_mixed:
            self.keeping = self.random.choice([0.0, 0.1, 0.5, 0.9, 1.0])
            self.tearing = self.random.choice([0.0, 0.3, 1.0])

    def keeps(self, *key):
        if self.random.random() < self.keeping:
            return True
        self.lost.add(key)
        return False

    def keeps_name(self, key):
        """File systems with a journal lose the changes of a folder from some change on, others any of them."""
        if not (self.ordered_names and self.has_lost_a_name) and self.keeps(key):
            return True
        self.lost.add((key,))
        self.has_lost_a_name = True
        return False

    def tears(self, key):
        # A write of a whole segment has too many sectors to decide each.
        return key[-1] <= 1 << 18 and self.random.random() < self.tearing


class Told:
    """Loses what is in `lost`, and keeps everything else."""

    def __init__(self, lost):
        self.lost = set(lost)
        self.torn = {key[0] for key in lost if len(key) > 1}

    def turn_to_folder(self):
        pass

    turn_to_file = turn_to_folder

    def keeps(self, *key):
        return key not in self.lost

    def keeps_name(self, key):
        return self.keeps(key)

    def tears(self, key):
        return key in self.torn


def describe(lost, time):
    """A line for each write that lost something, in the order of their calls."""
    writes = {}
    for key in lost:
        writes.setdefault(key[0], []).append(key[1:])
    for key in sorted(writes, key=lambda key: key[2]):
        path, kind, start, offset, what = key
        before = f"{(time - start) / 1e6:.3f} ms before the crash"
        if kind == "names":
            yield f"{path or '.'}: the change of the name {' to '.join(what)}, {before}: not there"
        elif kind == "size":
            yield f"{path}: the length {what}, {before}: not there"
        else:
            name = f"{path}: the write of {what} bytes at {offset}, {before}"
            parts = sorted((part for part in writes[key] if part), key=lambda part: (len(part), part))
            if not parts:
                yield f"{name}: not there"
            for is_length in (False, True):
                for low, high in runs(part[:2] for part in parts if (len(part) == 3) == is_length):
                    yield f"{name}: {'length of ' if is_length else ''}bytes {low}..<{high} not there"


def runs(ranges):
    """Ranges that touch, as one."""
    joined = []
    for low, high in ranges:
        if joined and joined[-1][1] == low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined

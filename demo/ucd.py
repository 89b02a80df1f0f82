"""The Unicode Character Database as records with index entries.

Formats: Unicode Standard Annex #44. UnicodeData.txt has one line of 15 fields a code point, or two
lines (`First`, `Last`) for a range; Scripts.txt and Blocks.txt have ranges, and `#` starts a comment.
"""

import os

# The Unicode Standard, section 3.12: short names of the conjoining jamo.
LEADING = "G GG N D DD R M B BB S SS  J JJ C K T P H".split(" ")
VOWEL = "A AE YA YAE EO E YEO YE O WA WAE OE YO U WEO WE WI YU EU YI I".split(" ")
TRAILING = " G GG GS N NJ NH D L LG LM LB LS LT LP LH M B BS S SS NG J C K T P H".split(" ")

# What a range of UnicodeData.txt stands for when its members are characters with names of their own
# (section 4.8); surrogates and private use are not, and stay one record a range.
NAME_RULES = {
    "CJK Ideograph": "CJK UNIFIED IDEOGRAPH-",
    "Tangut Ideograph": "TANGUT IDEOGRAPH-",
    "Hangul Syllable": None,
}


class Ranges:
    """Sorted, disjoint ranges of code points with a value each."""

    def __init__(self, path, default):
        self.default = default
        self.items = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                content = line.partition("#")[0].strip()
                if content:
                    points, value = (part.strip() for part in content.split(";"))
                    first, _, last = points.partition("..")
                    self.items.append((int(first, 16), int(last or first, 16), value))
        self.items.sort()
        self.at = 0

    def value(self, point):
        """The value at `point`. Calls must come in rising order of `point`: one pass over both."""
        while self.at < len(self.items) and self.items[self.at][1] < point:
            self.at += 1
        if self.at < len(self.items) and self.items[self.at][0] <= point:
            return self.items[self.at][2]
        return self.default


def hangul_name(point):
    index = point - 0xAC00
    leading, vowel, trailing = index // 588, index % 588 // 28, index % 28
    return f"HANGUL SYLLABLE {LEADING[leading]}{VOWEL[vowel]}{TRAILING[trailing]}"


def rows(path):
    """(identifier, first code point, fields) for every record, in order."""
    with open(path, encoding="utf-8") as lines:
        first = None
        for line in lines:
            fields = line.rstrip("\n").split(";")
            point, name = int(fields[0], 16), fields[1]
            if name.endswith(", First>"):
                first = point
            elif name.endswith(", Last>"):
                label = name[1:].removesuffix(", Last>")
                yield from members(label, first, point, fields)
            else:
                if name == "<control>":
                    fields[1] = f"<control-{fields[0]}>"
                yield f"{point:06X}", point, fields


def members(label, first, last, fields):
    rule = next((rule for rule in NAME_RULES if label.startswith(rule)), None)
    if rule is None:
        yield f"{first:06X}-{last:06X}", first, [f"{first:04X}..{last:04X}", f"<{label}>", *fields[2:]]
        return
    for point in range(first, last + 1):
        prefix = NAME_RULES[rule]
        name = f"{prefix}{point:04X}" if prefix else hangul_name(point)
        yield f"{point:06X}", point, [f"{point:04X}", name, *fields[2:]]


def load(directory):
    """One list of (key, value) a character: its record, then its index entries.

    The index entries of one character have nothing in common that would put them into one partition.
    """
    scripts = Ranges(os.path.join(directory, "Scripts.txt"), "Unknown")
    blocks = Ranges(os.path.join(directory, "Blocks.txt"), "No_Block")
    characters = []
    for identifier, point, fields in rows(os.path.join(directory, "UnicodeData.txt")):
        name, category = fields[1], fields[2]
        script, block = scripts.value(point), blocks.value(point)
        record = ";".join([*fields, script, block])
        characters.append([
            (f"char:{identifier}".encode(), record.encode()),
            (f"name:{name}".encode(), identifier.encode()),
            (f"script:{script}:{identifier}".encode(), b""),
            (f"category:{category}:{identifier}".encode(), b""),
            (f"block:{block}:{identifier}".encode(), b""),
        ])
    return characters

"""Which of Redis's commands were sent, how often, and how many different answers they gave."""

import collections
import hashlib

import wire


class Coverage:
    def __init__(self, redis):
        """Asks the real server which commands and subcommands there are."""
        self.names = sorted(wire.text(name).decode() for name in wire.elements(redis.ask(b"COMMAND",
            b"LIST")))
        self.known = set(self.names)
        self.counts = collections.Counter()
        self.replies = collections.defaultdict(set)
        self.errors = collections.defaultdict(set)

    def count(self, step, reply):
        words = [word.lower() for word in step.words()]
        name = "|".join(words) if "|".join(words) in self.known else words[0]
        if name not in self.known:
            name = "(raw bytes)" if step.raw is not None else "(unknown)"
        self.counts[name] += 1
        if reply[:1] == b"-":
            self.errors[name].add(reply)
        else:
            self.replies[name].add(hashlib.blake2b(reply, digest_size=8).digest())

    def report(self, has):
        """A table with a line for each command of the real server, and what kvd lacks."""
        here = [name for name in self.names if has(name)]
        lines = [f"{'command':24} {'sent':>8} {'replies':>8} {'errors':>8}"]
        for name in ["(raw bytes)", "(unknown)"] + here:
            lines.append(f"{name:24} {self.counts[name]:8} {len(self.replies[name]):8} "
                         f"{len(self.errors[name]):8}" + ("" if self.counts[name] else "  never sent"))
        missing = [name for name in self.names if name not in here]
        lines.append(f"not in kvd ({len(missing)}): " + " ".join(missing))
        unsent = [name for name in here if not self.counts[name]]
        lines.append(f"{len(self.names)} commands and subcommands of Redis, {len(here)} of them in kvd, "
                     f"{len(unsent)} of those never sent, {sum(self.counts.values())} requests")
        return "\n".join(lines)

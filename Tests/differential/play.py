"""Plays a history on both servers at once and compares every reply, and then what is stored."""

import dataclasses
import time

import servers
import state
import wire
from history import Step


@dataclasses.dataclass
class Difference:
    at: int
    step: Step
    redis: bytes
    kvd: bytes

    def signature(self):
        """What makes it the same as another: the command and how the replies begin."""
        def outline(reply):
            digits = bytes(0x23 if 0x30 <= byte <= 0x39 else byte for byte in reply[:60])
            return digits if reply[:1] == b"-" else digits[:1]
        return self.step.words()[:1], outline(self.redis), outline(self.kvd)


class Player:
    def __init__(self, redis, kvd, judge, coverage=None):
        self.sides = redis, kvd
        self.judge = judge
        self.coverage = coverage

    def play(self, steps):
        """The first difference, or None."""
        self.queued = {}
        self.judge.has_parted = False
        self.owed_pause = {}
        for side in self.sides:
            side.tells_identities = any(
                b"{id:" in argument for step in steps for argument in step.arguments)
            side.clear()
        at = 0
        while at < len(steps):
            end = at + 1
            if self._is_plain(steps[at]):
                while end < len(steps) and self._joins(steps[end], steps[at]):
                    end += 1
                difference = self._play_group(at, steps[at:end])
            elif steps[at].raw is not None:
                difference = self._play_raw(at, steps[at])
            else:
                difference = self._play_scan(at, steps[at])
            if difference or self.judge.has_parted:
                return difference
            at = end
        return self._compare_state(len(steps))

    @staticmethod
    def _is_plain(step):
        return step.raw is None and step.cursor_at is None

    def _joins(self, step, first):
        return step.joined and self._is_plain(step) and step.connection == first.connection

    def _play_group(self, at, group):
        connection = group[0].connection
        for side in self.sides:
            side.send(connection, group)
        redis = self.sides[0].links[connection].replies(len(group))
        try:
            kvd = self.sides[1].links[connection].replies(len(group))
        except (servers.Unanswered, wire.Garbled) as failure:
            return Difference(at, group[-1], b" ".join(redis), str(failure).encode())
        pause = 0
        for index, step in enumerate(group):
            replies = [
                side[index] if index < len(side) else b"(closed)" for side in (redis, kvd)]
            if self.coverage:
                self.coverage.count(step, replies[0])
            if not self._allow(connection, step, *replies):
                return Difference(at + index, step, *replies)
            if self.judge.has_parted:
                return None
            pause = max(pause, self._pause_after(connection, step, replies[0]))
            if replies[0] == b"(closed)":
                break
        closed = [side.links[connection].is_closed for side in self.sides]
        if any(closed):
            self._forget(connection)
        if pause:
            time.sleep(pause / 1000)
            # Redis counts keys that have expired until it meets them; SCAN meets them all.
            self.sides[0].ask(b"SCAN", b"0", b"COUNT", b"100000")
        return None

    def _allow(self, connection, step, redis, kvd):
        name = step.words()[:1]
        queued = self.queued.setdefault(connection, [])
        if name == ("EXEC",):
            allowed = self.judge.allow_all(queued, redis, kvd) or self.judge.allow(step, redis, kvd)
        else:
            allowed = self.judge.allow(step, redis, kvd)
        if redis == b"+QUEUED\r\n":
            queued.append(step)
        elif name in (("EXEC",), ("DISCARD",), ("RESET",)):
            queued.clear()
        return allowed

    def _pause_after(self, connection, step, reply):
        owed = self.owed_pause.get(connection, 0)
        if reply == b"+QUEUED\r\n":
            self.owed_pause[connection] = max(owed, step.pause_milliseconds)
            return 0
        if step.words()[:1] == ("EXEC",):
            self.owed_pause[connection] = 0
            return max(owed, step.pause_milliseconds)
        return step.pause_milliseconds

    def _forget(self, connection):
        """A connection that one server has closed is opened again on both."""
        self.queued.pop(connection, None)
        self.owed_pause.pop(connection, None)
        for side in self.sides:
            side.close(connection)

    def _play_raw(self, at, step):
        data = step.raw + wire.encode([b"ECHO", servers.TOKEN])
        found = []
        for side in self.sides:
            side.close(step.connection)
            side.link(step.connection).send(data)
        for side in self.sides:
            found.append(side.link(step.connection).until_silent())
            side.close(step.connection)
        (redis, redis_closed), (kvd, kvd_closed) = found
        if self.coverage:
            self.coverage.count(step, redis)
        # A connection that is reset may lose what was on its way.
        lost = redis_closed and kvd_closed and (redis.startswith(kvd) or kvd.startswith(redis))
        if (redis == kvd and redis_closed == kvd_closed) or lost:
            return None
        if redis_closed == kvd_closed and self.judge.allow(step, redis, kvd):
            return None
        return Difference(
            at, step, redis + (b"(closed)" if redis_closed else b""),
            kvd + (b"(closed)" if kvd_closed else b""))

    def _play_scan(self, at, step):
        found = []
        for side in self.sides:
            seen = set()
            cursor = step.arguments[step.cursor_at]
            reply = b""
            for _ in range(1000):
                arguments = list(step.arguments)
                arguments[step.cursor_at] = cursor
                link = side.link(step.connection)
                link.send(wire.encode(arguments))
                reply = b"".join(link.replies(1))
                parts = wire.elements(reply)
                if reply == b"+QUEUED\r\n" and side is self.sides[0]:
                    self.queued.setdefault(step.connection, []).append(step)
                if not parts or len(parts) != 2:
                    break
                seen.update(self._units(step, wire.elements(parts[1])))
                cursor = wire.text(parts[0])
                if cursor == b"0":
                    reply = b""
                    break
            found.append((reply, sorted(seen)))
            if self.coverage and side is self.sides[0]:
                self.coverage.count(step, reply or repr(sorted(seen)).encode())
        if found[0] == found[1] or (
                found[0][0] and found[1][0] and self.judge.allow(step, found[0][0], found[1][0])):
            return None
        return Difference(at, step, *(repr(each).encode() for each in found))

    @staticmethod
    def _units(step, elements):
        """HSCAN returns pairs, SCAN single keys."""
        if step.words()[0] == "SCAN" or step.words()[0] == "SSCAN":
            return elements
        return [pair[0] + pair[1] for pair in zip(elements[::2], elements[1::2])]

    def _compare_state(self, at):
        redis, kvd = (state.of(side) for side in self.sides)
        wrong = state.first_difference(redis, kvd)
        if wrong is None:
            return None
        return Difference(at, Step(0, (b"the state at the end, key", wrong[0])), *wrong[1:])

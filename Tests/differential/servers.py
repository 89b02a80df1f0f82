"""The two servers side by side, and connections that exist on both."""

import select
import socket
import time

import daemon as server
import wire

PATIENCE_SECONDS = 10
# How long raw bytes may stay unanswered until they count as unanswered.
SILENCE_SECONDS = 0.06
# Stands behind raw bytes, and shows in the replies where the server has come so far.
TOKEN = b"the end of what was sent raw"


class Unanswered(Exception):
    """A server did not send the replies it owes."""


class Link:
    """A connection to one server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.is_closed = False
        self.greeting = []

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.is_closed = True

    def replies(self, count):
        """The next replies, fewer if the server closes the connection."""
        found = []
        at = 0
        while len(found) < count:
            end = wire.end_of_reply(self.buffer, at) if at < len(self.buffer) else None
            if end is not None:
                found.append(bytes(self.buffer[at:end]))
                at = end
            elif not self._receive():
                break
        del self.buffer[:at]
        return found

    def _receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            raise Unanswered(f"no reply within {PATIENCE_SECONDS} s") from None
        except OSError:
            data = b""
        self.buffer += data
        self.is_closed = self.is_closed or not data
        return bool(data)

    def until_silent(self):
        """All that comes until the token is echoed, the connection ends or nothing comes any more."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while TOKEN not in self.buffer and time.monotonic() < limit:
            if not select.select([self.socket], [], [], SILENCE_SECONDS)[0] or not self._receive():
                break
        return bytes(self.buffer), self.is_closed

    def close(self):
        self.socket.close()


class Side:
    """One server, its daemon and its links by number."""

    def __init__(self, name, command, data):
        self.name = name
        self.daemon = server.Daemon(command, data)
        self.daemon.start()
        self.links = {}
        # Set where a history speaks of connections by their identity.
        self.tells_identities = False
        self.referee = Link(self.daemon.port)

    def link(self, number):
        if number not in self.links or self.links[number].is_closed:
            self.close(number)
            self.links[number] = Link(self.daemon.port)
            if self.tells_identities:
                self.links[number].send(wire.encode([b"CLIENT", b"ID"]))
                self.links[number].greeting = self.links[number].replies(1)
        return self.links[number]

    def identity(self, number):
        """What CLIENT ID said when the link was opened."""
        replies = self.link(number).greeting
        return b"%d" % (wire.number(replies[0]) or 0) if replies else b"0"

    def filled_in(self, argument):
        """An argument with `{id:2}` replaced by the identity that connection 2 has here."""
        if b"{id:" not in argument:
            return argument
        before, _, rest = argument.partition(b"{id:")
        connection, _, after = rest.partition(b"}")
        return before + self.identity(int(connection)) + after

    def send(self, number, steps):
        data = b"".join(
            wire.encode([self.filled_in(argument) for argument in step.arguments]) for step in steps)
        self.link(number).send(data)

    def ask(self, *arguments):
        """A reply outside of all histories."""
        self.referee.send(wire.encode(arguments))
        replies = self.referee.replies(1)
        if not replies:
            raise Unanswered(f"{self.name} closed the referee's connection")
        return replies[0]

    def ask_all(self, commands):
        self.referee.send(b"".join(map(wire.encode, commands)))
        replies = self.referee.replies(len(commands))
        if len(replies) < len(commands):
            raise Unanswered(f"{self.name} closed the referee's connection")
        return replies

    def close(self, number):
        link = self.links.pop(number, None)
        if link is not None:
            link.close()

    def clear(self):
        """Nothing is left of the history before."""
        for number in list(self.links):
            self.close(number)
        # Redis has keys that have expired until it meets them; SCAN meets them all.
        self.ask(b"SCAN", b"0", b"COUNT", b"100000")
        keys = wire.elements(self.ask(b"KEYS", b"*"))
        if keys:
            self.ask(b"DEL", *map(wire.text, keys))

    def restart(self):
        self.daemon.kill()
        self.daemon.start()
        self.links.clear()
        self.referee = Link(self.daemon.port)

"""What the client tests share: one running server, clients of it, and threads that report errors."""

import itertools
import os
import shlex
import socket
import threading
import unittest

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import daemon as server

command = None
scratch = None
_shared = None
_numbers = itertools.count()


def new_daemon():
    """A daemon with an empty data directory of its own, not started yet."""
    return server.Daemon(command, os.path.join(scratch, f"data-{next(_numbers)}"))


def shared_daemon():
    """The daemon of all tests that do not stop it."""
    global _shared
    if _shared is None:
        _shared = new_daemon()
        _shared.start()
    return _shared


def connect(daemon, **options):
    """A client that sends nothing twice: a test must know what it sent."""
    options.setdefault("socket_timeout", 60)
    options.setdefault("retry", Retry(NoBackoff(), 0))
    return redis.Redis(port=daemon.port, **options)


def is_kvd():
    return "kvd" in os.path.basename(shlex.split(command)[0])


def in_threads(count, body):
    """Runs `body(number)` in threads and raises the first error any of them ended with."""
    errors = []

    def guarded(number):
        try:
            body(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class RawConnection:
    """A socket and the bytes that come back over it."""

    def __init__(self, daemon, source=None):
        self.socket = socket.create_connection(
            ("127.0.0.1", daemon.port), timeout=20, source_address=(source, 0) if source else None)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        return self.file.readline()

    def exactly(self, count):
        return self.file.read(count)

    def rest(self):
        """All that comes until the server closes the connection."""
        try:
            return self.file.read()
        except ConnectionResetError:
            return b""


class ClientTest(unittest.TestCase):
    """A test with an empty store."""

    def setUp(self):
        self.daemon = shared_daemon()
        self.client = connect(self.daemon)
        self.addCleanup(self.client.close)
        self.client.flushall()

    def assert_error(self, message, *command):
        with self.assertRaises(redis.ResponseError) as caught:
            self.client.execute_command(*command)
        self.assertEqual(str(caught.exception), message)

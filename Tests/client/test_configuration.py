"""The configuration file, listening, and the limits on clients, of a daemon of the test's own."""

import os
import re
import shutil
import time
import unittest

import redis

import daemon as server
import harness
from harness import RawConnection

MEBIBYTE = 1 << 20


@unittest.skipUnless(harness.is_kvd(), "these are kvd's own")
class Configuration(unittest.TestCase):
    def start(self, *lines):
        """A daemon with a configuration file of these lines."""
        daemon = harness.new_daemon()
        path = daemon.data + ".conf"
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        daemon.command += f" --config {path}"
        daemon.file = path
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def connect(self, daemon, **options):
        client = harness.connect(daemon, **options)
        self.addCleanup(client.close)
        return client

    def test_what_is_set_and_rewritten_is_there_after_a_restart(self):
        daemon = self.start("# mine", "timeout 100", "maxclients 50")
        client = self.connect(daemon)
        client.config_set("timeout", 200)
        client.config_set("requirepass", "a secret")
        client.config_set("client-output-buffer-limit", "normal 20mb 10mb 5")
        client.config_rewrite()
        with open(daemon.file) as file:
            text = file.read()
        self.assertEqual(text.splitlines()[:3], ["# mine", "timeout 200", "maxclients 50"])
        self.assertEqual(os.stat(daemon.file).st_mode & 0o077, 0)
        daemon.stop()
        daemon.spawn()
        again = self.connect(daemon, password="a secret")
        for _ in range(1000):
            try:
                again.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.01)
        self.assertEqual(again.config_get("timeout"), {"timeout": "200"})
        self.assertTrue(
            again.config_get("client-output-buffer-limit")["client-output-buffer-limit"]
            .startswith("normal 20971520 10485760 5 "))
        with self.assertRaises(redis.exceptions.AuthenticationError):
            self.connect(daemon).ping()

    def test_a_unix_socket_and_several_addresses_serve_one_store(self):
        folder = server.scratch_directory("/tmp", "kvd-socket-")
        path = os.path.join(folder, "socket")
        daemon = self.start("bind 127.0.0.1 127.0.0.3", f"unixsocket {path}", "unixsocketperm 700")
        local = redis.Redis(unix_socket_path=path)
        self.addCleanup(local.close)
        self.assertTrue(local.set("a", "1"))
        self.assertEqual(self.connect(daemon).get("a"), b"1")
        self.connect(daemon).config_set("protected-mode", "no")
        self.assertEqual(self.connect(daemon, host="127.0.0.3").get("a"), b"1")
        with self.assertRaises(redis.ConnectionError):
            self.connect(daemon, host="127.0.0.4").ping()
        daemon.stop()
        self.assertFalse(os.path.exists(path))
        daemon.start()

    def test_protected_mode_is_a_setting(self):
        daemon = self.start("protected-mode no")
        client = self.connect(daemon)

        def reply_to_another_machine():
            with RawConnection(daemon, source="127.0.0.2") as raw:
                try:
                    raw.send(b"PING\r\n")
                except OSError:
                    pass
                return raw.line().split()[0]

        self.assertEqual(reply_to_another_machine(), b"+PONG")
        client.config_set("protected-mode", "yes")
        self.assertEqual(reply_to_another_machine(), b"-DENIED")
        client.config_set("requirepass", "secret")
        self.assertEqual(reply_to_another_machine(), b"-NOAUTH")

    def test_a_reply_beyond_the_hard_limit_costs_no_more_memory_than_the_limit(self):
        daemon = self.start("client-output-buffer-limit normal 16mb 0 0")
        client = self.connect(daemon)
        client.set("large", b"v" * MEBIBYTE)
        self.assertEqual(len(client.mget(["large"] * 10)), 10)
        before = daemon.memory_byte_count()
        with server.MemoryWatch(daemon, interval_seconds=0.001) as watch:
            for _ in range(10):
                with RawConnection(daemon) as raw:
                    raw.send(b"*201\r\n$4\r\nMGET\r\n" + b"$5\r\nlarge\r\n" * 200)
                    self.assertEqual(raw.rest(), b"")
        self.assertLess(watch.most - before, 40 * MEBIBYTE)
        self.assertTrue(client.ping())
        with open(daemon.log_path) as log:
            self.assertIn("hard limit of client-output-buffer-limit", log.read())

    def test_clients_that_dribble_or_idle_are_cut_off_and_others_served(self):
        daemon = self.start("client-request-timeout 1", "timeout 2")
        client = self.connect(daemon)
        slow = [RawConnection(daemon) for _ in range(40)]
        idle = [RawConnection(daemon) for _ in range(40)]
        for raw in idle:
            raw.send(b"PING\r\n")
            self.assertEqual(raw.line(), b"+PONG\r\n")
        request = iter(b"*2\r\n$3\r\nGET\r\n$900\r\n" + b"k" * 900)
        open_count = len(slow)
        while open_count:
            byte = bytes([next(request)])
            open_count = 0
            for raw in slow:
                try:
                    raw.send(byte)
                    open_count += 1
                except OSError:
                    pass
            self.assertTrue(client.ping())
            time.sleep(0.1)
        for raw in idle:
            self.assertEqual(raw.rest(), b"")
        while int(client.info("clients")["connected_clients"]) > 1:
            time.sleep(0.05)
        for raw in slow + idle:
            raw.__exit__()

    @unittest.skipUnless(shutil.which("redis-server"), "there is no redis-server")
    def test_a_monitor_is_told_what_it_is_told_by_redis(self):
        kvd = self.start("timeout 0")
        original = server.Daemon(server.REDIS, kvd.data + "-redis")
        original.start()
        self.addCleanup(original.stop)
        self.assertEqual(self.monitored(kvd), self.monitored(original))

    def monitored(self, daemon):
        """What a monitor is told of some commands, without times and ports."""
        with RawConnection(daemon) as monitor, RawConnection(daemon) as client:
            monitor.send(b"MONITOR\r\n")
            self.assertEqual(monitor.line(), b"+OK\r\n")
            for words in [
                ["SET", bytes(range(256)), 'a "b" \\ c'], ["get", "\n\r\t\a\b\0\x7f"], ["GET"],
                ["NOSUCH", "a"], ["CONFIG", "GET", "port"], ["MULTI"], ["SET", "x", "1"],
                ["INCR", "x"], ["EXEC"], ["MULTI"], ["PING"], ["DISCARD"], ["AUTH", "secret"],
                ["HELLO", "2", "AUTH", "default", "secret"], ["SET", "x", "1", "NONSENSE"],
                ["CLIENT", "SETNAME", "me"], ["CLIENT", "ID"], ["ECHO", "last"],
            ]:
                client.send(b"*%d\r\n" % len(words))
                for word in words:
                    word = word if isinstance(word, bytes) else word.encode()
                    client.send(b"$%d\r\n%s\r\n" % (len(word), word))
            lines = []
            while not lines or b'"last"' not in lines[-1]:
                line = monitor.line()
                self.assertRegex(line, rb"^\+\d{10}\.\d{6} \[0 127\.0\.0\.1:\d+\] ")
                lines.append(re.sub(rb"^.*?\] ", b"", line))
            return lines

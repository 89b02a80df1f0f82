"""Limits and promises that are kvd's own; redis-server has others."""

import subprocess
import time
import unittest

import redis

import harness
from harness import ClientTest, RawConnection

MEBIBYTE = 1 << 20


@unittest.skipUnless(harness.is_kvd(), "these limits are kvd's own")
class Limits(ClientTest):
    def assert_refused(self, *command):
        """An error reply, or a closed connection when the length alone was too much to read on."""
        with self.assertRaises((redis.ResponseError, redis.ConnectionError)):
            self.client.execute_command(*command)
        self.client.connection_pool.disconnect()
        self.assertEqual(self.client.dbsize(), 0)

    def test_keys_of_500_bytes_are_taken_and_longer_ones_never_half(self):
        self.client.set(b"k" * 500, "1")
        self.assertEqual(self.client.get(b"k" * 500), b"1")
        self.client.flushall()
        self.assert_refused("SET", b"k" * 66000, "1")
        self.assert_refused("MSET", "fine", "1", b"k" * 66000, "1")

    def test_values_of_64_mebibytes_are_taken_and_longer_ones_refused(self):
        value = b"v" * (60 * MEBIBYTE)
        self.client.set("large", value)
        self.assertTrue(self.client.get("large") == value)
        self.client.flushall()
        self.assert_refused("SET", "larger", b"v" * (64 * MEBIBYTE + 1))

    def test_a_second_daemon_is_kept_out(self):
        second = harness.server.Daemon(harness.command, self.daemon.data)
        second.spawn()
        try:
            self.assertNotEqual(second.process.wait(20), 0)
        except subprocess.TimeoutExpired:
            second.kill()
            self.fail("a second daemon runs on the same directory")
        self.assertTrue(self.client.ping())

    def test_a_client_that_does_not_read_costs_bounded_memory(self):
        value = b"v" * (256 << 10)
        count = 2400
        self.client.set("large", value)
        command = b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n"
        with RawConnection(self.daemon) as raw:
            raw.send(command * count)
            time.sleep(1)
            self.assertLess(self.daemon.memory_byte_count(), 400 * MEBIBYTE)
            reply = b"$%d\r\n%s\r\n" % (len(value), value)
            for _ in range(count):
                self.assertTrue(raw.exactly(len(reply)) == reply)

"""kvd's own commands through redis-py, which knows nothing of them."""

import unittest

import redis

import harness
from harness import ClientTest


@unittest.skipUnless(harness.is_kvd(), "these commands are kvd's own")
class OwnCommands(ClientTest):
    def setUp(self):
        super().setUp()
        self.run_command = self.client.execute_command

    def fill(self, count):
        self.keys = [b"key:%04d" % i for i in range(count)]
        self.client.mset({key: key[4:] for key in self.keys})
        self.client.mset({"a": "before", "z": "behind"})

    def test_a_range_comes_in_order_from_all_partitions(self):
        self.fill(500)
        entries = self.run_command("KV.RANGE", "key:0100", "key:0200")
        self.assertEqual(entries[::2], self.keys[100:200])
        self.assertEqual(entries[1::2], [key[4:] for key in self.keys[100:200]])
        self.assertEqual(self.run_command("KV.RANGE", "-", "+", "KEYS"), [b"a", *self.keys, b"z"])
        self.assertEqual(self.run_command("KV.REVRANGE", "-", "+", "LIMIT", 3, "KEYS"),
                         [b"z", self.keys[-1], self.keys[-2]])
        self.assertEqual(self.run_command("KV.PREFIX", "key:00", "KEYS"), self.keys[:100])
        self.assertEqual(self.run_command("KV.PREFIX", "key:00", "LIMIT", 1, "REV", "KEYS"),
                         [self.keys[99]])

    def test_deleting_a_range_leaves_its_neighbours(self):
        self.fill(500)
        self.run_command("KV.DELRANGE", "key:0100", "key:0400")
        self.assertEqual(self.run_command("KV.PREFIX", "key:", "KEYS"),
                         self.keys[:100] + self.keys[400:])
        self.client.set("key:0200", "again")
        self.run_command("KV.DELPREFIX", "key:00")
        self.assertEqual(self.run_command("KV.RANGE", "-", "+", "KEYS"),
                         [b"a", b"key:0200", *self.keys[400:], b"z"])
        self.assertEqual(self.client.get("key:0200"), b"again")

    def test_a_batch_is_done_when_its_conditions_hold_and_not_at_all_otherwise(self):
        self.client.mset({"balance": "10", "old:1": "", "old:2": ""})
        sequence = self.run_command("KV.SEQ", "balance")
        batch = ("KV.BATCH", "IF", "balance", "SEQ", sequence, "IF", "receipt", "ABSENT",
                 "SET", "balance", "7", "SET", "receipt", "3", "DELPREFIX", "old:")
        self.run_command(*batch)
        self.assertEqual(self.client.mget("balance", "receipt", "old:1"), [b"7", b"3", None])
        with self.assertRaises(redis.ResponseError) as caught:
            self.run_command(*batch)
        self.assertTrue(str(caught.exception).startswith("CASFAIL"), caught.exception)
        self.assertEqual(self.client.mget("balance", "receipt"), [b"7", b"3"])

    def test_compare_and_set_loses_no_update(self):
        def increment(_):
            with harness.connect(self.daemon) as client:
                done = 0
                while done < 50:
                    sequence = client.execute_command("KV.SEQ", "n")
                    value = int(client.get("n") or 0)
                    try:
                        client.execute_command(
                            "KV.BATCH", "IF", "n", "SEQ", sequence, "SET", "n", value + 1)
                        done += 1
                    except redis.ResponseError as error:
                        self.assertTrue(str(error).startswith("CASFAIL"), error)

        harness.in_threads(8, increment)
        self.assertEqual(self.client.get("n"), b"400")

    def test_a_checkpoint_changes_nothing_that_can_be_read(self):
        self.fill(500)
        before = self.run_command("KV.RANGE", "-", "+")
        self.run_command("KV.CHECKPOINT")
        self.assertEqual(self.run_command("KV.RANGE", "-", "+"), before)
        self.assertTrue(self.run_command("KV.STATS"))

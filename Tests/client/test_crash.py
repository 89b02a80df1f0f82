"""kill -9 and clean stops: what was acknowledged is there, the rest is whole or absent."""

import random
import threading
import time
import unittest

import redis

import harness

KEYS_PER_BATCH = 8


class Crashes(unittest.TestCase):
    def setUp(self):
        self.daemon = harness.new_daemon()
        self.daemon.start()
        self.addCleanup(self.end)

    def end(self):
        if self.daemon.process.poll() is None:
            self.daemon.kill()

    def test_everything_acknowledged_survives_kill_9(self):
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed} ", end="", flush=True)
        chance = random.Random(seed)
        writers = 6
        last_sent, last_acknowledged = [0] * writers, [0] * writers

        def write(number):
            """Batches with rising numbers, each over keys of many partitions, one of them counted."""
            with harness.connect(self.daemon) as client:
                while True:
                    last_sent[number] += 1
                    batch = last_sent[number]
                    try:
                        with client.pipeline() as pipeline:
                            pipeline.mset({f"{number}:{i}": batch for i in range(KEYS_PER_BATCH)})
                            pipeline.set(f"{number}:batch:{batch}", "")
                            pipeline.incr(f"{number}:count")
                            pipeline.execute()
                    except (redis.ConnectionError, OSError):
                        return
                    last_acknowledged[number] = batch

        for _ in range(4):
            threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
            for thread in threads:
                thread.start()
            time.sleep(chance.uniform(0.05, 0.5))
            self.daemon.kill()
            for thread in threads:
                thread.join()
            self.daemon.start()
            with harness.connect(self.daemon) as client:
                for number in range(writers):
                    found = client.mget([f"{number}:{i}" for i in range(KEYS_PER_BATCH)])
                    self.assertEqual(len(set(found)), 1, "half of a batch is there")
                    newest = int(found[0] or 0)
                    self.assertIn(newest, {last_acknowledged[number], last_sent[number]})
                    self.assertEqual(int(client.get(f"{number}:count") or 0), newest)
                    names = [f"{number}:batch:{batch}" for batch in range(1, newest + 1)]
                    if names:
                        self.assertEqual(client.exists(*names), newest)
                    last_sent[number] = last_acknowledged[number] = newest
                self.assertEqual(
                    client.dbsize(),
                    sum(newest + (KEYS_PER_BATCH + 1) * (newest > 0) for newest in last_sent))

    def test_deleted_stays_deleted(self):
        with harness.connect(self.daemon) as client:
            client.mset({f"key:{i}": "old" for i in range(2000)})
        self.daemon.kill()
        self.daemon.start()
        with harness.connect(self.daemon) as client:
            client.delete(*[f"key:{i}" for i in range(0, 2000, 2)])
        self.daemon.kill()
        self.daemon.start()
        with harness.connect(self.daemon) as client:
            self.assertEqual(set(client.keys()), {b"key:%d" % i for i in range(1, 2000, 2)})
            client.flushall()
            client.set("after", "1")
        self.daemon.kill()
        self.daemon.start()
        with harness.connect(self.daemon) as client:
            self.assertEqual(client.keys(), [b"after"])

    def test_a_clean_stop_exits_with_0_and_loses_nothing(self):
        with harness.connect(self.daemon) as client:
            client.mset({f"key:{i}": str(i) for i in range(2000)})
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        with harness.connect(self.daemon) as client:
            self.assertEqual(client.dbsize(), 2000)
            self.assertEqual(client.get("key:1999"), b"1999")

"""redis.lock.Lock: locks that are a key with a token and an expiry.

Taking one is SET NX PX; giving it back, extending and reacquiring are scripts, which the library
sends by their digest.
"""

import asyncio
import time

import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError

from harness import ClientTest, in_threads


class Locks(ClientTest):
    def test_one_owner_at_a_time(self):
        lock = self.client.lock("lock", timeout=100)
        other = self.client.lock("lock", timeout=100)
        self.assertTrue(lock.acquire(blocking=False))
        self.assertTrue(lock.locked() and lock.owned())
        self.assertFalse(other.acquire(blocking=False))
        lock.release()
        self.assertFalse(lock.locked())
        self.assertTrue(other.acquire(blocking=False))
        other.release()
        self.assertEqual(self.client.exists("lock"), 0)

    def test_a_lock_runs_out_and_is_not_given_back_by_who_lost_it(self):
        lock = self.client.lock("lock", timeout=0.05)
        lock.acquire()
        time.sleep(0.1)
        other = self.client.lock("lock", timeout=100)
        self.assertTrue(other.acquire(blocking=False))
        with self.assertRaises(LockNotOwnedError):
            lock.release()
        self.assertTrue(other.owned())
        other.release()

    def test_extend_and_reacquire(self):
        lock = self.client.lock("lock", timeout=10)
        lock.acquire()
        lock.extend(10)
        self.assertGreater(self.client.pttl("lock"), 15_000)
        lock.extend(5, replace_ttl=True)
        self.assertLessEqual(self.client.pttl("lock"), 5_000)
        lock.reacquire()
        self.assertGreater(self.client.pttl("lock"), 8_000)
        lock.release()
        with self.assertRaises(LockError):
            lock.extend(10)

    def test_many_threads_take_turns(self):
        held = []

        def work(number):
            for _ in range(5):
                with self.client.lock("lock", timeout=60, sleep=0.001):
                    held.append(number)
                    self.assertEqual(len(held), 1)
                    held.pop()
                    self.client.set("counter", int(self.client.get("counter") or 0) + 1)

        in_threads(10, work)
        self.assertEqual(self.client.get("counter"), b"50")

    def test_the_asyncio_lock(self):
        async def main():
            client = redis.asyncio.Redis(port=self.daemon.port)

            async def work():
                async with client.lock("lock", timeout=60, sleep=0.001):
                    value = int(await client.get("counter") or 0)
                    await asyncio.sleep(0)
                    await client.set("counter", value + 1)

            await asyncio.gather(*(work() for _ in range(20)))
            self.assertEqual(await client.get("counter"), b"20")
            await client.aclose()

        asyncio.run(main())

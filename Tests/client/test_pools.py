"""redis-py as applications use it: pools shared by many threads, `transaction`, `scan_iter`."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import ClientTest, in_threads

THREAD_COUNT = 200
CONNECTION_COUNT = 40


class Pools(ClientTest):
    def pooled(self, **options):
        pool = redis.BlockingConnectionPool(
            port=self.daemon.port, max_connections=CONNECTION_COUNT, timeout=60, socket_timeout=60,
            retry=Retry(NoBackoff(), 0), **options)
        self.addCleanup(pool.disconnect)
        return redis.Redis(connection_pool=pool)

    def test_two_hundred_threads_share_the_connections_of_one_pool(self):
        for protocol in (2, 3):
            self.client.flushall()
            client = self.pooled(protocol=protocol)

            def work(number):
                for i in range(20):
                    client.set(f"own:{number}", i)
                    self.assertEqual(client.get(f"own:{number}"), str(i).encode())
                    client.incr("shared")
                    client.append("log", "x")

            in_threads(THREAD_COUNT, work)
            self.assertEqual(client.get("shared"), str(THREAD_COUNT * 20).encode())
            self.assertEqual(client.strlen("log"), THREAD_COUNT * 20)
            self.assertEqual(client.dbsize(), THREAD_COUNT + 2)

    def test_transactions_of_two_hundred_threads_do_not_lose_an_update(self):
        """Money moves between a few accounts and its sum stays; each thread retries until it wins."""
        accounts = [f"account:{i}" for i in range(50)]
        client = self.pooled()
        client.mset({account: 100 for account in accounts})

        def work(number):
            source, target = accounts[number % 50], accounts[(number * 7 + 1) % 50]
            if source == target:
                return

            def transfer(pipeline):
                left, right = int(pipeline.get(source)), int(pipeline.get(target))
                pipeline.multi()
                pipeline.set(source, left - 1)
                pipeline.set(target, right + 1)

            for _ in range(2):
                client.transaction(transfer, source, target)

        in_threads(THREAD_COUNT, work)
        self.assertEqual(sum(map(int, client.mget(accounts))), 100 * len(accounts))
        moved = [0] * len(accounts)
        for number in range(THREAD_COUNT):
            source, target = number % 50, (number * 7 + 1) % 50
            if source != target:
                moved[source] -= 2
                moved[target] += 2
        self.assertEqual([int(client.get(account)) - 100 for account in accounts], moved)

    def test_pipelines_from_two_hundred_threads_are_atomic(self):
        client = self.pooled()

        def work(number):
            with client.pipeline() as pipeline:
                for _ in range(5):
                    replies = pipeline.set("a", number).set("b", number).mget("a", "b").execute()
                    self.assertEqual(replies[2], [str(number).encode()] * 2)

        in_threads(THREAD_COUNT, work)
        self.assertEqual(client.get("a"), client.get("b"))


class Iterators(ClientTest):
    def test_scan_iter_returns_every_key(self):
        expected = {f"user:{i}".encode() for i in range(2500)}
        self.client.mset({key: b"1" for key in expected} | {b"other": b"1"})
        self.assertEqual(set(self.client.scan_iter("user:*", count=100)), expected)
        self.assertEqual(set(self.client.scan_iter("user:*", count=1000, _type="string")), expected)
        self.assertEqual(set(self.client.scan_iter("user:*", _type="list")), set())
        self.assertEqual(list(self.client.scan_iter("nothing*")), [])

    def test_scan_iter_while_its_keys_are_deleted(self):
        self.client.mset({f"user:{i}": "1" for i in range(500)})
        for key in self.client.scan_iter("user:*", count=20):
            self.client.delete(key)
        self.assertEqual(self.client.dbsize(), 0)

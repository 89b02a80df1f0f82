"""redis-py's asyncio client: the same server from one thread with many things under way."""

import asyncio

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from harness import ClientTest

TASK_COUNT = 200


class Asynchronous(ClientTest):
    def run_with_client(self, body, **options):
        async def main():
            client = redis.asyncio.Redis(
                port=self.daemon.port, max_connections=TASK_COUNT, socket_timeout=60,
                    retry=Retry(NoBackoff(), 0), **options)
            try:
                return await body(client)
            finally:
                await client.aclose()

        return asyncio.run(main())

    def test_commands_in_both_protocols(self):
        async def body(client):
            self.assertTrue(await client.set("a", "1"))
            self.assertEqual(await client.incr("a"), 2)
            self.assertEqual(await client.mget("a", "absent"), [b"2", None])
            with self.assertRaises(redis.ResponseError):
                await client.execute_command("INCR", "a", "b")
            self.assertEqual(await client.delete("a"), 1)

        for protocol in (2, 3):
            self.run_with_client(body, protocol=protocol)

    def test_many_tasks_at_once(self):
        async def body(client):
            async def work(number):
                for i in range(10):
                    await client.set(f"own:{number}", i)
                    await client.incr("shared")
                return await client.get(f"own:{number}")

            replies = await asyncio.gather(*map(work, range(TASK_COUNT)))
            self.assertEqual(replies, [b"9"] * TASK_COUNT)
            self.assertEqual(await client.get("shared"), str(TASK_COUNT * 10).encode())

        self.run_with_client(body)

    def test_a_pipeline(self):
        async def body(client):
            async with client.pipeline(transaction=False) as pipeline:
                for i in range(1000):
                    pipeline.set(f"key:{i}", i).get(f"key:{i}")
                replies = await pipeline.execute()
            self.assertEqual(replies[1::2], [str(i).encode() for i in range(1000)])

        self.run_with_client(body)

    def test_a_transaction_that_watches(self):
        async def body(client):
            await client.set("a", 1)
            async with client.pipeline() as pipeline:
                await pipeline.watch("a")
                value = int(await pipeline.get("a"))
                await client.set("a", 10)
                pipeline.multi()
                pipeline.set("a", value + 1)
                with self.assertRaises(redis.WatchError):
                    await pipeline.execute()
            self.assertEqual(await client.get("a"), b"10")

        self.run_with_client(body)

    def test_transactions_of_many_tasks_do_not_lose_an_update(self):
        async def body(client):
            await client.set("counter", 0)

            async def increment(pipeline):
                value = int(await pipeline.get("counter"))
                pipeline.multi()
                pipeline.set("counter", value + 1)

            await asyncio.gather(*(client.transaction(increment, "counter") for _ in range(20)))
            self.assertEqual(await client.get("counter"), b"20")

        self.run_with_client(body)

    def test_scan_iter(self):
        async def body(client):
            await client.mset({f"user:{i}": "1" for i in range(700)})
            found = [key async for key in client.scan_iter("user:*", count=50)]
            self.assertEqual(sorted(found), sorted(f"user:{i}".encode() for i in range(700)))

        self.run_with_client(body)

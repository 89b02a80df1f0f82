"""Pipelines, MULTI/EXEC and WATCH, alone and from many threads at once."""

import threading

import redis

from harness import ClientTest, connect, in_threads

THREAD_COUNT = 8


class Pipelines(ClientTest):
    def test_a_pipeline_sees_its_own_writes(self):
        with self.client.pipeline(transaction=False) as pipeline:
            for i in range(5000):
                pipeline.set(f"key:{i}", i).get(f"key:{i}").delete(f"key:{i}").exists(f"key:{i}")
            replies = pipeline.execute()
        for i in range(5000):
            self.assertEqual(replies[4 * i:4 * i + 4], [True, str(i).encode(), 1, 0])

    def test_one_bad_command_does_not_stop_the_others(self):
        with self.client.pipeline(transaction=False) as pipeline:
            pipeline.set("text", "x").incr("text").set("after", "1")
            replies = pipeline.execute(raise_on_error=False)
        self.assertEqual(replies[0], True)
        self.assertIsInstance(replies[1], redis.ResponseError)
        self.assertEqual(self.client.get("after"), b"1")


class Transactions(ClientTest):
    def test_exec_answers_for_every_command(self):
        with self.client.pipeline() as pipeline:
            pipeline.set("a", "1").incr("a").get("a").mget("a", "b").dbsize()
            self.assertEqual(pipeline.execute(), [True, 2, b"2", [b"2", None], 1])

    def test_a_command_that_fails_in_exec_leaves_the_others_done(self):
        with self.client.pipeline() as pipeline:
            pipeline.set("text", "x").incr("text").set("after", "1")
            replies = pipeline.execute(raise_on_error=False)
        self.assertIsInstance(replies[1], redis.ResponseError)
        self.assertEqual(self.client.mget("text", "after"), [b"x", b"1"])

    def test_a_command_refused_while_queueing_aborts_exec(self):
        with self.client.client() as one:
            one.execute_command("MULTI")
            self.assertEqual(one.execute_command("INCR", "a"), b"QUEUED")
            with self.assertRaises(redis.ResponseError):
                one.execute_command("GET")
            with self.assertRaises(redis.exceptions.ExecAbortError) as caught:
                one.execute_command("EXEC")
        self.assertIn("Transaction discarded because of previous errors", str(caught.exception))
        self.assertEqual(self.client.dbsize(), 0)

    def test_discard_and_misplaced_words(self):
        with self.client.client() as one:
            one.execute_command("MULTI")
            one.execute_command("SET", "a", "1")
            for command, message in [
                (("MULTI",), "MULTI calls can not be nested"),
                (("WATCH", "a"), "WATCH inside MULTI is not allowed"),
            ]:
                with self.assertRaises(redis.ResponseError) as caught:
                    one.execute_command(*command)
                self.assertEqual(str(caught.exception), message)
            one.execute_command("DISCARD")
        self.assertEqual(self.client.dbsize(), 0)
        self.assert_error("EXEC without MULTI", "EXEC")
        self.assert_error("DISCARD without MULTI", "DISCARD")


class Watches(ClientTest):
    def test_exec_does_nothing_after_a_watched_key_changed(self):
        changes = [
            ("set", lambda: self.client.set("w", "2")),
            ("set to the same", lambda: self.client.set("w", "1")),
            ("delete", lambda: self.client.delete("w")),
            ("flush", lambda: self.client.flushall()),
        ]
        for name, change in changes:
            self.client.set("w", "1")
            with self.client.pipeline() as pipeline:
                pipeline.watch("w")
                change()
                pipeline.multi()
                pipeline.set("effect", name)
                with self.assertRaises(redis.WatchError, msg=name):
                    pipeline.execute()
            self.assertIsNone(self.client.get("effect"))

    def test_exec_goes_through_when_only_other_keys_changed_or_after_unwatch(self):
        with self.client.pipeline() as pipeline:
            pipeline.watch("w")
            self.client.set("other", "1")
            pipeline.multi()
            pipeline.set("effect", "1")
            self.assertEqual(pipeline.execute(), [True])
        with self.client.pipeline() as pipeline:
            pipeline.watch("w")
            self.client.set("w", "1")
            pipeline.unwatch()
            pipeline.multi()
            pipeline.set("effect", "2")
            self.assertEqual(pipeline.execute(), [True])

    def test_watched_read_modify_write_loses_no_update(self):
        rounds = 50

        def increment(_):
            with connect(self.daemon) as client:
                for _ in range(rounds):
                    def raise_both(pipeline):
                        a, b = (int(value or 0) for value in pipeline.mget("a", "b"))
                        pipeline.multi()
                        pipeline.set("a", a + 1).set("b", b + 2)
                    client.transaction(raise_both, "a", "b")

        in_threads(THREAD_COUNT, increment)
        total = THREAD_COUNT * rounds
        self.assertEqual(self.client.mget("a", "b"), [b"%d" % total, b"%d" % (2 * total)])

    def test_counters_lose_no_update(self):
        def increment(_):
            with connect(self.daemon) as client, client.pipeline(transaction=False) as pipeline:
                for _ in range(20):
                    for _ in range(50):
                        pipeline.incr("n")
                    pipeline.execute()

        in_threads(THREAD_COUNT, increment)
        self.assertEqual(self.client.get("n"), b"%d" % (THREAD_COUNT * 1000))


class Atomicity(ClientTest):
    def test_no_reader_sees_half_of_a_batch(self):
        keys = [f"key:{i}" for i in range(16)]
        self.client.mset({key: "start" for key in keys})
        writers = 4
        running = threading.Semaphore(0)

        def body(number):
            with connect(self.daemon) as client:
                if number < writers:
                    for i in range(300):
                        values = {key: f"{number}:{i}" for key in keys}
                        if i % 2:
                            client.mset(values)
                        else:
                            with client.pipeline() as pipeline:
                                for key, value in values.items():
                                    pipeline.set(key, value)
                                pipeline.execute()
                    running.release()
                    return
                ended = 0
                while ended == 0:
                    ended = running.acquire(blocking=False)
                    found = set(client.mget(keys))
                    self.assertEqual(len(found), 1, found)

        in_threads(2 * writers, body)

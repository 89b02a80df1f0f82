"""Scripts through redis-py: registered ones, which are sent by digest and loaded again where unknown."""

import redis

import harness
from harness import ClientTest, in_threads


class Scripts(ClientTest):
    release = (
        "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) "
        "else return 0 end")

    def test_a_registered_script_is_loaded_where_it_is_unknown(self):
        script = self.client.register_script(self.release)
        self.client.set("lock", "token")
        self.client.script_flush()
        self.assertEqual(script(keys=["lock"], args=["other"]), 0)
        self.assertEqual(self.client.script_exists(script.sha), [True])
        self.assertEqual(script(keys=["lock"], args=["token"]), 1)
        self.assertEqual(self.client.exists("lock"), 0)

    def test_a_script_in_a_pipeline(self):
        script = self.client.register_script("return redis.call('incrby', KEYS[1], ARGV[1])")
        with self.client.pipeline() as pipeline:
            pipeline.set("n", 5)
            script(keys=["n"], args=[2], client=pipeline)
            self.assertEqual(pipeline.execute(), [True, 7])

    def test_scripts_of_many_clients_are_atomic(self):
        script = self.client.register_script(
            "local n = tonumber(redis.call('get', KEYS[1]) or 0) "
            "redis.call('set', KEYS[1], n + 1) return n + 1")

        def work(_):
            for _ in range(50):
                script(keys=["counter"])

        in_threads(8, work)
        self.assertEqual(self.client.get("counter"), b"400")

    def test_an_error_is_raised_and_undone(self):
        with self.assertRaises(redis.ResponseError):
            self.client.eval("redis.call('set', KEYS[1], 1) error('no')", 1, "a")
        # Redis keeps what was written before the error.
        self.assertEqual(self.client.get("a"), None if harness.is_kvd() else b"1")

    def test_a_lock_is_given_back_by_its_owner_alone(self):
        lock, other = self.client.lock("lock"), self.client.lock("lock")
        self.assertTrue(lock.acquire(blocking=False))
        self.assertFalse(other.acquire(blocking=False))
        other.local.token = b"guess"
        with self.assertRaises(redis.exceptions.LockNotOwnedError):
            other.release()
        lock.release()
        self.assertTrue(other.acquire(blocking=False))
        other.release()
        self.assertEqual(self.client.exists("lock"), 0)

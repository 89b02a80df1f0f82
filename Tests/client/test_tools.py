"""redis-cli and redis-benchmark, unchanged."""

import subprocess

from harness import ClientTest


class Tools(ClientTest):
    def call(self, *command, stdin=""):
        program, *arguments = command
        result = subprocess.run(
            [program, "-p", str(self.daemon.port), *arguments],
            input=stdin, capture_output=True, text=True, timeout=120)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout

    def test_single_commands(self):
        self.assertEqual(self.call("redis-cli", "SET", "key", "a value"), "OK\n")
        self.assertEqual(self.call("redis-cli", "GET", "key"), "a value\n")
        self.assertEqual(self.call("redis-cli", "-3", "GET", "absent"), "\n")
        self.assertEqual(self.call("redis-cli", "INCRBY", "n", "5"), "5\n")
        self.assertEqual(self.call("redis-cli", "--no-raw", "MGET", "key", "absent"),
                         '1) "a value"\n2) (nil)\n')
        self.assertIn("redis_version:", self.call("redis-cli", "INFO"))

    def test_commands_as_lines(self):
        script = "MULTI\nSET a 1\nINCR a\nEXEC\nGET a\n"
        self.assertEqual(self.call("redis-cli", stdin=script), "OK\nQUEUED\nQUEUED\nOK\n2\n2\n")

    def test_scan(self):
        self.client.mset({f"key:{i}": "" for i in range(500)})
        keys = self.call("redis-cli", "--scan", "--pattern", "key:*").split()
        self.assertEqual(sorted(keys), sorted(f"key:{i}" for i in range(500)))

    def test_pipe(self):
        script = "".join(f"SET key:{i} {i}\r\n" for i in range(20000))
        output = self.call("redis-cli", "--pipe", stdin=script)
        self.assertIn("errors: 0, replies: 20000", output)
        self.assertEqual(self.client.dbsize(), 20000)
        self.assertEqual(self.client.get("key:19999"), b"19999")

    def test_benchmark(self):
        for pipeline in ["1", "16"]:
            output = self.call(
                "redis-benchmark", "-t", "set,get,mset,incr", "-n", "4000", "-r", "1000", "-c", "20",
                "-P", pipeline, "--csv")
            self.assertEqual(
                [line.partition(",")[0] for line in output.splitlines()],
                ['"test"', '"SET"', '"GET"', '"INCR"', '"MSET (10 keys)"'])
        counters = [key for key in self.client.scan_iter(match="counter:*", count=1000)]
        self.assertEqual(sum(int(value) for value in self.client.mget(counters)), 8000)

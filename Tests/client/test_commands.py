"""Each command as redis-py offers it, and the words of its errors."""

import redis

from harness import ClientTest, connect


class Strings(ClientTest):
    def test_set_and_get(self):
        self.assertTrue(self.client.set("key", "value"))
        self.assertEqual(self.client.get("key"), b"value")
        self.assertIsNone(self.client.get("absent"))
        self.assertEqual(self.client.strlen("key"), 5)
        self.assertEqual(self.client.type("key"), b"string")
        self.assertEqual(self.client.type("absent"), b"none")

    def test_any_bytes_are_a_key_and_a_value(self):
        every_byte = bytes(range(256))
        self.client.set(every_byte, every_byte)
        self.client.set(b"empty value", b"")
        self.client.set(b"", b"empty key")
        self.assertEqual(self.client.get(every_byte), every_byte)
        self.assertEqual(self.client.get("empty value"), b"")
        self.assertEqual(self.client.get(b""), b"empty key")
        self.assertEqual(set(self.client.scan_iter()), {every_byte, b"empty value", b""})

    def test_values_of_every_size_come_back(self):
        for byte_count in [1, 100, 4095, 4096, 4097, 65536, 1 << 20, (16 << 20) + 1]:
            value = bytes(i * 31 % 251 for i in range(251)) * (byte_count // 251 + 1)
            value = value[:byte_count]
            self.client.set("size", value)
            self.assertTrue(self.client.get("size") == value, f"{byte_count} bytes differ")

    def test_conditions_of_set(self):
        self.assertIsNone(self.client.set("key", "1", xx=True))
        self.assertTrue(self.client.set("key", "1", nx=True))
        self.assertIsNone(self.client.set("key", "2", nx=True))
        self.assertTrue(self.client.set("key", "2", xx=True))
        self.assertEqual(self.client.set("key", "3", get=True), b"2")
        self.assertEqual(self.client.getset("key", "4"), b"3")
        self.assertFalse(self.client.setnx("key", "5"))
        self.assertEqual(self.client.getdel("key"), b"4")
        self.assertIsNone(self.client.getdel("key"))
        self.assertTrue(self.client.setnx("key", "6"))

    def test_append(self):
        self.assertEqual(self.client.append("key", "ab"), 2)
        self.assertEqual(self.client.append("key", "cd"), 4)
        self.assertEqual(self.client.get("key"), b"abcd")

    def test_counters(self):
        self.assertEqual(self.client.incr("n"), 1)
        self.assertEqual(self.client.incrby("n", 41), 42)
        self.assertEqual(self.client.decr("n"), 41)
        self.assertEqual(self.client.decrby("n", 50), -9)
        self.client.set("n", (1 << 63) - 1)
        self.assert_error("increment or decrement would overflow", "INCR", "n")
        self.assertEqual(self.client.get("n"), b"9223372036854775807")
        for text in ["", " 1", "1 ", "+1", "01", "1.0", "one", "9223372036854775808"]:
            self.client.set("n", text)
            self.assert_error("value is not an integer or out of range", "INCR", "n")
            self.assertEqual(self.client.get("n"), text.encode())

    def test_many_keys(self):
        entries = {f"key:{i}": f"value:{i}" for i in range(1000)}
        self.assertTrue(self.client.mset(entries))
        self.assertEqual(self.client.mget(list(entries)), [v.encode() for v in entries.values()])
        self.assertEqual(self.client.mget("key:1", "absent", "key:1"), [b"value:1", None, b"value:1"])
        self.assertFalse(self.client.msetnx({"new": "1", "key:5": "2"}))
        self.assertEqual(self.client.exists("new", "key:1", "key:1"), 2)
        self.assertTrue(self.client.msetnx({"new": "1", "newer": "2"}))
        self.assertEqual(self.client.delete("new", "absent", "key:1", "key:1"), 2)
        self.assertEqual(self.client.unlink("newer", "key:2"), 2)
        self.assertEqual(self.client.dbsize(), 998)

    def test_flush_leaves_nothing_and_later_writes_stay(self):
        self.client.mset({f"key:{i}": "old" for i in range(1000)})
        self.client.flushdb()
        self.assertEqual(self.client.dbsize(), 0)
        self.client.set("key:7", "new")
        self.assertEqual(self.client.mget("key:6", "key:7", "key:8"), [None, b"new", None])
        self.assertEqual(self.client.keys(), [b"key:7"])
        self.client.flushall()
        self.assertIsNone(self.client.randomkey())


class Scans(ClientTest):
    def test_a_scan_returns_every_key(self):
        keys = {f"{i % 7}:{i}".encode() for i in range(5000)}
        self.client.mset({key: "" for key in keys})
        for count in [10, 999, 100000]:
            self.assertEqual(set(self.client.scan_iter(count=count)), keys)
        self.assertEqual(set(self.client.keys()), keys)
        self.assertIn(self.client.randomkey(), keys)

    def test_match_is_a_glob(self):
        names = ["ant", "art", "a*t", "bat", "apt", "a", "at", "aaat"]
        self.client.mset({name: "" for name in names})
        for pattern, matching in [
            ("a?t", {"ant", "art", "a*t", "apt"}),
            ("a*t", {"ant", "art", "a*t", "apt", "at", "aaat"}),
            (r"a\*t", {"a*t"}),
            ("a[np]t", {"ant", "apt"}),
            ("a[^n]t", {"art", "a*t", "apt"}),
            ("a[n-r]t", {"ant", "art", "apt"}),
            ("*", set(names)),
            ("nothing", set()),
        ]:
            expected = {name.encode() for name in matching}
            self.assertEqual(set(self.client.scan_iter(match=pattern)), expected, pattern)
            self.assertEqual(set(self.client.keys(pattern)), expected, pattern)

    def test_keys_there_all_along_are_returned_whatever_else_changes(self):
        stable = {f"stable:{i}".encode() for i in range(1000)}
        self.client.mset({key: "" for key in stable})
        seen = set()
        with connect(self.daemon) as other:
            for number, key in enumerate(self.client.scan_iter(count=10)):
                seen.add(key)
                other.set(f"new:{number % 300}", "")
                other.delete(f"new:{number * 7 % 300}")
        self.assertLessEqual(stable, seen)


class Errors(ClientTest):
    def test_arity(self):
        for name, *arguments in [
            ("get",), ("get", "a", "b"), ("set", "a"), ("mset",), ("mget",), ("del",), ("echo",),
            ("incr", "a", "b"), ("append", "a"), ("watch",), ("discard", "a"),
        ]:
            message = f"wrong number of arguments for '{name}' command"
            self.assert_error(message, name.upper(), *arguments)
        self.assert_error("wrong number of arguments for 'mset' command", "MSET", "a", "1", "b")

    def test_unknown_commands_are_named(self):
        self.assert_error(
            "unknown command 'NONSENSE', with args beginning with: 'a' 'b' ", "NONSENSE", "a", "b")

    def test_options(self):
        self.assert_error("syntax error", "SET", "a", "1", "NX", "XX")
        self.assert_error("syntax error", "SET", "a", "1", "NONSENSE")
        self.assert_error("invalid cursor", "SCAN", "nonsense")
        self.assert_error("syntax error", "SCAN", "0", "COUNT", "0")
        self.assert_error("value is not an integer or out of range", "INCRBY", "a", "x")
        self.assert_error("DB index is out of range", "SELECT", "99")
        self.assertEqual(self.client.dbsize(), 0)


class Connections(ClientTest):
    def test_both_protocols(self):
        for protocol in [2, 3]:
            with connect(self.daemon, protocol=protocol, decode_responses=True) as client:
                self.assertTrue(client.ping())
                self.assertTrue(client.set("key", "välue"))
                self.assertEqual(client.get("key"), "välue")
                self.assertIsNone(client.get("absent"))
                self.assertEqual(client.mget("key", "absent"), ["välue", None])
                with client.pipeline() as pipeline:
                    pipeline.incr("n").get("n").get("absent")
                    self.assertEqual(pipeline.execute(), [protocol - 1, str(protocol - 1), None])

    def test_names_and_ids(self):
        with connect(self.daemon, client_name="tester") as client, client.client() as one:
            self.assertEqual(one.client_getname(), "tester")
            self.assertTrue(one.client_setname("other"))
            self.assertEqual(one.client_getname(), "other")
            self.assertNotEqual(one.client_id(), self.client.client_id())

    def test_what_clients_ask_for_first(self):
        self.assertEqual(self.client.echo("hello"), b"hello")
        self.assertIn("redis_version", self.client.info())
        self.assertIn("redis_version", self.client.info("server"))
        self.assertIsInstance(self.client.config_get("save"), dict)
        self.assertGreater(self.client.command_count(), 30)
        self.assertTrue(self.client.select(0))

    def test_many_connections_at_once(self):
        pool = [connect(self.daemon, single_connection_client=True) for _ in range(200)]
        for client in pool:
            client.incr("n")
        self.assertEqual(self.client.get("n"), b"200")
        for client in pool:
            client.close()

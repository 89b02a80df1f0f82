"""Bytes on a socket: inline commands, arrays cut anywhere, and what is not the protocol at all."""

from harness import ClientTest, RawConnection


class Inline(ClientTest):
    def test_commands_as_lines(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"PING\r\nset key value\r\n\r\nGET key\nSET quoted \"a \\x41\\n\" \r\nget quoted\r\n")
            expected = b"+PONG\r\n+OK\r\n$5\r\nvalue\r\n+OK\r\n$4\r\na A\n\r\n"
            self.assertEqual(raw.exactly(len(expected)), expected)

    def test_quit_answers_and_closes(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"QUIT\r\n")
            self.assertEqual(raw.rest(), b"+OK\r\n")


class Arrays(ClientTest):
    def test_a_command_may_arrive_byte_by_byte(self):
        with RawConnection(self.daemon) as raw:
            for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n":
                raw.send(bytes([byte]))
            self.assertEqual(raw.line(), b"+OK\r\n")
        self.assertEqual(self.client.get("a"), b"\r\n")

    def test_empty_and_null_arrays_are_passed_over(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n")
            self.assertEqual(raw.line(), b"+PONG\r\n")

    def test_half_a_command_does_nothing(self):
        whole = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
        for length in range(len(whole) - 1):
            with RawConnection(self.daemon) as raw:
                raw.send(whole[:length])
        self.assertEqual(self.client.dbsize(), 0)

    def test_replies_in_protocol_3(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"HELLO 3\r\n")
            header = raw.line()
            self.assertEqual(header[:1], b"%")
            raw.send(b"GET absent\r\nECHO end\r\n")
            lines = [raw.line()]
            while lines[-1] != b"end\r\n":
                lines.append(raw.line())
            self.assertEqual(lines[-3:], [b"_\r\n", b"$3\r\n", b"end\r\n"])

    def test_an_unknown_protocol_version_is_refused(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"HELLO 9\r\n")
            self.assertEqual(raw.line(), b"-NOPROTO unsupported protocol version\r\n")


class Malformed(ClientTest):
    CASES = [
        (b"*abc\r\n", b"invalid multibulk length"),
        (b"*99999999999\r\n", b"invalid multibulk length"),
        (b"*1\r\n:5\r\n", b"expected '$', got ':'"),
        (b"*1\r\n$-5\r\n", b"invalid bulk length"),
        (b"*1\r\n$abc\r\n", b"invalid bulk length"),
        (b"*1\r\n$99999999999\r\n", b"invalid bulk length"),
        (b"*" + b"1" * 70000, b"too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 70000, b"too big bulk count string"),
        (b"x" * 70000, b"too big inline request"),
        (b"SET a \"b\r\n", b"unbalanced quotes in request"),
    ]

    def test_the_connection_is_told_and_closed_and_the_others_are_not(self):
        with RawConnection(self.daemon) as bystander:
            for sent, message in self.CASES:
                with self.subTest(sent=sent[:20]), RawConnection(self.daemon) as raw:
                    raw.send(b"*1\r\n$4\r\nPING\r\n" + sent)
                    self.assertEqual(raw.line(), b"+PONG\r\n")
                    self.assertEqual(raw.line(), b"-ERR Protocol error: " + message + b"\r\n")
                    self.assertEqual(raw.rest(), b"")
                bystander.send(b"PING\r\n")
                self.assertEqual(bystander.line(), b"+PONG\r\n")
        self.assertEqual(self.client.dbsize(), 0)

    def test_what_came_before_is_done(self):
        with RawConnection(self.daemon) as raw:
            raw.send(b"SET before 1\r\n*x\r\n")
            self.assertEqual(raw.line(), b"+OK\r\n")
            raw.rest()
        self.assertEqual(self.client.get("before"), b"1")

"""Passwords, users and protected mode, through redis-py."""

import os
import unittest

import redis

import harness
from harness import ClientTest, RawConnection


class Users(ClientTest):
    def make_user(self, name, **rules):
        rules.setdefault("enabled", True)
        rules.setdefault("passwords", ["+secret"])
        self.client.acl_setuser(name, **rules)
        self.addCleanup(self.client.acl_deluser, name)
        client = harness.connect(self.daemon, username=name, password="secret")
        self.addCleanup(client.close)
        return client

    def test_a_user_does_what_its_rules_say(self):
        ann = self.make_user("ann", keys=["app:*"], categories=["+@all", "-@dangerous"])
        self.assertEqual(ann.acl_whoami(), "ann")
        self.assertTrue(ann.set("app:1", "x"))
        with self.assertRaises(redis.exceptions.NoPermissionError):
            ann.set("other", "x")
        with self.assertRaises(redis.exceptions.NoPermissionError):
            ann.flushall()
        with ann.pipeline() as pipeline:
            pipeline.set("app:2", "y")
            pipeline.get("other")
            with self.assertRaises(redis.exceptions.NoPermissionError):
                pipeline.execute()
        self.assertIsNone(self.client.get("app:2"))

    def test_a_user_is_told_as_it_was_set_up(self):
        self.make_user("ann", keys=["app:*"], commands=["+get", "+set"])
        user = self.client.acl_getuser("ann")
        self.assertEqual(set(user["flags"]) & {"on", "nopass"}, {"on"})
        self.assertEqual(user["keys"], ["~app:*"])
        self.assertEqual(set(user["commands"]), {"+get", "+set"})
        self.assertIn("ann", self.client.acl_users())

    def test_a_wrong_password_is_refused_and_logged(self):
        self.client.acl_log_reset()
        wrong = harness.connect(self.daemon, username="nobody", password="guess")
        self.addCleanup(wrong.close)
        with self.assertRaises(redis.exceptions.AuthenticationError):
            wrong.ping()
        entry = self.client.acl_log()[0]
        self.assertEqual((entry["reason"], entry["username"]), ("auth", "nobody"))

    def test_a_client_that_is_killed_comes_back_as_another(self):
        victim = harness.connect(self.daemon, client_name="victim")
        self.addCleanup(victim.close)
        number = victim.client_id()
        self.assertEqual(self.client.client_kill_filter(_id=number), 1)
        try:
            # Newer releases of redis-py look first whether the connection is still there.
            victim.ping()
        except redis.ConnectionError:
            pass
        self.assertGreater(victim.client_id(), number)
        self.assertEqual(victim.client_getname(), "victim")


@unittest.skipUnless(harness.is_kvd(), "options and files are kvd's own")
class Keeping(unittest.TestCase):
    def daemon(self, options=""):
        daemon = harness.new_daemon()
        daemon.command += options
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def connect(self, daemon, **options):
        client = harness.connect(daemon, **options)
        self.addCleanup(client.close)
        return client

    def test_users_survive_kill_9(self):
        daemon = self.daemon()
        self.connect(daemon).acl_setuser(
            "ann", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@all"])
        daemon.kill()
        self.assertEqual(os.stat(os.path.join(daemon.data, "users.acl")).st_mode & 0o777, 0o600)
        daemon.start()
        self.assertTrue(self.connect(daemon, username="ann", password="secret").set("a", "1"))

    def test_clients_of_other_machines_are_refused_until_there_is_a_password(self):
        """An address of the loopback network that Redis does not take for this machine's own."""
        daemon = self.daemon()
        with RawConnection(daemon, source="127.0.0.2") as stranger:
            self.assertTrue(stranger.line().startswith(b"-DENIED Redis is running in protected"))
            self.assertEqual(stranger.rest(), b"")
        self.connect(daemon).acl_setuser("default", enabled=True, passwords=["+secret"], reset=False)
        with RawConnection(daemon, source="127.0.0.2") as stranger:
            stranger.send(b"PING\r\nAUTH secret\r\n")
            self.assertEqual(stranger.line(), b"-NOAUTH Authentication required.\r\n")
            self.assertEqual(stranger.line(), b"+OK\r\n")

    def test_protected_mode_can_be_switched_off(self):
        daemon = self.daemon(" --protected-mode no")
        with RawConnection(daemon, source="127.0.0.2") as stranger:
            stranger.send(b"PING\r\n")
            self.assertEqual(stranger.line(), b"+PONG\r\n")

"""What concerns one connection."""

from history import Step
from values import Paused
from wire import encode

WEIGHT = 6


def hello(v):
    return ["HELLO"] + v.pick(
        [], [2], [3], [3], [1], [4], [b"x"], [3, "SETNAME", b"name"], [2, "SETNAME", b"a b"], [3, "FOO"],
        [3, "SETNAME"], [b"3 "], [b""])


def silent(v):
    """CLIENT REPLY leaves requests without replies, so it is sent raw."""
    way = v.pick(b"SKIP", b"OFF", b"ON", b"NONE")
    commands = [[b"CLIENT", b"REPLY", way], [b"PING"], [b"PING", b"1"], [b"CLIENT", b"REPLY", b"ON"],
        [b"PING"]]
    return Step(0, raw=b"".join(map(encode, commands)))


def kill(v):
    if v.maybe(0.3):
        # The other connection ends when its thread comes to it.
        return Paused(20, ["CLIENT", "KILL", "ID", v.pick(b"{id:0}", b"{id:1}")] + v.options(
            ["SKIPME", v.pick("YES", "NO")], ["TYPE", "NORMAL"], ["USER", b"default"]))
    return ["CLIENT", "KILL"] + v.pick(
        ["ID", 999999], ["ID", b"x"], ["ADDR", b"1.2.3.4:5"], [b"1.2.3.4:5"], ["FOO", b"x"],
        ["SKIPME", "MAYBE"], ["TYPE", b"x"], ["USER", b"nobody"], ["ID", 0], [],
        ["LADDR", b"1.2.3.4:5", "TYPE", "REPLICA"])


COMMANDS = {
    "PING": lambda v: ["PING"] + v.pick([], [v.value()], [v.value()] * 2),
    "ECHO": lambda v: ["ECHO", v.value()],
    "HELLO": hello,
    "SELECT": lambda v: ["SELECT", v.pick(0, 0, 0, -1, 99, b"x", b"", b"00", v.integer(1))],
    "RESET": lambda v: ["RESET"],
    "QUIT": lambda v: ["QUIT"] + v.pick([], [], [b"x"]),
    "CLIENT ID": lambda v: ["CLIENT", "ID"],
    "CLIENT GETNAME": lambda v: ["CLIENT", "GETNAME"],
    "CLIENT SETNAME": lambda v: ["CLIENT", "SETNAME", v.pick(b"name", b"a b", b"", b"\xff", b"n\n",
        b"x~!")],
    "CLIENT SETINFO": lambda v: ["CLIENT", "SETINFO", "LIB-NAME", b"x"],
    "CLIENT INFO": lambda v: ["CLIENT", "INFO"],
    "CLIENT LIST": lambda v: ["CLIENT", "LIST"] + v.pick(
        ["ID", b"x"], ["ID", 0], ["ID"], ["TYPE", "NORMAL"], ["TYPE", b"x"], ["TYPE"], ["FOO", b"x"],
            ["TYPE", "REPLICA"],
        ["ID", b"{id:0}"]),
    "CLIENT KILL": kill,
    "CLIENT UNPAUSE": lambda v: ["CLIENT", "UNPAUSE"],
    "CLIENT PAUSE": lambda v: ["CLIENT", "PAUSE", v.pick(b"x", b"-1", b"", 0), v.pick("WRITE", "ALL",
        "FOO")],
    "CLIENT NO-EVICT": lambda v: ["CLIENT", "NO-EVICT", v.pick("ON", "OFF", "MAYBE")],
    "CLIENT TRACKING": lambda v: ["CLIENT", "TRACKING", v.pick("OFF", "MAYBE")],
    "CLIENT TRACKINGINFO": lambda v: ["CLIENT", "TRACKINGINFO"],
    "CLIENT GETREDIR": lambda v: ["CLIENT", "GETREDIR"],
    "CLIENT CACHING": lambda v: ["CLIENT", "CACHING", v.pick("YES", "NO", "MAYBE")],
    "CLIENT UNBLOCK": lambda v: ["CLIENT", "UNBLOCK", v.pick(999999, b"x"), *v.pick([], ["ERROR"],
        ["FOO"])],
    "CLIENT HELP": lambda v: ["CLIENT", "HELP"],
    "CLIENT REPLY": silent,
    "CLIENT": lambda v: ["CLIENT"] + v.pick([], ["FOO"], ["NOSUCH", b"x"], [b""], [b"a\r\nb"]),
}

# What a container says of unknown subcommands goes with its knowledge of them.
NEEDS = {"CLIENT": "client|kill"}
# Spoiled, these could hold up or end connections that the history needs.
UNSPOILED = ("CLIENT KILL", "CLIENT PAUSE", "CLIENT LIST")

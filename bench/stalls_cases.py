"""The worst request for every command: what bench/stalls sends while others wait.

A case is a request, or several in one pipeline, on data that `prepare` has made. Commands that differ only in name share a
case; those whose cost is small and constant, whatever they are asked, are listed as such and tried as well.
"""

import dataclasses

# The data that worst requests work on.
MEMBERS = 1_000_000
KEYS = 200_000
LARGE = 60 << 20
ARGUMENTS = 200_000

LETTER = b"x"


@dataclasses.dataclass(frozen=True)
class Case:
    """`words` says what is asked; `bound` what the wait grows with. `before` is not measured."""
    words: str
    bound: str
    request: tuple
    before: tuple = ()
    # How often it is tried; 1 where it takes seconds by design.
    repeats: int = 3
    # Seconds that the work after the reply is watched.
    after: float = 0.05
    # Several requests, sent at once.
    pipeline: bool = False


def one(words, bound, *request, **rest):
    return Case(words, bound, tuple(_bytes(part) for part in request), **rest)


def many(words, bound, requests, **rest):
    return Case(words, bound, tuple(tuple(_bytes(p) for p in r) for r in requests), pipeline=True, **rest)


def _bytes(part):
    return part if isinstance(part, bytes) else str(part).encode()


def _setup(*lines):
    return tuple(tuple(_bytes(word) for word in line.split()) for line in lines)


def shrink():
    """Makes the data small, so that the program can be tried in a minute."""
    global MEMBERS, KEYS, LARGE, ARGUMENTS
    MEMBERS, KEYS, LARGE, ARGUMENTS = 20_000, 4_000, 1 << 20, 4_000


def keys(count=None):
    return [b"key:%d" % (i % KEYS) for i in range(count or ARGUMENTS)]


def words(prefix, count=None):
    return [prefix + b"%d" % i for i in range(count or ARGUMENTS)]


def pairs(prefix, count=None):
    return [part for i in range(count or ARGUMENTS) for part in (prefix + b"%d" % i, b"value")]


SIZE = "size of the value"
COUNT = "number of arguments"
FIELDS = "fields or members"
ALL = "keys in the store"
REPLY = "size of the reply"
TIME = "busy-reply-threshold"

FILL_COPY = _setup("COPY hash copy REPLACE")
FILL_SET = _setup("COPY set copy REPLACE")
FILL_LARGE = _setup("COPY large copy REPLACE")


def cases():
    """By command name, in the order in which they are tried: those that need data before those that remove it."""
    table = {}

    def add(names, case):
        # In requests `@` stands for the command, and for its container.
        for name in names.split():
            name_words = tuple(name.upper().encode().split(b"|"))
            request = case.request
            if not case.pipeline and request[0] == b"@":
                request = name_words + request[1:]
            table[name] = dataclasses.replace(case, request=request)

    large = LETTER * LARGE
    # Strings.
    add("get strlen", one("a value of 60 MiB", SIZE, "@", "large"))
    add("getrange substr", one("all of 60 MiB", SIZE, "@", "large", 0, -1))
    add("set setnx getset append", one("a value of 60 MiB", SIZE, "@", "copy", large, before=_setup("DEL copy")))
    add("setex psetex", one("a value of 60 MiB", SIZE, "@", "copy", 100000, large))
    add("getdel", one("a value of 60 MiB", SIZE, "@", "copy", before=FILL_LARGE))
    add("getex", one("a value of 60 MiB, EX", SIZE, "@", "copy", "EX", 1000, before=FILL_LARGE))
    add("setrange", one("the last byte of 60 MiB", SIZE, "@", "copy", LARGE - 1, "x", before=FILL_LARGE))
    add("incr decr", one("a counter", "-", "@", "counter"))
    add("incrby decrby incrbyfloat", one("a counter", "-", "@", "counter", 1))
    add("mget exists touch", one("200,000 keys", COUNT, "@", *keys()))
    add("mset", one("200,000 pairs", COUNT, "@", *pairs(b"m:")))
    add("msetnx", one("200,000 pairs", COUNT, "@", *pairs(b"n:"), before=_setup("KV.DELPREFIX n:")))
    add("del unlink", one("200,000 keys", COUNT, "@", *words(b"m:"), before=((b"MSET", *pairs(b"m:")),)))
    add("lcs", one("4,000 by 4,000 bytes", "n·m, 16 million at most", "@", "text", "other"))
    # Bits.
    add("setbit", one("the last bit of 60 MiB", SIZE, "@", "copy", 8 * LARGE - 1, 1, before=FILL_LARGE))
    add("getbit", one("the last bit of 60 MiB", SIZE, "@", "large", 8 * LARGE - 1))
    add("bitcount", one("60 MiB", SIZE, "@", "large"))
    add("bitpos", one("60 MiB of zeros", SIZE, "@", "zeros", 1))
    add("bitop", one("XOR of two values of 60 MiB", "sizes of the values", "@", "XOR", "copy", "large", "zeros"))
    add("bitfield", one("50,000 INCRBY", "steps and size of the value", "@", "copy", *[w for i in range(min(50_000, LARGE // 8)) for w in ("INCRBY", "i64", f"#{i}", "1")], before=FILL_LARGE))
    add("bitfield_ro", one("60,000 GET", "steps and size of the value", "@", "large", *[w for i in range(min(60_000, LARGE // 8)) for w in ("GET", "i64", f"#{i}")]))
    # Hashes.
    add("hget hexists hstrlen", one("one of 1,000,000 fields", "-", "@", "hash", "f500000"))
    add("hlen", one("1,000,000 fields", "-", "@", "hash"))
    add("hmget", one("200,000 fields", COUNT, "@", "hash", *words(b"f")))
    add("hset hmset", one("200,000 fields", COUNT, "@", "copy", *pairs(b"g"), before=_setup("DEL copy")))
    add("hsetnx", one("one field", "-", "@", "copy", "x", "y", before=_setup("DEL copy")))
    add("hincrby hincrbyfloat", one("one of 1,000,000 fields", "-", "@", "hash", "counter", 1))
    add("hdel", one("200,000 of 1,000,000 fields", COUNT, "@", "copy", *words(b"f"), before=FILL_COPY))
    add("hgetall hkeys hvals", one("1,000,000 fields", FIELDS, "@", "hash"))
    add("hscan", one("COUNT 10⁹ of 1,000,000 fields", "a page", "@", "hash", 0, "COUNT", 10**9))
    add("hrandfield", one("500,000 by chance of 1,000,000 fields, WITHVALUES", "size of the reply", "@", "hash", -ARGUMENTS * 5 // 2, "WITHVALUES"))
    add("kv.hrange", one("LIMIT 100,000", "LIMIT", "@", "hash", "-", "+", "LIMIT", 100_000))
    add("kv.hprefix", one("LIMIT 100,000", "LIMIT", "@", "hash", "f", "LIMIT", 100_000))
    # Sets.
    add("scard", one("1,000,000 members", "-", "@", "set"))
    add("sismember", one("one of 1,000,000 members", "-", "@", "set", "m500000"))
    add("smismember", one("200,000 members", COUNT, "@", "set", *words(b"m")))
    add("smembers", one("1,000,000 members", FIELDS, "@", "set"))
    add("sadd", one("200,000 members", COUNT, "@", "copy", *words(b"n"), before=FILL_SET))
    add("srem", one("200,000 of 1,000,000 members", COUNT, "@", "copy", *words(b"m"), before=FILL_SET))
    add("smove", one("one of 1,000,000 members", "-", "@", "copy", "other set", "m1", before=FILL_SET))
    add("sscan", one("COUNT 10⁹ of 1,000,000 members", "a page", "@", "set", 0, "COUNT", 10**9))
    add("srandmember", one("500,000 by chance of 1,000,000 members", "size of the reply", "@", "set", -ARGUMENTS * 5 // 2))
    add("spop", one("500,000 of 1,000,000 members", FIELDS, "@", "copy", 500_000, before=FILL_SET))
    add("sinter sunion sdiff", one("two sets of 1,000,000 members", FIELDS, "@", "set", "second"))
    add("sintercard", one("two sets of 1,000,000 members", FIELDS, "@", 2, "set", "second"))
    add("sinterstore sunionstore sdiffstore", one("two sets of 1,000,000 members", FIELDS, "@", "copy", "set", "second"))
    add("sort", one("1,000,000 members, ALPHA, BY", FIELDS, "@", "set", "BY", "none*", "ALPHA", "LIMIT", 0, 10))
    add("sort_ro", one("1,000,000 members, ALPHA", FIELDS, "@", "set", "ALPHA", "LIMIT", 0, 10))
    # Keys.
    add("type", one("a hash of 1,000,000 fields", "-", "@", "hash"))
    add("ttl pttl expiretime pexpiretime", one("a value of 60 MiB", SIZE, "@", "large"))
    add("expire pexpire", one("a value of 60 MiB", SIZE, "@", "copy", 10**6, before=FILL_LARGE))
    add("expireat pexpireat", one("a value of 60 MiB", SIZE, "@", "copy", 4 * 10**12, before=FILL_LARGE))
    add("persist", one("a value of 60 MiB", SIZE, "@", "copy", before=FILL_LARGE + _setup("EXPIRE copy 1000")))
    add("rename renamenx", one("a value of 60 MiB", SIZE, "@", "copy", "moved", before=FILL_LARGE + _setup("DEL moved")))
    add("copy", one("a hash of 1,000,000 fields", FIELDS, "@", "hash", "copy", "REPLACE", before=_setup("DEL copy")))
    add("dump", one("a set of 1,000,000 members", FIELDS, "@", "set"))
    add("restore", one("a set of 1,000,000 members", FIELDS, "@", "copy", 0, b"{dump of set}", "REPLACE"))
    add("randomkey", one("all keys", "-", "@"))
    add("dbsize", one("200,000 keys", "changes in memory", "@"))
    add("keys", one("200,000 keys, a pattern of 100 stars", ALL + ", and the pattern's length", "@", "*k" * 100 + "z"))
    add("scan", one("COUNT 10⁹, MATCH, TYPE", "a page", "@", 0, "COUNT", 10**9, "MATCH", "*z", "TYPE", "hash"))
    add("object|encoding", one("a hash of 1,000,000 fields", "-", "@", "hash"))
    add("object|freq object|idletime object|refcount", one("a key", "-", "@", "hash"))
    add("memory|usage", one("a hash of 1,000,000 fields, SAMPLES 0", "100,000 fields", "@", "hash", "SAMPLES", 0))
    # Ranges and batches.
    add("kv.range", one("LIMIT 100,000", "LIMIT", "@", "-", "+", "LIMIT", 100_000, "KEYS"))
    add("kv.revrange", one("LIMIT 100,000", "LIMIT", "@", "+", "-", "LIMIT", 100_000, "KEYS"))
    add("kv.prefix", one("LIMIT 100,000", "LIMIT", "@", "key:", "LIMIT", 100_000, "KEYS"))
    add("kv.delrange", one("200,000 keys", "-; carried out in the background", "@", "m:", "m;", before=((b"MSET", *pairs(b"m:")),), after=1))
    add("kv.delprefix", one("200,000 keys", "-; carried out in the background", "@", "m:", before=((b"MSET", *pairs(b"m:")),), after=1))
    add("kv.batch", one("1,000 DELPREFIX, and 100,000 SET", COUNT, "@", *[w for i in range(1000) for w in ("DELPREFIX", f"no:{i}:")],
                        *[w for i in range(ARGUMENTS // 2) for w in ("SET", f"b:{i}", "v")], after=1))
    add("kv.seq", one("a value of 60 MiB", SIZE, "@", "large"))
    add("kv.stats", one("all fields", "partitions", "@"))
    add("kv.checkpoint save bgsave bgrewriteaof", one("after 60 MiB of writes", "-; others are served meanwhile", "@", before=FILL_LARGE, repeats=1, after=1))
    # Transactions.
    add("multi", many("10,000 transactions", "-", [("MULTI",), ("DISCARD",)] * 10_000))
    add("discard", many("100,000 queued", "what was queued", [("MULTI",)] + [("SET", "copy", "v")] * (ARGUMENTS // 2) + [("DISCARD",)]))
    add("exec", many("100,000 queued SET", "what was queued", [("MULTI",)] + [("SET", b"e:%d" % i, "v") for i in range(ARGUMENTS // 2)] + [("EXEC",)]))
    add("watch unwatch", many("100,000 keys", COUNT, [("WATCH", *keys(ARGUMENTS // 2)), ("UNWATCH",)]))
    # Scripts.
    loop = "while true do end"
    add("eval eval_ro", one("an endless loop", TIME, "@", loop, 0, repeats=1))
    add("evalsha evalsha_ro", one("an endless loop", TIME, "@", b"{digest of loop}", 0, repeats=1))
    add("script|load", one("1 MiB that Lua compiles in squared time", TIME, "@", "local a return " + "a or " * 200_000 + "a", repeats=1))
    add("function|restore function|load", one("60 MiB, refused", SIZE, "@", large))
    add("script|exists", one("200,000 digests", COUNT, "@", *words(b"d")))
    add("script|flush", one("all scripts", "-", "@"))
    add("script|kill", one("no script", "-", "@"))
    add("script|debug", one("refused", "-", "@", "YES"))
    # Connections and users.
    add("ping echo", one("60 MiB", SIZE, "@", large))
    add("auth", one("a wrong password", "-", "@", "x"))
    add("hello", one("HELLO 3", "-", "@", 3))
    add("select", one("SELECT 0", "-", "@", 0))
    add("swapdb", one("SWAPDB 0 0", "-", "@", 0, 0))
    add("move", one("refused", "-", "@", "key:1", 1))
    add("reset", one("a connection", "-", "@"))
    add("quit", one("a connection", "-", "@"))
    add("monitor", one("one client in MONITOR", "its own buffer", "@"))
    add("wait", one("the client itself", "-; others are served meanwhile", "@", 1, 100))
    add("client|list client|info client|id client|getname client|trackinginfo client|getredir client|unpause",
        one("few connections", "connections", "@"))
    add("client|setname client|no-evict client|unblock client|caching client|tracking client|no-touch client|setinfo",
        one("a connection", "-", "@", "on"))
    add("client|kill", one("no such connection", "connections", "@", "ID", 10**9))
    add("client|reply", one("ON", "-", "@", "ON"))
    add("client|pause", one("PAUSE 1000 ALL", "as long as it says, for all by design", "@", 1000, repeats=1))
    add("acl|setuser", one("1,000 patterns", "rules", "@", "ann", "on", "nopass", "+@all", *["~p%d:*" % i for i in range(1000)]))
    add("acl|getuser", one("1,000 patterns", "rules", "@", "ann"))
    add("acl|list acl|users acl|whoami acl|cat acl|log acl|genpass", one("a user of 1,000 patterns", "users and rules", "@"))
    add("acl|dryrun", one("200,000 keys", COUNT, "@", "ann", "MGET", *keys()))
    add("acl|save acl|load", one("refused without aclfile", "users and rules", "@"))
    add("acl|deluser", one("a user", "users and connections", "@", "ann"))
    # The server.
    add("info", one("everything", "commands and partitions", "@", "everything"))
    add("command", one("all commands", "commands", "@"))
    add("command|docs command|info command|list command|count", one("all commands", "commands", "@"))
    add("command|getkeys command|getkeysandflags", one("200,000 keys", COUNT, "@", "MGET", *keys()))
    add("config|get", one("all settings", "settings", "@", "*"))
    add("config|set", one("a setting", "settings", "@", "slowlog-max-len", 128))
    add("config|resetstat", one("all statistics", "commands", "@"))
    add("config|rewrite", one("refused without a file", "syncs of a small file", "@"))
    add("slowlog|get", one("all entries", "slowlog-max-len", "@", -1))
    add("slowlog|len slowlog|reset", one("all entries", "-", "@"))
    add("latency|histogram latency|latest latency|doctor latency|reset", one("all commands", "commands", "@"))
    add("latency|history latency|graph", one("an event", "160 entries", "@", "command"))
    add("memory|stats memory|doctor memory|malloc-stats", one("all fields", "partitions", "@"))
    add("memory|purge", one("after 60 MiB", "free memory", "@"))
    add("time role lastsave", one("nothing", "-", "@"))
    add("lolwut", one("nothing", "-", "@"))
    add("debug", one("refused by default; SLEEP and RELOAD hold others as they say", "enable-debug-command", "@", "SLEEP", 0))
    # Last: they remove what the others need.
    add("flushdb flushall", one("200,000 keys, 3,000,000 fields", "-; carried out in the background", "@", repeats=1, after=2))
    return table


# Refused or without an effect, whatever they are asked: tried as they stand here.
SMALL = ("replicaof slaveof failover cluster module publish spublish pubsub subscribe psubscribe ssubscribe unsubscribe "
         "punsubscribe sunsubscribe fcall fcall_ro function asking readonly readwrite")

# End the process or never return to others: not measured.
UNMEASURED = {"shutdown": "ends the process: all connections are closed"}

"""What the server tells about itself and how it is set up."""

WEIGHT = 4
NAMES = ("GET", "SET", "MGET", "MSET", "DEL", "PING", "EXEC", "NOSUCH", "HSET", "CLIENT", "CONFIG",
    "BITOP", "COPY")
SECTIONS = ("server", "clients", "memory", "persistence", "stats", "replication", "keyspace", "nosuch",
    "CPU")
SETTINGS = (b"maxclients", b"appendonly", b"save", b"maxmemory", b"timeout", b"port", b"nosuch",
    b"APPENDONLY", b"databases")


def config_set(v):
    return ["CONFIG", "SET"] + v.pick(
        [b"nosuch", b"1"], [b"timeout", b"x"], [b"timeout", b"0"], [b"timeout", b"-1"], [b"maxclients",
            b"x"],
        [b"port", b"abc"], [b"databases", b"3"], [b"slowlog-max-len", b"128"],
            [b"slowlog-log-slower-than", b"x"],
        [b"timeout", b"0", b"timeout", b"0"], [b"timeout", b"0", b"nosuch", b"1"], [b"timeout"], [])


COMMANDS = {
    "COMMAND COUNT": lambda v: ["COMMAND", "COUNT"],
    "COMMAND INFO": lambda v: ["COMMAND", "INFO"] + v.some(lambda: v.pick(*NAMES), 1, 3),
    "COMMAND DOCS": lambda v: ["COMMAND", "DOCS"] + v.some(lambda: v.pick(*NAMES), 1, 2),
    "COMMAND GETKEYS": lambda v: ["COMMAND", "GETKEYS"] + v.pick(
        ["GET", b"a"], ["MSET", b"a", 1, b"b", 2], ["PING"], ["NOSUCH"], ["GET"], ["EXEC"], ["MGET",
            b"a", b"b"],
        ["DEL", b"x"], ["CLIENT", "ID"], ["MSET", b"a", 1, b"b"]),
    "COMMAND GETKEYSANDFLAGS": lambda v: ["COMMAND", "GETKEYSANDFLAGS"] + v.pick(["GET", b"a"], ["SET",
        b"a", 1], ["PING"]),
    "COMMAND LIST": lambda v: ["COMMAND", "LIST"] + v.pick(
        ["FILTERBY", "PATTERN", b"mge*"], ["FILTERBY", "MODULE", b"x"], ["FILTERBY", "FOO", b"x"],
            ["FILTERBY"], [b"x"]),
    "COMMAND HELP": lambda v: ["COMMAND", "HELP"],
    "COMMAND": lambda v: ["COMMAND", v.pick(b"FOO", b"", b"x y")],
    "CONFIG GET": lambda v: ["CONFIG", "GET"] + v.some(lambda: v.pick(*SETTINGS), 1, 2),
    "CONFIG SET": config_set,
    "CONFIG RESETSTAT": lambda v: ["CONFIG", "RESETSTAT"],
    "CONFIG HELP": lambda v: ["CONFIG", "HELP"],
    "CONFIG": lambda v: ["CONFIG"] + v.pick([], ["FOO"], [b""]),
    "INFO": lambda v: ["INFO"] + v.some(lambda: v.pick(*SECTIONS), 0, 2),
    "TIME": lambda v: ["TIME"],
    "LASTSAVE": lambda v: ["LASTSAVE"],
    "WAIT": lambda v: ["WAIT", v.pick(0, 0, b"x", b"-1"), v.pick(1, 1, b"x", b"-1")],
    "SLOWLOG GET": lambda v: ["SLOWLOG", "GET"] + v.pick([0], [b"x"], [b"-2"]),
    "SLOWLOG LEN": lambda v: ["SLOWLOG", "LEN", b"x"],
    "SLOWLOG RESET": lambda v: ["SLOWLOG", "RESET"],
    "SLOWLOG HELP": lambda v: ["SLOWLOG", "HELP"],
    "SLOWLOG": lambda v: ["SLOWLOG"] + v.pick([], ["FOO"]),
    "LATENCY RESET": lambda v: ["LATENCY", "RESET"] + v.pick([], [b"nosuch"]),
    "LATENCY LATEST": lambda v: ["LATENCY", "LATEST"],
    "LATENCY HISTORY": lambda v: ["LATENCY", "HISTORY", b"nosuch"],
    "LATENCY HELP": lambda v: ["LATENCY", "HELP"],
    "LATENCY": lambda v: ["LATENCY"] + v.pick([], ["FOO"]),
    "MEMORY HELP": lambda v: ["MEMORY", "HELP"],
    "MEMORY": lambda v: ["MEMORY"] + v.pick([], ["FOO"]),
    "OBJECT": lambda v: ["OBJECT"] + v.pick([], ["FOO"], ["FOO", b"a"]),
    "DEBUG SLEEP": lambda v: ["DEBUG", "SLEEP", b"0"],
    "DEBUG RELOAD": lambda v: ["DEBUG", "RELOAD"],
    "DEBUG SET-ACTIVE-EXPIRE": lambda v: ["DEBUG", "SET-ACTIVE-EXPIRE", 1],
    "DEBUG JMAP": lambda v: ["DEBUG", "JMAP"],
    "DEBUG": lambda v: ["DEBUG"] + v.pick([], ["FOO"]),
    "ROLE": lambda v: ["ROLE"],
}

# Spoiled, these could wait forever or leave a server set up otherwise.
# kvd answers it at once or not at all.
NOT_QUEUED = ("INFO", "DEBUG RELOAD")
# What a container says of unknown subcommands goes with its knowledge of them.
NEEDS = {"COMMAND": "client|kill", "CONFIG": "client|kill"}
UNSPOILED = ("CONFIG SET", "CONFIG RESETSTAT", "WAIT", "DEBUG SLEEP", "DEBUG JMAP", "DEBUG", "DEBUG RELOAD")
CLEANUP = [[b"CONFIG", b"SET", b"timeout", b"0"]]

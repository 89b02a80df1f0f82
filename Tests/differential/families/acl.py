"""Passwords, users, and who may run what. The default user may do everything, with a password or without."""

WEIGHT = 4
USERS = (b"ann", b"bob", b"cleo")
RULES = (
    b"on", b"off", b"nopass", b"resetpass", b"reset", b">secret", b"<secret", b"<wrong", b"~*",
    b"allkeys", b"resetkeys",
    b"~a*", b"%R~k*", b"%W~b", b"%RW~c", b"+@all", b"-@all", b"allcommands", b"nocommands", b"+get",
    b"-get", b"+set",
    b"+@read", b"-@write", b"+client|id", b"-client|id", b"+@string", b"+nosuch", b"+@nosuch", b"~",
    b"%X~a", b"",
    b"&*", b"resetchannels", b"allchannels", b"&ch*", b"sanitize-payload", b"skip-sanitize-payload",
    b"#" + b"0" * 64,
    b"#xyz", b"!" + b"0" * 64, b"(+get ~a*)", b"(+get", b"clearselectors", b"+select|0", b"bogus",
        b"+config|get",
    b"+@fast", b"-@dangerous", b"+get|x",
)


def user(v):
    return v.pick(*USERS, *USERS, *USERS, b"nobody", b"a b", b"")


def setuser(v):
    return ["ACL", "SETUSER", v.pick(*USERS)] + v.some(lambda: v.pick(*RULES), 0, 6)


COMMANDS = {
    "AUTH": lambda v: ["AUTH"] + v.pick(
        [b"x"], [b"pw"], [b"pw"], [b"default", b"pw"], [b"ann", b"secret"], [b"ann", b"wrong"], [b"bob", b"secret"], [b"default", b"x"],
            [b"nobody", b"x"],
        [b"default", b""], [b"a", b"b", b"c"]),
    "HELLO": lambda v: ["HELLO", v.pick(2, 3), "AUTH"] + v.pick(
        [b"default", b"pw"], [b"ann", b"secret"], [b"bob", b"x"], [b"ann"], [b"cleo", b"secret", "SETNAME", b"c"]),
    "CONFIG SET": lambda v: ["CONFIG", "SET", "requirepass", v.pick(b"pw", b"pw", b"", b"other")],
    "ACL WHOAMI": lambda v: ["ACL", "WHOAMI"],
    "ACL CAT": lambda v: ["ACL", "CAT"] + v.pick([], [b"string"], [b"nosuch"], [b"READ"], [b"a", b"b"]),
    "ACL SETUSER": setuser,
    "ACL GETUSER": lambda v: ["ACL", "GETUSER", user(v)],
    "ACL DELUSER": lambda v: ["ACL", "DELUSER"] + v.some(lambda: user(v), 1, 2),
    "ACL LIST": lambda v: ["ACL", "LIST"],
    "ACL USERS": lambda v: ["ACL", "USERS"],
    "ACL GENPASS": lambda v: ["ACL", "GENPASS"] + v.pick([], [5], [1024], [0], [b"x"], [4097]),
    "ACL DRYRUN": lambda v: ["ACL", "DRYRUN", user(v)] + v.pick(
        ["GET", b"a"], ["SET", b"a", b"1"], ["GET"], ["NOSUCH"], ["MGET", b"a", b"k"], ["CLIENT", "ID"]),
    "ACL LOG": lambda v: ["ACL", "LOG", v.pick("RESET", b"0", b"x")],
    "ACL HELP": lambda v: ["ACL", "HELP"],
    "ACL": lambda v: ["ACL"] + v.pick([], ["FOO"], [b""]),
}

# Spoiled, these could change a user whom the next history needs.
UNSPOILED = ("ACL SETUSER", "ACL DELUSER", "CONFIG SET")
NEEDS = {"HELLO": "acl|setuser", "CONFIG SET": "acl|setuser"}
CLEANUP = [
    [b"CONFIG", b"SET", b"requirepass", b""], [b"ACL", b"LOG", b"RESET"], [b"ACL", b"DELUSER", *USERS]]

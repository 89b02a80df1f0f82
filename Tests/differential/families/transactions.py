"""The commands of transactions where they do not belong; where they do, every family stands between them."""

WEIGHT = 4

COMMANDS = {
    "MULTI": lambda v: ["MULTI"],
    "EXEC": lambda v: ["EXEC"],
    "DISCARD": lambda v: ["DISCARD"],
    "WATCH": lambda v: ["WATCH"] + v.keys(1, 3),
    "UNWATCH": lambda v: ["UNWATCH"],
}

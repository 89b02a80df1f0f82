"""Millions of SETs through `redis-cli --pipe`, kill -9, restart, and a look at every value."""

import dataclasses
import math
import os
import re
import subprocess
import time

import daemon as server

VALUE_BYTE_COUNT = 100
KEYS_PER_MGET = 1000


def key(prefix, index):
    return f"{prefix}:{index:012d}"


def value(prefix, index):
    """Printable, different for every key, and known without having been stored elsewhere."""
    return f"{prefix}/{index:012d}/{index * 2654435761 % (1 << 32):08x}".ljust(VALUE_BYTE_COUNT, ".")


def write_script(path, prefix, count):
    """The protocol text that `redis-cli --pipe` sends, made beforehand so as not to be measured.

    The keys come in scattered order, which is the harder one for a store that keeps them sorted.
    """
    stride = 2654435761
    while math.gcd(stride, count) != 1:
        stride += 2
    with open(path, "w", buffering=1 << 20) as script:
        for i in range(count):
            i = i * stride % count
            k, v = key(prefix, i), value(prefix, i)
            script.write(f"*3\r\n$3\r\nSET\r\n${len(k)}\r\n{k}\r\n${len(v)}\r\n{v}\r\n")


def pipe(port, path, count):
    """Sends a script; returns the seconds until the last reply."""
    began = time.monotonic()
    with open(path, "rb") as script:
        result = subprocess.run(["redis-cli", "-p", str(port), "--pipe"], stdin=script,
                                capture_output=True, text=True)
    seconds = time.monotonic() - began
    if result.returncode != 0 or f"errors: 0, replies: {count}" not in result.stdout:
        raise server.Failure(f"redis-cli --pipe: {result.stdout[-500:]}{result.stderr[-500:]}")
    return seconds


def ask(port, *command):
    """One command through redis-cli."""
    result = subprocess.run(["redis-cli", "-p", str(port), *command], capture_output=True, text=True)
    if result.returncode != 0:
        raise server.Failure(f"redis-cli {command[0]}: {result.stderr or result.stdout}")
    return result.stdout.strip()


def values(port, keys):
    """The values of many keys, in order; an absent key gives an empty line."""
    keys = list(keys)
    script = "".join(
        "MGET " + " ".join(keys[start:start + KEYS_PER_MGET]) + "\n"
        for start in range(0, len(keys), KEYS_PER_MGET))
    client = subprocess.Popen(["redis-cli", "-p", str(port)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    found, _ = client.communicate(script)
    lines = found.split("\n")[:-1]
    if client.returncode != 0 or len(lines) != len(keys):
        raise server.Failure(f"redis-cli gave {len(lines)} values for {len(keys)} keys: "
                             f"{lines[:1]}")
    return lines


def count_wrong(port, prefix, count, page=100_000):
    """How many of the loaded keys are missing or hold another value. Reads every one."""
    wrong = 0
    for start in range(0, count, page):
        indices = range(start, min(start + page, count))
        found = values(port, (key(prefix, i) for i in indices))
        wrong += sum(v != value(prefix, i) for i, v in zip(indices, found))
    return wrong


def used_byte_count(path):
    """The blocks a directory takes on disk, holes left out."""
    return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
               for folder, _, names in os.walk(path) for name in names)


@dataclasses.dataclass
class Result:
    count: int
    load_seconds: float
    load_cpu_seconds: float
    most_anonymous_bytes: int
    memory_samples: int
    disk_bytes_at_kill: int
    restart_seconds: float
    key_count: int
    wrong_values: int


def run(daemon, script, count):
    """Loads into a fresh server, kills it as soon as the last reply is there, restarts, compares."""
    daemon.start()
    with server.MemoryWatch(daemon) as memory:
        load_seconds = pipe(daemon.port, script, count)
        cpu_seconds = daemon.cpu_seconds()
        daemon.kill()
        disk = used_byte_count(daemon.data)
        restart_seconds = daemon.start(timeout_seconds=300)
        key_count = int(re.sub(r"\D", "", ask(daemon.port, "DBSIZE")))
        wrong = count_wrong(daemon.port, "load", count)
    return Result(count, load_seconds, cpu_seconds, memory.most, memory.sample_count, disk,
                  restart_seconds, key_count, wrong)

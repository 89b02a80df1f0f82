"""What is compared, with which goals: the questions that bench/engines-compare answers."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the median of the ratios kvd : peer must reach; `most` turns it into a limit."""
    figure: str
    peer: str
    least: float | None = None
    most: float | None = None


@dataclasses.dataclass(frozen=True)
class Limit:
    """What kvd's own median must keep, whatever the peers do."""
    figure: str
    most: float
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    workload: str
    arguments: dict
    # Arguments that differ with --quick.
    quick: dict
    # The figure that a peer's layout is chosen by.
    figure: str
    # The figures that are shown: name, words, format, whether more is better.
    shown: list
    peers: list
    goals: list
    limits: list = dataclasses.field(default_factory=list)
    # In place of the rounds that all others have.
    rounds: int | None = None
    # The workload that leaves what this one begins with, killed at its end.
    prepared_by: str | None = None

    @property
    def is_sustained(self):
        """Whether the store is full before it begins, and time is what it is about."""
        return self.workload == "write" and "load" in self.arguments

    @property
    def more_is_better(self):
        """Of the figure that a layout is chosen by."""
        return next(better for name, _, _, better in self.shown if name == self.figure)

    def set_up(self, options):
        """The arguments of a run."""
        arguments = dict(self.arguments, **(self.quick if options.quick else {}))
        if self.is_sustained and options.sustained_seconds:
            arguments["seconds"] = options.sustained_seconds
        return arguments


LATENCY = [("p50_milliseconds", "p50 latency, ms", ".3f", False),
           ("p99_milliseconds", "p99 latency, ms", ".3f", False)]
WRITE_COSTS = [("keys_per_second_settled", "keys/s, until all is applied or compacted", ",.0f", True),
               ("cpu_microseconds_per_key", "CPU µs per key", ".2f", False),
               ("bytes_written_per_byte", "bytes written per byte put", ".2f", False)]


def batches(threads, peers, goals):
    return Case(
        name=f"synced batch of 10 keys over 8 partitions, {threads} thread{'s' * (threads > 1)}",
        workload="write",
        arguments={"threads": threads, "batch": 10, "keys": 1_000_000, "seconds": 8},
        quick={"seconds": 2},
        figure="batches_per_second",
        shown=[("batches_per_second", "batches/s", ",.0f", True)] + LATENCY + WRITE_COSTS,
        peers=peers,
        goals=[Goal("batches_per_second", peer, least=least) for peer, least in goals.items()])


def sustained(minutes, rounds):
    return Case(
        name=f"the same with 16 threads for {minutes} minutes over 10 M keys",
        workload="write",
        arguments={"threads": 16, "batch": 10, "keys": 10_000_000, "load": 1,
                   "seconds": minutes * 60, "interval": 1},
        quick={"keys": 1_000_000, "seconds": 8},
        figure="keys_per_second_settled",
        shown=[("keys_per_second", "keys/s", ",.0f", True)] + LATENCY
        + [("most_milliseconds", "longest stall, ms", ",.0f", False)] + WRITE_COSTS
        + [("bytes_on_disk_per_byte", "bytes on disk per byte stored", ".2f", False)],
        peers=["rocksdb"],
        goals=[Goal("keys_per_second_settled", "rocksdb", least=1)],
        rounds=rounds)


CASES = [
    batches(1, ["rocksdb", "lmdb"], {"rocksdb": 1.2}),
    batches(16, ["rocksdb", "lmdb"], {"rocksdb": 2, "lmdb": 8}),
    batches(64, ["rocksdb"], {"rocksdb": 2}),
    Case(
        name="point get of 1 M keys at rest, 2 threads",
        workload="get",
        arguments={"threads": 2, "keys": 1_000_000, "gets": 4_000_000},
        quick={"keys": 300_000, "gets": 500_000},
        figure="gets_per_second",
        shown=[("gets_per_second", "gets/s", ",.0f", True),
               ("cpu_microseconds_per_get", "CPU µs per get", ".3f", False)],
        peers=["rocksdb", "lmdb"],
        goals=[Goal("gets_per_second", "rocksdb", least=2),
               Goal("gets_per_second", "lmdb", least=0.6)]),
    Case(
        name="scan of 1 M keys in order over 8 partitions",
        workload="scan",
        arguments={"keys": 1_000_000, "scans": 10},
        quick={"keys": 300_000, "scans": 10},
        figure="keys_per_second",
        shown=[("keys_per_second", "keys/s", ",.0f", True),
               ("cpu_microseconds_per_key", "CPU µs per key", ".3f", False)],
        peers=["rocksdb", "lmdb"],
        goals=[Goal("keys_per_second", "rocksdb", least=1.5),
               Goal("keys_per_second", "lmdb", least=0.5)]),
    Case(
        name="replay of a 1 GiB log after SIGKILL",
        workload="replay",
        # 8.5 M keys of 116 bytes in batches of ten, with each engine's framing.
        arguments={"keys": 8_500_000, "unapplied_mib": 4096},
        quick={"keys": 500_000},
        figure="keys_per_second",
        shown=[("keys_per_second", "keys/s", ",.0f", True),
               ("open_seconds", "seconds to open", ".2f", False),
               ("cpu_seconds", "CPU seconds", ".2f", False),
               ("anonymous_mib", "RssAnon when open, MiB", ",.0f", False),
               ("settle_seconds", "seconds from then until all is applied", ".2f", False)],
        peers=["rocksdb"],
        goals=[Goal("keys_per_second", "rocksdb", least=1.5)],
        prepared_by="fill-log"),
    Case(
        name="delete of a range of 10 M keys",
        workload="delete",
        arguments={"keys": 10_000_000, "live": 1_000_000, "threads": 2, "seconds": 10},
        quick={"keys": 500_000, "live": 200_000, "seconds": 2},
        figure="during_p99_milliseconds",
        shown=[("acknowledged_milliseconds", "acknowledged after, ms", ".2f", False),
               ("carried_out_seconds", "carried out after, s", ".2f", False),
               ("anonymous_growth_mib", "growth of RssAnon, MiB", ".1f", False),
               ("before_p99_milliseconds", "p99 of puts before, ms", ".2f", False),
               ("during_p99_milliseconds", "p99 of puts during, ms", ".2f", False),
               ("p99_ratio", "p99 during / before", ".2f", False),
               ("disk_loaded_mib", "on disk before, MiB", ",.0f", False),
               ("disk_after_mib", "on disk when carried out, MiB", ",.0f", False),
               ("disk_refilled_mib", "on disk with as many new keys, MiB", ",.0f", False),
               ("refilled_per_loaded", "the last / the first", ".2f", False)],
        peers=["rocksdb"],
        goals=[Goal("acknowledged_milliseconds", "rocksdb", most=1),
               Goal("during_p99_milliseconds", "rocksdb", most=1),
               Goal("refilled_per_loaded", "rocksdb", most=1.05)],
        limits=[Limit("acknowledged_milliseconds", 10, " ms"),
                Limit("anonymous_growth_mib", 32, " MiB"), Limit("p99_ratio", 2),
                Limit("refilled_per_loaded", 1.1)]),
    sustained(2, None),
    sustained(10, 1),
]

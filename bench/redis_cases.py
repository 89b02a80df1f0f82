"""What is compared with Redis, and with which goals: the questions that bench/redis-compare answers."""

import dataclasses

KEYSPACE = 1_000_000


@dataclasses.dataclass(frozen=True)
class Workload:
    """One run of redis-benchmark. The requests are a multiple of clients and pipeline, so that
    redis-benchmark sends exactly that many."""
    name: str
    test: str
    clients: int
    pipeline: int
    requests: int
    # The random keys are out of so many.
    keys: int = KEYSPACE
    # What is done before: "write" writes the keys, "settle" has all that was written before carried into
    # the partitions' files.
    before: str | None = None

    def quick(self):
        unit = self.clients * self.pipeline
        return dataclasses.replace(self, requests=max(1, self.requests // 4 // unit) * unit)


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the ratio of the medians kvd : Redis must reach; `most` turns it into a limit."""
    name: str
    figure: str
    least: float | None = None
    most: float | None = None

    def is_held(self, ratio):
        return ratio >= self.least if self.least is not None else ratio <= self.most

    @property
    def words(self):
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"


WORKLOADS = [
    Workload("SET, 1 client", "set", 1, 1, 20_000),
    Workload("SET, 50 clients", "set", 50, 1, 150_000),
    Workload("SET, 200 clients", "set", 200, 1, 150_000),
    Workload("SET, 1,000 clients", "set", 1000, 1, 150_000),
    Workload("SET, 50 clients, pipeline 16", "set", 50, 16, 800_000),
    Workload("GET, 1 client", "get", 1, 1, 40_000),
    Workload("GET, 50 clients", "get", 50, 1, 200_000),
    Workload("GET, 200 clients", "get", 200, 1, 200_000),
    Workload("GET, 1,000 clients", "get", 1000, 1, 200_000),
    Workload("GET, 50 clients, pipeline 16, written just before", "get", 50, 16, 1_600_000, 100_000,
             "write"),
    Workload("GET, 50 clients, pipeline 16, at rest", "get", 50, 16, 1_600_000, before="settle"),
    Workload("MSET of 10, 1 client", "mset", 1, 1, 10_000),
    Workload("MSET of 10, 50 clients", "mset", 50, 1, 60_000),
    Workload("MSET of 10, 50 clients, pipeline 16", "mset", 50, 16, 96_000),
    Workload("INCR, 50 clients", "incr", 50, 1, 150_000),
    Workload("INCR, 50 clients, pipeline 16", "incr", 50, 16, 800_000),
]

# Of the load of all keys, the kill and the restart: figure, words, format.
LOAD_FIGURES = [
    ("sets_per_second", "SETs per second", ",.0f"),
    ("cpu_seconds_per_million", "server CPU seconds per million until the last reply", ".2f"),
    ("most_anonymous_mib", "most RssAnon throughout, MiB", ".0f"),
    ("disk_mib", "on disk when killed, MiB", ",.0f"),
    ("restart_seconds", "from start to the first PONG, seconds", ".3f"),
    ("wrong_values", "values missing or different afterwards", "d"),
]
LOAD = "load, kill -9, restart"

FIGURES = {
    "requests_per_second": "requests/s", "p99_milliseconds": "p99 latency",
    "cpu_seconds_per_million": "CPU of the server per request",
    **{name: words for name, words, _ in LOAD_FIGURES},
}

GOALS = [
    Goal("SET, 1 client", "requests_per_second", least=1.05),
    Goal("SET, 50 clients", "requests_per_second", least=1.25),
    Goal("SET, 200 clients", "requests_per_second", least=1.2),
    Goal("SET, 50 clients, pipeline 16", "requests_per_second", least=2),
    Goal("MSET of 10, 50 clients", "requests_per_second", least=1.6),
    Goal("MSET of 10, 50 clients, pipeline 16", "requests_per_second", least=3),
    Goal("INCR, 50 clients, pipeline 16", "requests_per_second", least=1.7),
    Goal("GET, 50 clients", "requests_per_second", least=1),
    Goal("GET, 50 clients, pipeline 16, written just before", "requests_per_second", least=1.6),
    Goal("GET, 50 clients, pipeline 16, at rest", "requests_per_second", least=1.3),
    Goal("SET, 50 clients", "p99_milliseconds", most=0.9),
    Goal("SET, 50 clients, pipeline 16", "cpu_seconds_per_million", most=0.6),
    Goal(LOAD, "sets_per_second", least=2),
    Goal(LOAD, "restart_seconds", most=0.2),
    Goal(LOAD, "most_anonymous_mib", most=0.3),
]

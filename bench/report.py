"""docs/benchmarks.md from the figures of one run of redis-compare."""

import datetime
import os
import platform
import re
import statistics
import subprocess

import plots
from redis_cases import FIGURES, GOALS, LOAD, LOAD_FIGURES

def machine(directory):
    """What the figures were taken on; `directory` is where the data was."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _first(r"model name\s*:\s*(.*)", "/proc/cpuinfo") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_mebibytes": int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) // 1024,
        "kernel": platform.release(),
        "system": _first(r'PRETTY_NAME="(.*)"', "/etc/os-release"),
        "file_system": _output("df", "--output=fstype", directory).split()[-1],
        "swift": _output("swift", "--version").partition("\n")[0],
        "redis": _output("redis-cli", "--version"),
        "kvd_commit": _commit(),
    }


def _commit():
    """The commit, and whether the sources differ from it; what was written before into docs/ does not count."""
    is_changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ":!docs"]).returncode == 1
    return _output("git", "describe", "--always") + ("-dirty" if is_changed else "")


def _first(pattern, path):
    with open(path) as file:
        found = re.search(pattern, file.read())
    return found and found[1]


def _output(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return result.stdout.strip() or "unknown"


def write(result, path):
    draw(result, os.path.join(os.path.dirname(path), "plots"))
    with open(path, "w") as file:
        file.write("\n".join(lines(result)) + "\n")


def draw(result, folder):
    os.makedirs(folder, exist_ok=True)
    goals = {goal.name: goal.least for goal in GOALS if goal.figure == "requests_per_second"}
    plots.ratios(os.path.join(folder, "daemon-ratios.svg"), "Requests per second: kvd / Redis",
                 [(name, median(kvd) / median(redis), goals.get(name))
                  for name, kvd, redis in pairs(result, "requests_per_second")])
    for test in ["set", "get"]:
        shapes = [w for w in result["workloads"] if (w["test"], w["pipeline"]) == (test, 1)]
        series = [(label, [(w["clients"], median([sample["requests_per_second"] for sample
                                                  in result["samples"][w["name"]][side]]))
                           for w in shapes])
                  for side, label in [("kvd", "kvd"), ("redis", "Redis")]]
        plots.lines(os.path.join(folder, f"daemon-{test}-clients.svg"),
                    f"{test.upper()} without pipelines", "clients", "requests/s", series,
                    logarithmic_y=False, x_ticks=[w["clients"] for w in shapes])


def lines(result):
    machine, commands = result["machine"], result["commands"]
    yield "# Benchmarks"
    yield ""
    yield ("Written by `make bench` (bench/redis-compare) from one run; every ratio is shown, "
           "whatever it is. kvd as a library is compared in [benchmarks-library.md](benchmarks-library.md); "
           "[performance.md](performance.md) tells where the time goes.")
    yield ""
    yield f"- Date: {machine['date']}; kvd at {machine['kvd_commit']}"
    yield (f"- Machine: {machine['processor']}, {machine['cores']} cores, "
           f"{machine['memory_mebibytes']} MiB; the client runs on it too")
    yield f"- System: {machine['system']}, Linux {machine['kernel']}, data on {machine['file_system']}"
    yield f"- Versions: {machine['redis']}; {machine['swift']}"
    yield ("- Both servers make a write durable before they answer it. Values are of 100 bytes, keys "
           "random out of a keyspace of 1,000,000 that was filled before.")
    yield (f"- Measured rounds: {result['rounds']}, after a warm-up, kvd and Redis in turn, each run beginning "
           f"when both servers are idle. Figures are medians; the spread is (most − least) / median.")
    yield ""
    yield "```sh"
    yield from (commands[name] for name in ["kvd", "redis", "client"])
    yield "```"
    yield ""
    yield "## Goals"
    yield ""
    yield "![Requests per second beside Redis](plots/daemon-ratios.svg)"
    yield ""
    yield "| work | what | kvd / Redis | goal | |"
    yield "|---|---|--:|--:|---|"
    for goal in GOALS:
        reached = reached_ratio(result, goal)
        yield (f"| {goal.name} | {FIGURES[goal.figure]} | {reached:.2f} | {goal.words} | "
               f"{'held' if goal.is_held(reached) else '**missed**'} |")
    yield ""
    yield "## Requests per second"
    yield ""
    yield "| what | requests a run | kvd | spread | Redis | spread | kvd / Redis |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    requests = {workload["name"]: workload["requests"] for workload in result["workloads"]}
    for name, kvd, redis in pairs(result, "requests_per_second"):
        yield (f"| {name} | {requests[name]:,} | {median(kvd):,.0f} | {spread(kvd)} | {median(redis):,.0f} | "
               f"{spread(redis)} | {ratio(kvd, redis)} |")
    yield ""
    yield "![SETs per second by clients](plots/daemon-set-clients.svg)"
    yield "![GETs per second by clients](plots/daemon-get-clients.svg)"
    yield ""
    yield "## Latency in milliseconds, as redis-benchmark sees it"
    yield ""
    yield "| what | kvd p50 | Redis p50 | kvd p99 | Redis p99 | p99: kvd / Redis |"
    yield "|---|--:|--:|--:|--:|--:|"
    p99 = {name: values for name, *values in pairs(result, "p99_milliseconds")}
    for name, kvd, redis in pairs(result, "p50_milliseconds"):
        yield (f"| {name} | {median(kvd):.3f} | {median(redis):.3f} | {median(p99[name][0]):.3f} | "
               f"{median(p99[name][1]):.3f} | {ratio(*p99[name])} |")
    yield ""
    yield "## Server CPU seconds per million requests"
    yield ""
    yield ("User and system time of the server process, what it does in the background after a run "
           "included. An MSET counts as one request.")
    yield ""
    yield "| what | kvd | Redis | kvd / Redis |"
    yield "|---|--:|--:|--:|"
    for name, kvd, redis in pairs(result, "cpu_seconds_per_million"):
        yield f"| {name} | {median(kvd):.2f} | {median(redis):.2f} | {ratio(kvd, redis)} |"
    yield ""
    yield from load_lines(result)
    yield ""
    yield "## Correctness"
    yield ""
    yield ("Checked in the same run: DBSIZE after the fill and after the rounds, the values' length, "
           "the sum of all counters against the INCRs sent, and every value after kill -9.")
    yield ""
    yield from (f"- {problem}" for problem in result["problems"] or ["No difference was found."])


def load_lines(result):
    kvd, redis = result["load"]["kvd"], result["load"]["redis"]
    yield f"## {kvd['count']:,} SETs through `redis-cli --pipe`, kill -9, restart"
    yield ""
    yield f"One run each: `{result['commands']['load']}`, killed right after the last reply."
    yield ""
    yield "| what | kvd | Redis | kvd / Redis |"
    yield "|---|--:|--:|--:|"
    for name, words, form in LOAD_FIGURES:
        a, b = load_figure(kvd, name), load_figure(redis, name)
        yield f"| {words} | {a:{form}} | {b:{form}} | {f'{a / b:.2f}' if b else '–'} |"


def load_figure(side, name):
    derived = {
        "sets_per_second": lambda: side["count"] / side["load_seconds"],
        "cpu_seconds_per_million": lambda: side["load_cpu_seconds"] / side["count"] * 1e6,
        "most_anonymous_mib": lambda: side["most_anonymous_bytes"] / 2**20,
        "disk_mib": lambda: side["disk_bytes_at_kill"] / 2**20,
    }
    return derived[name]() if name in derived else side[name]


def reached_ratio(result, goal):
    if goal.name == LOAD:
        return (load_figure(result["load"]["kvd"], goal.figure)
                / load_figure(result["load"]["redis"], goal.figure))
    sides = result["samples"][goal.name]
    kvd, redis = ([sample[goal.figure] for sample in sides[side]] for side in ["kvd", "redis"])
    return median(kvd) / median(redis)


def pairs(result, field):
    for workload in result["workloads"]:
        sides = result["samples"][workload["name"]]
        yield (workload["name"], *([sample[field] for sample in sides[side]]
                                   for side in ["kvd", "redis"]))


def median(values):
    return statistics.median(values)


def spread(values):
    middle = median(values)
    return f"{(max(values) - min(values)) / middle * 100:.0f} %" if middle else "–"


def ratio(kvd, redis):
    return f"{median(kvd) / median(redis):.2f}" if median(redis) else "–"

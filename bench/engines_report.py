"""docs/benchmarks-library.md and its plots from the figures of engines-compare."""

import os
import statistics

import engines
import engines_cases
import plots

CASES = {case.name: case for case in engines_cases.CASES}


def write(result, path):
    folder = os.path.join(os.path.dirname(path), "plots")
    os.makedirs(folder, exist_ok=True)
    draw(result, folder)
    with open(path, "w") as file:
        file.write("\n".join(lines(result)) + "\n")


def joined(results):
    """One result of several, each of some cases, which may be of different builds; the last one counts."""
    cases = {}
    for result in results:
        for case in result["cases"]:
            cases[case["name"]] = dict(case, commit=result["machine"]["kvd_commit"])
    return dict(results[-1], cases=[cases[name] for name in CASES if name in cases])


def median(samples, figure):
    return statistics.median(sample[figure] for sample in samples)


def spread(samples, figure):
    values = [sample[figure] for sample in samples]
    middle = statistics.median(values)
    return f"{(max(values) - min(values)) / middle * 100:.0f} %" if middle else "–"


def ratio(samples, figure, peer):
    """The median of the ratios, one for each pair; None where the peer's figure is zero."""
    pairs = [(a[figure], b[figure]) for a, b in zip(samples["kvd"], samples[peer])]
    if any(b == 0 for _, b in pairs):
        return None
    return statistics.median(a / b for a, b in pairs)


def judged(result):
    """Every goal: the case, what is judged, the figure reached, the goal in words, whether it holds."""
    for measured in result["cases"]:
        case, samples = CASES[measured["name"]], measured["samples"]
        words = {name: shown for name, shown, *_ in case.shown}
        for goal in case.goals:
            reached = ratio(samples, goal.figure, goal.peer)
            against = f"{words[goal.figure]}, kvd / {engines.NAMES[goal.peer]}"
            if reached is None:
                continue
            if goal.least is not None:
                yield case, against, f"{reached:.2f}", f"≥ {goal.least:g}", reached >= goal.least
            else:
                yield case, against, f"{reached:.2f}", f"≤ {goal.most:g}", reached <= goal.most
        for limit in case.limits:
            reached = median(samples["kvd"], limit.figure)
            yield (case, words[limit.figure], f"{reached:.2f}", f"≤ {limit.most:g}{limit.unit}",
                   reached <= limit.most)


def lines(result):
    yield "# The library beside RocksDB and LMDB"
    yield ""
    yield ("Written by `make bench` (bench/engines-compare); every goal is shown, held or missed. How "
           "cost grows with data, partitions and batches is what `make bench-shape` tells.")
    yield ""
    yield from engines.heading(result["machine"])
    yield ("- Every write is durable when it returns, in every engine. Keys are of 16 bytes in random "
           "order, values 100 bytes of noise; batches touch each of the 8 partitions.")
    yield ("- RocksDB keeps all keys in one column family or one for each partition, LMDB in one "
           "database or one for each: whichever was faster in the warm-up. Their settings, with "
           "reasons, are in bench/library/Sources/Engines. LMDB's read transaction is renewed for "
           "each get, and so is kvd's view.")
    yield (f"- Measured rounds: {result['rounds']} where nothing else is said, after a warm-up, in "
           "turns, each run in a fresh process and directory. Figures are medians; a ratio is the "
           "median of the rounds' ratios; the spread is (most − least) / median.")
    yield ("- After each run all of the store was read in order and compared with what had been "
           "acknowledged; a difference ends the comparison.")
    measured = {case["name"] for case in result["cases"]}
    missing = [name for name in CASES if name not in measured]
    if missing and not result["quick"]:
        yield f"- Not measured: {'; '.join(missing)}."
    if result["quick"]:
        yield ("- These are short runs with less data than the names say: a hint, not a figure to rely "
               "on.")
    yield ""
    yield "## Goals"
    yield ""
    yield "![Throughput beside the peers](plots/library-ratios.svg)"
    yield ""
    yield "| work | what | reached | goal | |"
    yield "|---|---|--:|--:|---|"
    for case, what, reached, goal, held in judged(result):
        yield f"| {case.name} | {what} | {reached} | {goal} | {'held' if held else '**missed**'} |"
    for measured in result["cases"]:
        yield ""
        yield from case_lines(measured, result)


def set_up_notes(measured, result):
    """What is different about a case from what is said of all."""
    if measured["rounds"] == 1:
        yield "one run each"
    elif measured["rounds"] != result["rounds"]:
        yield f"{measured['rounds']} rounds"
    if measured.get("commit", result["machine"]["kvd_commit"]) != result["machine"]["kvd_commit"]:
        yield f"kvd at {measured['commit']}"


def case_lines(measured, result):
    case, samples = CASES[measured["name"]], measured["samples"]
    yield f"## {case.name[0].upper()}{case.name[1:]}"
    yield ""
    notes = ", ".join(set_up_notes(measured, result))
    if notes:
        yield f"Here: {notes}."
        yield ""
    sides = ["kvd"] + case.peers
    heads = ["kvd"] + [f"{engines.NAMES[peer]}, {layout_name(peer, measured['layouts'][peer])}"
                       for peer in case.peers]
    yield ("| what | " + " | ".join(f"{head} | spread" for head in heads) + " | "
           + " | ".join(f"kvd / {engines.NAMES[peer]}" for peer in case.peers) + " |")
    yield "|---|" + "--:|" * (2 * len(sides) + len(case.peers))
    for figure, words, form, _ in case.shown:
        cells = [f"{median(samples[side], figure):{form}} | {spread(samples[side], figure)}"
                 for side in sides]
        ratios = [ratio(samples, figure, peer) for peer in case.peers]
        cells += ["–" if r is None else f"{r:.2f}" for r in ratios]
        yield f"| {words} | {' | '.join(cells)} |"
    log = {side: samples[side][0].get("log_bytes") for side in sides}
    if log["kvd"]:
        yield ""
        sizes = ", ".join(f"{engines.NAMES[side]} {log[side] / 2**20:,.0f} MiB" for side in sides)
        yield (f"The log that was replayed: {sizes}. Both may keep all of it in memory; RocksDB writes its "
               "memtables out before it is open, kvd applies them afterwards, which is the last row.")
    for peer, figures in measured["tried"].items():
        if len(figures) > 1:
            others = ", ".join(f"{layout_name(peer, layout)} {value:,.2f}"
                               for layout, value in figures.items())
            yield ""
            yield f"{engines.NAMES[peer]} in the warm-up, {case.figure.replace('_', ' ')}: {others}."
    if case.is_sustained:
        yield ""
        yield f"![Keys per second over time]({plot_name(case)})"
    yield ""
    yield "```sh"
    yield from measured["commands"]
    yield "```"


def layout_name(engine, layout):
    whole = {"rocksdb": "column family", "lmdb": "database"}[engine]
    return f"one {whole}" if layout == "one" else f"a {whole} for each partition"


def plot_name(case):
    return f"plots/library-sustained-{case.arguments['seconds'] // 60}-minutes.svg"


def draw(result, folder):
    bars = []
    for measured in result["cases"]:
        case = CASES[measured["name"]]
        for peer in case.peers:
            goal = next((g.least for g in case.goals if g.peer == peer and g.figure == case.figure),
                        None)
            if not case.more_is_better:
                continue
            name = case.name.replace("synced batch of 10 keys over 8 partitions", "batch of 10")
            name = name.replace(" in order over 8 partitions", "").replace("the same with", "for")
            bars.append((f"{name} : {engines.NAMES[peer]}",
                         ratio(measured["samples"], case.figure, peer), goal))
        if case.is_sustained:
            series = [(engines.NAMES[side], intervals(runs[len(runs) // 2]))
                      for side, runs in measured["samples"].items()]
            plots.lines(os.path.join(os.path.dirname(folder), plot_name(case)),
                        "Keys put per second, in batches of 10 with 16 threads", "seconds", "keys/s",
                        series, logarithmic_x=False, logarithmic_y=False)
    plots.ratios(os.path.join(folder, "library-ratios.svg"), "Throughput: kvd / peer", bars)


def intervals(sample):
    """A run's keys per second, interval by interval."""
    seconds = sample["interval_seconds"]
    return [((i + 1) * seconds, keys / seconds)
            for i, keys in enumerate(sample["keys_in_intervals"])]

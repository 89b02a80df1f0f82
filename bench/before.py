"""This build of kvd beside an earlier one, interleaved in one run."""

import statistics

NAME = "before"

# A row that has fallen below this has become slower; less is noise.
LEAST_RATIO = 0.97


def report(unit, rows, problems=(), less_is_better=()):
    """Prints a line for each row (name, figures now, figures before) and returns the exit status: 1 where one has
    become slower, or there are problems."""
    slower = []
    print(f"\n| {unit} | now | before | now / before |\n|---|--:|--:|--:|")
    for name, now, before in rows:
        ratio = statistics.median(now) / (statistics.median(before) or 1)
        if name in less_is_better:
            ratio = 1 / ratio if ratio else 1
        print(f"| {name} | {statistics.median(now):,.2f} | {statistics.median(before):,.2f} | {ratio:.3f} |")
        if ratio < LEAST_RATIO:
            slower.append(name)
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print(f"slower than {LEAST_RATIO} of before: {', '.join(slower) or 'none'}")
    return 1 if slower or problems else 0

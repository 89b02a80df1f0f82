"""This build of kvd beside an earlier one, interleaved in one run."""

import math
import statistics

NAME = "before"

# A row whose ratio is below this has become slower.
LEAST_RATIO = 0.97


def ratios(now, before, less_is_better):
    """One for each round, whose two runs follow one another, so that what the machine does meanwhile meets both."""
    pairs = zip(before, now) if less_is_better else zip(now, before)
    return [dividend / divisor if divisor else 1 for dividend, divisor in pairs]


def interval(values):
    """Where the median of ever more rounds would lie, with a probability of 95 %: two of the values in order, which
    are as far from the middle as so many throws of a coin are (the sign test's interval)."""
    ordered, count = sorted(values), len(values)
    reach = 0.98 * math.sqrt(count)
    low = max(0, math.floor(count / 2 - reach))
    high = min(count - 1, math.ceil(count / 2 + reach) - 1)
    return ordered[low], ordered[high]


def show(unit, rows, less_is_better=()):
    """Prints a line for each row (name, figures now, figures before). Returns the names of those that have become
    slower, and of those of which so few rounds cannot tell."""
    slower, undecided, logarithms = [], [], []
    print(f"\n| {unit} | now | before | better by a factor of | 95 % interval |\n|---|--:|--:|--:|--:|")
    for name, now, before in rows:
        each = ratios(now, before, name in less_is_better)
        low, high = interval(each)
        print(f"| {name} | {statistics.median(now):,.2f} | {statistics.median(before):,.2f} "
              f"| {statistics.median(each):.3f} | {low:.3f} to {high:.3f} |")
        logarithms += [math.log(factor) for factor in each]
        if high < LEAST_RATIO:
            slower.append(name)
        elif low < LEAST_RATIO:
            undecided.append(name)
    print(f"| all rows | | | {together(logarithms)} | |")
    return slower, undecided


def together(logarithms):
    """The geometric mean of all pairs of runs, and twice its standard error: what a machine whose speed comes and
    goes can tell best."""
    mean = statistics.fmean(logarithms)
    error = statistics.stdev(logarithms) / math.sqrt(len(logarithms)) if len(logarithms) > 1 else 0
    return f"{math.exp(mean):.3f} ± {2 * error:.3f}"


def report(unit, rows, problems=(), less_is_better=()):
    """The same, with the problems, and returns the exit status: 1 where one has become slower, or there are any."""
    slower, undecided = show(unit, rows, less_is_better)
    for problem in problems:
        print(f"PROBLEM  {problem}")
    print(f"worse than {LEAST_RATIO} of before: {', '.join(slower) or 'none'}")
    print(f"not decided by so many rounds: {', '.join(undecided) or 'none'}")
    return 1 if slower or problems else 0

"""Takes away from a history all that a difference does not need."""

import dataclasses


def reduced(steps, difference, player, budget=400):
    """A short history that still ends in a difference of the same kind, and that difference."""
    signature = difference.signature()
    best = steps[:difference.at + 1]
    found = difference

    def attempt(candidate):
        nonlocal best, found, budget
        if budget <= 0 or not candidate:
            return False
        budget -= 1
        other = player.play(candidate)
        if other is None or other.signature() != signature:
            return False
        best, found = candidate[:other.at + 1], other
        return True

    size = max(1, len(best) // 2)
    while size:
        at = 0
        while at < len(best):
            if not attempt(best[:at] + best[at + size:]):
                at += size
        size //= 2
    attempt([dataclasses.replace(step, joined=False) for step in best])
    attempt([dataclasses.replace(step, connection=0) for step in best])
    for index in range(len(best)):
        _shorten(best, index, attempt)
    return best, found


def _shorten(steps, index, attempt):
    """Long arguments become short, where that changes nothing."""
    if index >= len(steps) or steps[index].raw is not None:
        return
    for position, argument in enumerate(steps[index].arguments):
        if len(argument) <= 20:
            continue
        for length in (0, 1, 8):
            arguments = list(steps[index].arguments)
            arguments[position] = argument[:length]
            shorter = dataclasses.replace(steps[index], arguments=tuple(arguments))
            if attempt(steps[:index] + [shorter] + steps[index + 1:]):
                break

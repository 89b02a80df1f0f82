"""Reduces what a failing image lost to a few writes with which it still fails the same way."""
import os
import shutil
import time

from choices import Told, describe


def report(run, failure, seconds):
    """Prints the smallest loss that was found in so many seconds."""
    if seconds <= 0:
        return
    search = Search(run, failure, time.monotonic() + seconds)
    # The crash in a recovery may not be needed: the first image that fails by itself is the simplest.
    for number, crash in enumerate(run.crashes):
        if search.fails(crash, crash.lost):
            break
    else:
        print("fuzz-power: the image does not fail when it is made again: it is not the bytes alone", flush=True)
        return
    lost = search.reduced(crash)
    where = "" if number == 0 else f", in recovery {number} of the image before it"
    print(
        f"fuzz-power: {len(crash.lost)} losses reduced to {len(lost)} in {search.count} images{where}"
        f"{'' if search.is_done else ' (the time was up before it was minimal)'}:"
    )
    for line in describe(lost, crash.time):
        print(f"    {line}", flush=True)
    print(f"    then: {search.failure.strip()}", flush=True)


class Search:
    def __init__(self, run, failure, deadline):
        self.run = run
        self.failure = failure
        self.kind = kind(failure)
        self.deadline = deadline
        self.count = 0
        self.is_done = True

    def fails(self, crash, lost):
        target = os.path.join(self.run.folder, "smaller")
        crash.write(target, Told(lost))
        self.count += 1
        failure = self.run.check(target)
        shutil.rmtree(target, ignore_errors=True)
        if not failure or kind(failure) != self.kind:
            return False
        self.failure = failure
        return True

    def reduced(self, crash):
        """Whole files first, then ever smaller parts, until no single loss can be left out."""
        lost = sorted(crash.lost, key=lambda key: (key[0][0], key[0][2], str(key)))
        for path in sorted({key[0][0] for key in lost}):
            lost = self.without(crash, lost, [key for key in lost if key[0][0] == path])
        size = len(lost) // 2
        while size > 0 and self.is_done:
            before = len(lost)
            for first in range(len(lost) - size, -size, -size):
                lost = self.without(crash, lost, lost[max(first, 0) : first + size])
            size = size // 2 if size > 1 else (1 if len(lost) < before else 0)
        return lost

    def without(self, crash, lost, part):
        """`lost` without `part` where that fails as well."""
        if time.monotonic() > self.deadline:
            self.is_done = False
        if not self.is_done or not part:
            return lost
        gone = set(part)
        rest = [key for key in lost if key not in gone]
        return rest if self.fails(crash, rest) else lost


def kind(failure):
    """The step that failed."""
    return failure.split(" ended with ")[0]

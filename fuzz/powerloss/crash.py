"""One recorded run, and the images that are built from it and judged."""
import json
import os
import random
import shutil
import subprocess

import choices
import disk
import trace


class Crash:
    """A disk as far as its trace was replayed, the instant of the crash, and what was lost in it."""

    def __init__(self, source, events, place, choose):
        self.source = source
        self.coming = events[place : place + 200]
        self.time = instant(events, place, choose)
        self.lost = set()

    def write(self, target, choices):
        shutil.rmtree(target, ignore_errors=True)
        self.source.write_image(target, self.time, choices, self.coming)

    def happen(self, target, choose):
        chance = choices.Chance(choose)
        self.write(target, chance)
        self.lost = chance.lost


class TraceRun:
    def __init__(self, options, base, seed):
        self.options = options
        self.seed = seed
        self.folder = os.path.join(os.path.abspath(base), f"trace-{seed}")
        self.store = os.path.join(self.folder, "store")
        self.target = os.path.join(self.folder, "image")
        self.environment = dict(os.environ)
        if options.bug:
            self.environment["KVD_BUG"] = options.bug
        self.events = []
        self.crashes = []  # of the last image: the first, then those in its recovery

    def record(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        environment = dict(self.environment)
        if self.options.forget:
            environment["KVD_TRACE_FORGET"] = self.options.forget
            environment["KVD_TRACE_FORGET_EACH"] = str(self.options.forget_each)
        command = [self.options.drive, "--preload", self.options.recorder, "--work", self.folder]
        command += ["--seed", str(self.seed), "--kvd", self.options.kvd]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            print(f"fuzz-power: recording failed:\n{result.stdout}{result.stderr}")
            return False
        shutil.rmtree(self.store)
        with open(os.path.join(self.folder, "origin.json"), "w") as file:
            json.dump({"store": self.store, "image": self.target}, file)
        return self.load()

    def load(self):
        """Takes up the trace in the folder, which may have been moved since."""
        path = os.path.join(self.folder, "trace")
        if not os.path.exists(path):
            return False
        with open(os.path.join(self.folder, "origin.json")) as file:
            self.origin = json.load(file)
        self.events = trace.read(path)
        self.disk = disk.Disk(self.origin["store"])
        self.replayed = 0
        return bool(self.events)

    def place(self, number):
        """The crash place of an image, as a number of events; it hangs on no other image."""
        return random.Random(f"place {self.seed}.{number}").randrange(1, len(self.events) + 1)

    def places(self, count):
        """The numbers of the first images, in the order of their crash places."""
        return sorted(range(count), key=self.place)

    def image(self, number, is_replay=False):
        """Builds and checks one image; what is wrong with it, or None."""
        place = self.place(number)
        while self.replayed < place:
            self.disk.step(self.events[self.replayed])
            self.replayed += 1
        choose = random.Random(f"image {self.seed}.{number}")
        self.crashes = [Crash(self.disk, self.events, place, choose)]
        self.crashes[0].happen(self.target, choose)
        while choose.random() < 0.2:
            failure = self.crash_in_recovery(choose, is_replay)
            if failure:
                return failure
        failure = self.check(self.target)
        if not failure:
            shutil.rmtree(self.target)
        return failure

    def crash_in_recovery(self, choose, is_replay):
        """Recovers under the recorder, and puts an image of a crash in the middle in the place of the image.

        A replay recovers too, but crashes where the kept trace of the first time did."""
        path = os.path.join(self.folder, f"recovery-{len(self.crashes)}.trace")
        before = disk.Disk(self.origin["image"])
        before.load(self.target)
        environment = dict(self.environment)
        if not is_replay:
            if os.path.exists(path):
                os.remove(path)
            environment |= {
                "LD_PRELOAD": self.options.recorder,
                "KVD_TRACE_DIRECTORY": self.target,
                "KVD_TRACE_FILE": path,
            }
        failure = self.recover(self.target, environment)
        if failure:
            return failure
        events = trace.read(path) if os.path.exists(path) else []
        if not events:
            return None
        place = choose.randrange(1, len(events) + 1)
        for event in events[:place]:
            before.step(event)
        crash = Crash(before, events, place, choose)
        crash.happen(self.target, choose)
        self.crashes.append(crash)
        return None

    def recover(self, target, environment=None):
        # Exit status 2 is that there is no store yet: then `kvd serve` must be able to make one.
        result = self.run([self.options.kvd, "recover", "--data", target], environment)
        if result.returncode == 0:
            return None
        if result.returncode == 2 and not os.path.exists(os.path.join(target, "MANIFEST")):
            return None
        return f"kvd recover ended with {result.returncode}: {result.stdout}{result.stderr}"

    def check(self, target):
        failure = self.recover(target)
        if failure:
            return failure
        if os.path.exists(os.path.join(target, "MANIFEST")):
            result = self.run([self.options.kvd, "check", "--data", target])
            if result.returncode:
                return f"kvd check ended with {result.returncode}: {result.stdout}{result.stderr}"
        # What was acknowledged is what was before the first crash.
        command = [self.options.drive, "--image", target, "--record", os.path.join(self.folder, "record")]
        result = self.run(command + ["--until", str(self.crashes[0].time), "--kvd", self.options.kvd])
        if result.returncode:
            return f"kvd-drive --image ended with {result.returncode}:\n{result.stdout}{result.stderr}"
        return None

    def run(self, command, environment=None):
        try:
            return subprocess.run(
                command, env=environment or self.environment, capture_output=True, text=True, timeout=120
            )
        except subprocess.TimeoutExpired as expired:
            return subprocess.CompletedProcess(command, "no answer in 120 seconds", "", str(expired))

    def remove(self):
        shutil.rmtree(self.folder)


def instant(events, place, choose):
    """Between a call's end and the next one's: what had begun by then may be on the disk."""
    first = events[place - 1].end
    return choose.randint(first, events[place].end - 1 if place < len(events) else first)

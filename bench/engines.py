"""Runs kvd-engines: one workload, one engine, a fresh process and a fresh directory each time."""

import hashlib
import json
import os
import shutil
import signal
import subprocess

import daemon as server

PROGRAM = os.path.join(server.ROOT, ".build/library/release/kvd-engines")
NAMES = {"kvd": "kvd", "rocksdb": "RocksDB", "lmdb": "LMDB"}
LAYOUTS = ["one", "partitioned"]


# Where another program than PROGRAM runs an engine: an earlier build of kvd beside this one.
OTHER_PROGRAMS = {}


def command(engine, workload, arguments, directory, layout="one"):
    is_kvd = engine == "kvd" or engine in OTHER_PROGRAMS
    parts = [OTHER_PROGRAMS.get(engine, PROGRAM), workload, "--engine", "kvd" if is_kvd else engine]
    if not is_kvd:
        parts += ["--layout", layout]
    for name, value in arguments.items():
        parts += ["--" + name.replace("_", "-"), str(value)]
    return parts + ["--directory", directory]


def shown(engine, workload, arguments, layout="one"):
    """The command as a reader may type it."""
    parts = command(engine, workload, arguments, "DIR", layout)
    return " ".join([os.path.relpath(PROGRAM, server.ROOT)] + parts[1:])


class Runner:
    """Runs engines below one scratch directory, and never leaves one behind."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.count = 0

    def fresh(self):
        self.count += 1
        path = os.path.join(self.scratch, f"run-{self.count}")
        os.makedirs(path)
        return path

    def run(self, engine, workload, arguments, layout="one", template=None):
        """The figures of one run. With `template`, the directory begins as a copy of that one."""
        path = self.fresh()
        if template:
            shutil.copytree(template, path, dirs_exist_ok=True)
        try:
            return self._figures(command(engine, workload, arguments, path, layout), 0)
        finally:
            shutil.rmtree(path)

    def run_until_killed(self, engine, workload, arguments, layout="one"):
        """The figures of a run that ends by SIGKILL, and the directory that it leaves."""
        path = self.fresh()
        parts = command(engine, workload, arguments, path, layout)
        return self._figures(parts, -signal.SIGKILL), path

    def _figures(self, parts, status):
        # A store must not find its files in better order because another's are still being written.
        os.sync()
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        process = subprocess.Popen(parts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment)
        try:
            output, errors = process.communicate()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != status:
            raise server.Failure(f"{' '.join(parts)}: status {process.returncode}: {errors[-500:]}")
        return json.loads(output.splitlines()[-1])


class Results:
    """What has been measured, kept in a file as it comes, so that a run of hours can go on after an end."""

    def __init__(self, path, beginning, resumes):
        self.path = path
        self.all = dict(beginning, build=build())
        if resumes and os.path.exists(path):
            with open(path) as file:
                earlier = json.load(file)
            if earlier.get("build") != self.all["build"]:
                raise SystemExit(f"{path} was measured with another build; begin again without --resume")
            self.all = earlier

    def __getitem__(self, name):
        return self.all[name]

    def add(self, name, measured):
        self.all[name].append(measured)
        with open(self.path + ".new", "w") as file:
            json.dump(self.all, file, indent=1)
        os.replace(self.path + ".new", self.path)


def build():
    """What tells one build of the engines from another."""
    with open(PROGRAM, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def version(package):
    result = subprocess.run(["pkg-config", "--modversion", package], capture_output=True, text=True)
    return result.stdout.strip() or "unknown"


def machine(directory):
    """What the figures were taken on, with the peers' versions."""
    import report

    facts = report.machine(directory)
    facts.pop("redis", None)
    return dict(facts, rocksdb=version("rocksdb"), lmdb=version("lmdb"))


def heading(machine):
    """The lines that tell where and when."""
    yield f"- Date: {machine['date']}; kvd at {machine['kvd_commit']}"
    yield (f"- Machine: {machine['processor']}, {machine['cores']} cores, "
           f"{machine['memory_mebibytes']} MiB")
    yield f"- System: {machine['system']}, Linux {machine['kernel']}, data on {machine['file_system']}"
    yield f"- Versions: RocksDB {machine['rocksdb']}, LMDB {machine['lmdb']}; {machine['swift']}"

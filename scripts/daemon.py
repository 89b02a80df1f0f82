"""Starting, killing and watching one server, for the demo, the benchmarks and the client tests.

The server is whatever a command says, `{data}` and `{port}` filled in, so that the same scripts run
against kvd and, for comparison, against redis-server. Only the standard library is used. Only
processes that were started here are ever signalled, each by its own id.
"""

import atexit
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

REDIS = (
    "redis-server --port {port} --bind 127.0.0.1 --dir {data} --logfile '' --daemonize no "
    "--appendonly yes --appendfsync always --save ''"
)

# The root of the package; scripts put scratch data under its .build, which is on a real disk.
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KVD_PROGRAM = os.path.join(ROOT, ".build/release/kvd")
KVD = shlex.quote(KVD_PROGRAM) + " serve --data {data} --port {port}"

_running = []


class Failure(Exception):
    """Something that the person who runs the script must know, in a sentence."""


def free_port():
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A server and its data directory. It may be started again after `kill` or `stop`."""

    def __init__(self, command, data):
        self.command = command
        self.data = data
        self.port = free_port()
        self.process = None
        self.log_path = data.rstrip("/") + ".log"
        os.makedirs(data, exist_ok=True)

    @property
    def pid(self):
        return self.process.pid

    def spawn(self):
        """Starts the process and returns at once."""
        arguments = [
            part.replace("{data}", self.data).replace("{port}", str(self.port))
            for part in shlex.split(self.command)
        ]
        with open(self.log_path, "ab") as log:
            try:
                self.process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise Failure(f"cannot start {arguments[0]}: {error.strerror}") from None
        _running.append(self.process)

    def start(self, timeout_seconds=60):
        """Starts the process; returns the seconds until the first PING was answered."""
        began = time.monotonic()
        self.spawn()
        self.wait_until_ready(began + timeout_seconds)
        return time.monotonic() - began

    def wait_until_ready(self, deadline):
        while not self._answers_ping():
            if self.process.poll() is not None:
                raise Failure(
                    f"the server ended by itself with status {self.process.returncode}; "
                    f"its last words:\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise Failure(f"no answer to PING in time; the log's end:\n{self.log_tail()}")
            time.sleep(0.001)

    def _answers_ping(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"*1\r\n$4\r\nPING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self):
        """kill -9: the process gets no chance to finish anything."""
        self.process.kill()
        self.process.wait()
        _running.remove(self.process)

    def stop(self, timeout_seconds=60):
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        try:
            status = self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("the server did not stop within a minute of SIGTERM") from None
        _running.remove(self.process)
        return status

    def log_tail(self, line_count=15):
        with open(self.log_path, errors="replace") as log:
            return "".join(log.readlines()[-line_count:]).strip()

    def memory_byte_count(self, field="RssAnon"):
        """A field of /proc/PID/status, or 0 when the process is gone."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                for line in status:
                    if line.startswith(field + ":"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass
        return 0

    def cpu_seconds(self):
        """User and system time so far, that of waited-for children included."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


class MemoryWatch:
    """The most anonymous memory the server had, looked at every few milliseconds."""

    def __init__(self, daemon, interval_seconds=0.01):
        self.daemon = daemon
        self.interval_seconds = interval_seconds
        self.most = 0
        self.sample_count = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(self.interval_seconds):
            if self.daemon.process is not None:
                self.most = max(self.most, self.daemon.memory_byte_count())
                self.sample_count += 1


def redis_command(scratch):
    """The command that starts Redis as durable as kvd is by default.

    Debian's redis-tools holds the server as `redis-check-rdb`: one program, told apart by its name.
    """
    if shutil.which("redis-server"):
        return REDIS
    program = shutil.which("redis-check-rdb")
    if program is None:
        raise Failure("there is no redis-server; on Debian: apt-get install redis-tools")
    link = os.path.join(scratch, "redis-server")
    os.symlink(program, link)
    return REDIS.replace("redis-server", shlex.quote(link), 1)


def scratch_directory(parent, prefix):
    """A directory that is gone when the script ends, after the servers that write to it."""
    os.makedirs(parent, exist_ok=True)
    path = tempfile.mkdtemp(prefix=prefix, dir=parent)

    def remove():
        end_all()
        shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


def end_all():
    """Ends every server this script still has running."""
    while _running:
        process = _running.pop()
        process.kill()
        process.wait()


def guard(limit_seconds):
    """Bounds the script in time, and lets no way of ending it leave a server behind."""

    def time_is_up(*_):
        raise Failure(f"not done within {limit_seconds} s: giving up")

    def asked_to_stop(number, _):
        sys.exit(128 + number)

    atexit.register(end_all)
    signal.signal(signal.SIGALRM, time_is_up)
    signal.alarm(limit_seconds)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, asked_to_stop)

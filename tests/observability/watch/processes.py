"""Programs that run beside the proof, and end with it."""
import contextlib
import signal
import subprocess
import sys
import threading

from proof.report import Failure
from proof.waiting import eventually

LINES = 60


class Process:
    """A program whose lines, of standard output and of standard error, are kept."""

    def __init__(self, line):
        self.name = str(line[0]).rpartition("/")[2]
        self.lines = []
        self.child = subprocess.Popen([str(word) for word in line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    def line(self, what, wanted, seconds=60):
        """What `wanted` makes of the first line of which it makes anything."""
        def probe():
            if self.child.poll() is not None:
                self.reader.join()
            found = next(filter(None, map(wanted, list(self.lines))), None)
            if found is None and self.child.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.child.returncode}:\n{self.tail()}")
            return found
        try:
            return eventually(f"{what} of {self.name}", probe, seconds)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.tail()}") from failure

    def runs(self):
        if self.child.poll() is not None:
            raise Failure(f"{self.name} ended with {self.child.returncode}:\n{self.tail()}")

    def tail(self):
        return "\n".join(f"  {line}" for line in self.lines[-LINES:])

    def end(self):
        self.child.terminate()
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.reader.join()


def end_in_order():
    """SIGTERM ends the proof as an error does, so that no program is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@contextlib.contextmanager
def running(*line):
    process = Process(line)
    try:
        yield process
    finally:
        process.end()

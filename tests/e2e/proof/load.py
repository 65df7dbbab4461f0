"""A load of requests that runs beside a fault and records each one that is lost, with its time and cause.

Some clients keep their connection, others open one for each request. Nothing is sent twice: what a client would have tried again
is lost here. It knows nothing of Kubernetes."""
import dataclasses
import http.client
import select
import threading
import time

from .report import Failure
from .request import ask, connection
from .waiting import eventually, throughout


@dataclasses.dataclass(frozen=True)
class Lost:
    """`at`: seconds since the load began. `answered`: there was an answer, and it was wrong."""
    at: float
    client: str
    answered: bool
    cause: str

    def __str__(self):
        return f"at {self.at:.2f} s, {self.client} connection: {self.cause}"


@dataclasses.dataclass(frozen=True)
class Target:
    """`expected`: how the body of a right answer begins. `tls`: a context, for HTTPS under the name `host`."""
    address: str
    port: int
    host: str
    expected: str
    path: str = "/"
    tls: object = None

    def connect(self):
        return connection(self.address, self.port, self.host, self.tls)


class Load:
    """Runs inside of a `with`. `pace`: seconds between the requests of one client. `each`: how many of each client show that it
    goes on. `looks`: whether a client sees, before it asks, that the server has ended the connection which it kept; without it,
    only a server that has said so may."""

    def __init__(self, target, kept=4, fresh=2, pace=0.02, each=5, looks=False):
        self.target, self.pace, self.each, self.looks = target, pace, each, looks
        self.clients = kept + fresh
        self.sent, self.slowest, self.lost = 0, 0.0, []
        self._began = time.monotonic()
        self._guard, self._ending = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(number < kept,), daemon=True) for number in range(self.clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _client(self, keeps):
        over = None
        while not self._ending.is_set():
            if self.looks and over and select.select([over.sock], [], [], 0)[0]:
                over.close()
                over = None
            kind = "kept" if over else "new"
            began = time.monotonic()
            try:
                over = over or self.target.connect()
                answer = ask(over, self.target.host, self.target.path)
                wrong = answer.status != 200 or not answer.body.startswith(self.target.expected)
                self._record(began, kind, True, str(answer) if wrong else None)
                gone = not keeps or over.sock is None
            except (OSError, http.client.HTTPException) as error:
                self._record(began, kind, False, f"{type(error).__name__}: {error}")
                gone = True
            if gone and over:
                over.close()
                over = None
            self._ending.wait(self.pace)
        if over:
            over.close()

    def _record(self, began, client, answered, cause):
        now = time.monotonic()
        with self._guard:
            self.sent += 1
            self.slowest = max(self.slowest, now - began)
            if cause:
                self.lost.append(Lost(now - self._began, client, answered, cause))

    def now(self):
        return time.monotonic() - self._began

    def goes_on(self):
        """Waits for each client to have sent some more."""
        wanted = self.sent + self.each * self.clients
        eventually("the load goes on", lambda: self.sent >= wanted, 60, every=0.02)

    def runs_for(self, seconds):
        """Lets it run, and fails with the first request that is lost."""
        throughout("no request is lost", lambda: self.none_lost() or True, seconds)

    def none_lost(self):
        if self.lost:
            raise Failure(f"expected no request to be lost, found {self}\n" + self.causes())

    def causes(self):
        lines = [f"  {lost}" for lost in self.lost[:20]]
        return "\n".join([*lines, f"  ... and {len(self.lost) - 20} more"] if len(self.lost) > 20 else lines)

    def __str__(self):
        return f"{self.sent} requests, {len(self.lost)} lost, the slowest took {self.slowest * 1000:.0f} ms"

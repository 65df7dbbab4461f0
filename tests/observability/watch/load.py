"""Requests to every host of an inventory of `postern-outcomes`, again and again, over connections of their own. Each answer must be the one
that the inventory promises. It knows nothing of metrics."""
import http.client
import itertools
import ssl
import threading
import uuid

from proof.report import Failure
from proof.request import ask, connection, trusting
from proof.waiting import eventually

PACE = 0.25
PATIENCE = 30
METHODS = ("GET", "POST", "DELETE", "OPTIONS", "BREW")


def entries(inventory):
    return [*inventory["results"], *inventory["varieties"]]


class Load:
    """`addresses`: where the port of a Gateway is, as pairs of host and port, by `(gateway, port)`. `change` is called each second, and
    changes an object."""

    def __init__(self, inventory, addresses, change):
        self.entries, self.addresses = entries(inventory), addresses
        self.context = trusting(inventory["listener_ca"])
        self.answered = {entry["name"]: 0 for entry in self.entries}
        self.wrong = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(entry,), daemon=True) for entry in self.entries]
        self._threads.append(threading.Thread(target=self._unrest, args=(change,), daemon=True))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _client(self, entry):
        while not self._ending.is_set():
            try:
                answer = self.ask(entry)
                if answer.status == entry["status"] or self._ending.is_set():
                    self.answered[entry["name"]] += 1
                else:
                    self.wrong.append(f"{entry['host']}: expected {entry['status']}, found {answer}")
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"{entry['host']}: {type(error).__name__}: {error}")
            self._ending.wait(PACE)

    def _unrest(self, change):
        for number in itertools.count():
            try:
                change(number)
                self.strange(1)
            except (Failure, OSError, http.client.HTTPException) as error:
                self.wrong.append(f"beside: {type(error).__name__}: {error}")
            if self._ending.wait(1):
                return

    def ask(self, entry, path="/"):
        over = self._connection(entry)
        try:
            return ask(over, entry["host"], path)
        finally:
            over.close()

    def _connection(self, entry):
        address, port = self.addresses[entry["gateway"], entry["listener_port"]]
        context = self.context if entry["scheme"] == "https" else None
        return connection(address, port, entry["host"], context, PATIENCE)

    def goes_on(self, more=2):
        """Waits until every host has been asked some more, and fails if an answer was wrong."""
        wanted = {name: count + more for name, count in self.answered.items()}
        def probe():
            behind = [name for name, count in self.answered.items() if count < wanted[name]]
            if behind and not self.wrong:
                raise Failure(f"no answer yet from {', '.join(behind)}")
            return True
        eventually("every host answers", probe, 60)
        self.is_right()

    def is_right(self):
        if self.wrong:
            raise Failure("answers that are not the promised ones:\n" + "\n".join(f"  {text}" for text in self.wrong[:20]))

    def strange(self, count):
        """Requests that have nothing in common with earlier ones: hosts, paths, fields and methods that nobody knows, server names
        that nobody serves."""
        good = next(entry for entry in self.entries if entry["name"] == "ok")
        secure = next(entry for entry in self.entries if entry["scheme"] == "https")
        for _, method in zip(range(count), itertools.cycle(METHODS)):
            word = uuid.uuid4().hex
            self._send(good, method, f"/{word}?{word}={word}", good["host"], {f"x-{word}": word, "user-agent": word})
            self._send(good, method, f"/{word}", f"{word}.example", {})
            self._send(good, word.upper(), "/", good["host"], {})
            self._refuse(secure, f"{word}.example")

    def _send(self, entry, method, path, host, fields):
        over = self._connection(entry)
        try:
            over.request(method, path, headers={"Host": host, **fields})
            over.getresponse().read()
        finally:
            over.close()

    def _refuse(self, entry, name):
        """A TLS handshake that the client gives up, since the server is not who it should be."""
        over = connection(*self.addresses[entry["gateway"], entry["listener_port"]], name, ssl.create_default_context(), PATIENCE)
        try:
            over.connect()
        except OSError:
            return
        finally:
            over.close()
        raise Failure(f"{name} is trusted by a client that knows no CA of ours")

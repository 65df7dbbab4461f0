"""Requests: by curl, as a person would send them, and straight over a connection of one's own."""
import dataclasses
import http.client
import socket
import ssl

from .kubectl import run


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    body: str

    def __str__(self):
        return f"{self.status} {self.body.strip()[:300]!r}"


def curl(url, host):
    text = run("curl", "-sS", "--noproxy", "*", "--max-time", "15", "-H", f"host: {host}", "-w", "\n%{http_code}", url)
    body, _, status = text.rpartition("\n")
    return Answer(int(status), body)


class NamedTls(http.client.HTTPSConnection):
    """HTTPS to an address, under the name of a server."""

    def __init__(self, address, port, name, context, timeout):
        super().__init__(address, port, timeout=timeout, context=context)
        self.name, self.tls = name, context

    def connect(self):
        plain = socket.create_connection((self.host, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.name)


def connection(address, port, name, context=None, timeout=10):
    if context:
        return NamedTls(address, port, name, context, timeout)
    return http.client.HTTPConnection(address, port, timeout=timeout)


def ask(over, host, path="/"):
    """One request over a connection, which stays open if the server leaves it open."""
    over.request("GET", path, headers={"Host": host})
    response = over.getresponse()
    return Answer(response.status, response.read().decode(errors="replace"))


def fetch(address, port, path="/", host=None, timeout=10):
    """One request over a connection of its own. What goes wrong on the way is an OSError."""
    over = connection(address, port, None, timeout=timeout)
    try:
        return ask(over, host or address, path)
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        over.close()


def trusting(certificate):
    """TLS that trusts this CA and no other."""
    return ssl.create_default_context(cadata=certificate)


def presented(address, port, name):
    """The certificate that a server presents under this name, as PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((address, port), 10) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))

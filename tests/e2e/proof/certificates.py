"""Certificates, made by openssl with a configuration of their own, so that they are the same wherever it is run."""
import dataclasses
import pathlib
import subprocess
import tempfile

from .report import Failure

BASE = "[req]\ndistinguished_name=subject\nprompt=no\n[subject]\nCN={name}\n[extensions]\n{extensions}\n"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = "30"


@dataclasses.dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""
    certificate: str
    key: str


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"`openssl {' '.join(arguments)}`: {done.stderr.strip()}")


def read(folder, name):
    return pathlib.Path(folder, name).read_text()


def configure(folder, name, extensions):
    pathlib.Path(folder, "configuration").write_text(BASE.format(name=name, extensions="\n".join(extensions)))


def server_extensions(name):
    return [f"subjectAltName=DNS:{name}", "keyUsage=digitalSignature", "extendedKeyUsage=serverAuth"]


def self_signed(name):
    """As the guide's: X.509 v3 without basicConstraints, so that as an anchor it vouches for itself alone."""
    with tempfile.TemporaryDirectory() as folder:
        configure(folder, name, server_extensions(name))
        openssl(folder, "req", "-x509", *KEY, "-days", DAYS, "-config", "configuration", "-extensions", "extensions",
                "-keyout", "key", "-out", "certificate")
        return Pair(read(folder, "certificate"), read(folder, "key"))


class Authority:
    """A CA of our own."""

    def __init__(self, name):
        with tempfile.TemporaryDirectory() as folder:
            configure(folder, name, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"])
            openssl(folder, "req", "-x509", *KEY, "-days", DAYS, "-config", "configuration", "-extensions", "extensions",
                    "-keyout", "key", "-out", "certificate")
            self.certificate, self.key = read(folder, "certificate"), read(folder, "key")

    def issue(self, name):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "ca").write_text(self.certificate)
            pathlib.Path(folder, "ca-key").write_text(self.key)
            configure(folder, name, [*server_extensions(name), "basicConstraints=critical,CA:FALSE"])
            openssl(folder, "req", *KEY, "-config", "configuration", "-keyout", "key", "-out", "request")
            openssl(folder, "x509", "-req", "-in", "request", "-CA", "ca", "-CAkey", "ca-key", "-CAcreateserial", "-days", DAYS,
                    "-extfile", "configuration", "-extensions", "extensions", "-out", "certificate")
            return Pair(read(folder, "certificate"), read(folder, "key"))

"""The pages of a pod, through `kubectl port-forward`, which reaches loopback too."""
import contextlib
import json
import re
import select
import subprocess
import time

from .report import Failure
from .request import fetch

ADMIN, METRICS, READY = 15000, 15020, 15021


@contextlib.contextmanager
def forwarded(namespace, target, port, local=""):
    """`kubectl port-forward TARGET LOCAL:PORT`, by default of a free local port, which is given."""
    line = ["kubectl", "port-forward", "-n", namespace, target, f"{local}:{port}", "--address", "127.0.0.1"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield local_port(process, " ".join(line))
    finally:
        process.terminate()
        process.wait()


def local_port(process, line):
    said, deadline = b"", time.monotonic() + 30
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        more = process.stdout.read1()
        said += more
        if match := re.search(rb"Forwarding from 127\.0\.0\.1:(\d+) ->", said):
            return int(match[1])
        if not more:
            break
    raise Failure(f"`{line}` forwards nothing: {said.decode(errors='replace').strip()}")


def config_dump(pod):
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    with forwarded(namespace, f"pod/{name}", ADMIN) as port:
        return json.loads(fetch("127.0.0.1", port, "/config_dump").body)


def samples(text):
    """The samples of a metrics page, by name with labels."""
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}

"""Whether anything was written: the versions of all objects that the controller may write to."""
import contextlib
import subprocess

from .gateway import PROVISIONED
from .kubectl import OWN, listing
from .report import Failure

WATCHED = "gatewayclasses,gateways,httproutes,backendtlspolicies"
MADE = PROVISIONED.replace("leases,", "") + ",clusterrolebindings"


def versions(without=()):
    """The resourceVersion of each, by kind, namespace and name. Leases are renewed always, so they are left out."""
    found = listing(WATCHED) + listing(MADE, selector=OWN)
    named = {f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
             for item in found}
    return {name: version for name, version in named.items() if name not in without}


def unchanged(before, after):
    differing = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if differing:
        raise Failure(f"expected nothing to be written, found writes to {', '.join(differing)}")


class Changes:
    """The kinds of changes of one object that a watch has told of, beginning with the object as it was."""

    def __init__(self, process):
        self._process, self._first = process, process.stdout.readline()

    def end(self):
        self._process.terminate()
        return [*self._first.split(), *self._process.communicate()[0].split()]


@contextlib.contextmanager
def watched(kind, namespace, name):
    """Collects the changes of an object that exists, from here on."""
    line = ["kubectl", "get", kind, "-n", namespace, "--field-selector", f"metadata.name={name}", "--watch", "--output-watch-events",
            "-o", 'jsonpath={.type}{"\\n"}']
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        yield Changes(process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()

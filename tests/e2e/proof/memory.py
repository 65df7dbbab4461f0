"""How much memory a pod's process holds."""
import json
import pathlib
import re

from . import laboratory
from .kubectl import kubectl
from .report import Failure
from .waiting import eventually

MIB = 1 << 20


def resident(pod):
    """Bytes: of the process where it runs on this machine, else what the kubelet says of the container."""
    if laboratory.present() and (pid := laboratory.process(pod, "postern")):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
    summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/stats/summary"))
    uid = pod["metadata"]["uid"]
    for entry in summary["pods"]:
        if entry["podRef"]["uid"] == uid:
            return sum(container["memory"].get("rssBytes", 0) for container in entry["containers"] if "memory" in container)
    raise Failure(f"the kubelet knows no memory of {pod['metadata']['name']}")


def settled(pod):
    """Once it has been the same, by a hundredth, for three looks a second apart."""
    looks = []

    def probe():
        looks.append(resident(pod))
        last = looks[-3:]
        return len(last) == 3 and max(last) - min(last) <= last[-1] / 100 and last[-1]
    return eventually(f"the memory of {pod['metadata']['name']} settles", probe, 120, every=1)

"""The lab: a cluster on this machine, whose components can be stopped, whose DNS can be given names, and whose processes are seen."""
import functools
import os
import pathlib
import subprocess

from .kubectl import apply, config_map, get, kubectl, run

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
NGINX = "postern-e2e/nginx:dev"


def program():
    """The lab's program, if there is a lab."""
    path = pathlib.Path(os.environ.get("POSTERN_LAB", REPOSITORY.parent / "shared/lab/lab"))
    return path if os.access(path, os.X_OK) else None


@functools.cache
def present():
    """Whether the cluster that KUBECONFIG names is the lab's."""
    context = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True)
    return program() is not None and context.stdout.strip() == "lab"


def stop(component):
    run(program(), "stop", component)


def start(component):
    run(program(), "start", component)


def api_server_is_ready():
    return kubectl("get", "--raw", "/readyz", "--request-timeout=2s").strip() == "ok"


def add_host(address, name):
    """The name of a host outside leads to this address from now on; CoreDNS follows within seconds."""
    present_hosts = get("configmap", "coredns-hosts", "kube-system")["data"]["hosts"]
    lines = [line for line in present_hosts.splitlines() if line.split()[-1:] != [name]]
    apply(config_map("coredns-hosts", "kube-system", {"hosts": "\n".join([*lines, f"{address} {name}", ""])}))


def process(pod, program_name):
    """The process id of a program in a pod of this machine, or None."""
    uid = pod["metadata"]["uid"]
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if uid not in (entry / "cgroup").read_text().replace("_", "-"):
                continue
            first = (entry / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        if pathlib.PurePath(first.decode(errors="replace")).name == program_name:
            return int(entry.name)
    return None

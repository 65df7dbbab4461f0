"""What a person would look at first when a check has failed. The access log, which a load fills, is left out."""
import re
import subprocess

LOOKS = (
    "get gatewayclasses,gateways,httproutes,backendtlspolicies -A -o wide",
    "get deployments,pods,services,leases -A -o wide",
    "describe gateways,backendtlspolicies -A",
    "describe pods -A -l app.kubernetes.io/name=postern",
    "get events -A --sort-by=.lastTimestamp",
)
LINES = 240
OF_A_REQUEST = re.compile(r"\bduration\b")  # in each line of the access log


def look(line):
    done = subprocess.run(["kubectl", *line.split()], capture_output=True, text=True, timeout=60)
    lines = [text for text in (done.stdout + done.stderr).splitlines() if not OF_A_REQUEST.search(text)]
    print(f"\n$ kubectl {line}")
    if len(lines) > LINES:
        print(f"[the last {LINES} of {len(lines)} lines]")
    print("\n".join(lines[-LINES:]), flush=True)


def pods_of_ours():
    line = ["kubectl", "get", "pods", "-A", "-l", "app.kubernetes.io/name=postern",
            "-o", 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}']
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    return [pod.split() for pod in done.stdout.splitlines()]


def tell():
    """Prints it. Nothing in here fails, since a failure is being told already."""
    try:
        for line in LOOKS:
            look(line)
        for namespace, pod in pods_of_ours():
            look(f"logs -n {namespace} {pod} --all-containers")
            look(f"logs -n {namespace} {pod} --all-containers --previous")
    except (OSError, subprocess.SubprocessError) as error:
        print(f"no more to be seen: {error}", flush=True)

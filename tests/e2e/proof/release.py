"""The release of our charts: installed and taken away with Helm, as the guide does it."""
import os

from .kubectl import kubectl, listing, run
from .laboratory import REPOSITORY
from .report import Failure, doing, shown
from .waiting import eventually

NAMESPACE = "agentgateway-system"
NAME, CRDS = "agentgateway", "agentgateway-crds"
CHARTS = REPOSITORY / "charts"
EXPERIMENTAL = "controller.extraEnv.KGW_ENABLE_GATEWAY_API_EXPERIMENTAL_FEATURES=true"


def image():
    """The image that is proven, as POSTERN_IMAGE names it; the chart's own if it names none."""
    return os.environ.get("POSTERN_IMAGE", "")


def image_values():
    """What the guide sets, and the image: a registry is named always, as Kubernetes would complete it."""
    if not image():
        return ["controller.image.pullPolicy=Always"]
    name, _, tag = image().rpartition(":")
    if "/" in tag or not name:
        raise Failure(f"POSTERN_IMAGE must name a tag: {image()}")
    registry, _, repository = name.partition("/")
    if not repository:
        registry, repository = "docker.io", f"library/{name}"
    elif "." not in registry and ":" not in registry and registry != "localhost":
        registry, repository = "docker.io", name
    return ["controller.image.pullPolicy=IfNotPresent", f"image.registry={registry}", f"image.repository={repository}",
            f"image.tag={tag}", "image.pullPolicy=IfNotPresent"]


def helm(*arguments):
    doing(f"helm {' '.join(map(str, arguments))}".replace(f"{REPOSITORY}/", ""))
    return run("helm", *arguments)


def install(*values):
    """`helm upgrade -i` of both charts with the guide's flags and these values, until the controller is available."""
    helm("upgrade", "-i", CRDS, CHARTS / "postern-crds", "--create-namespace", "--namespace", NAMESPACE)
    flags = [flag for value in (*image_values(), EXPERIMENTAL, *values) for flag in ("--set", value)]
    helm("upgrade", "-i", NAME, CHARTS / "postern", "--namespace", NAMESPACE, *flags)
    available()


def tested():
    """`helm test`, which makes a TLS round trip."""
    helm("test", NAME, "-n", NAMESPACE, "--timeout", "120s")
    shown("helm test: a TLS round trip")


def available():
    kubectl("rollout", "status", f"deployment/{controller()['metadata']['name']}", "-n", NAMESPACE, "--timeout=120s")


def controller():
    """The controller's Deployment."""
    found = listing("deployments", NAMESPACE, f"app.kubernetes.io/instance={NAME},app.kubernetes.io/managed-by=Helm")
    if len(found) != 1:
        raise Failure(f"expected one Deployment of the release {NAME}, found {[item['metadata']['name'] for item in found]}")
    return found[0]


def controller_pods():
    """Those that are not on their way out."""
    selector = ",".join(f"{key}={value}" for key, value in controller()["spec"]["selector"]["matchLabels"].items())
    return [pod for pod in listing("pods", NAMESPACE, selector) if "deletionTimestamp" not in pod["metadata"]]


def lease():
    """The Lease that one of the controller's pods holds, with the pod's name."""
    pods = [pod["metadata"]["name"] for pod in controller_pods()]
    for found in listing("leases.coordination.k8s.io", NAMESPACE):
        holder = found["spec"].get("holderIdentity") or ""
        if pod := next((pod for pod in pods if pod in holder), None):
            return found, pod
    raise Failure(f"no Lease in {NAMESPACE} is held by one of {pods}")


def uninstall():
    installed = {line.split()[0] for line in run("helm", "list", "-n", NAMESPACE, "-q").splitlines()}
    for name in (NAME, CRDS):
        if name in installed:
            helm("uninstall", name, "-n", NAMESPACE, "--wait")


def accepted(gateway_class):
    """Waits until the controller has accepted the class."""
    def probe():
        text = kubectl("get", "gatewayclass", gateway_class, "-o",
                       "jsonpath={range .status.conditions[*]}{.type}={.status} {end}")
        return text if "Accepted=True" in text else None
    conditions = eventually(f"GatewayClass {gateway_class} Accepted=True", probe)
    shown(f"GatewayClass {gateway_class}: {conditions.strip()}")

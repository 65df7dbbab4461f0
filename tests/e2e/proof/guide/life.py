"""What a release lives through: an upgrade, a cleanup by label, a Gateway that goes, and its end."""
import json

from .. import release
from ..gateway import Gateway
from ..kubectl import OWN, apply, delete, get, kubectl, listing
from ..load import Load, Target
from ..pages import config_dump
from ..release import NAMESPACE
from ..report import Failure, shown
from ..waiting import eventually
from .inside import GATEWAY, HOST

REVISION = "e2e/revision"
CLEANUP = ("backendtlspolicy,configmap,httproute", "-A", "-l", "app=nginx")
OF_NGINX = ("nginx", "tls-policy", "example.com")
CLASSES = ("postern", "agentgateway")


def upgraded(address, *values):
    """An upgrade that replaces the controller's configuration and the proxies, while requests run."""
    with Load(Target(address, 80, HOST, "nginx ")) as load:
        release.install(*values, f"proxy.podAnnotations.{REVISION}=second")
        def replaced():
            revisions = [pod["metadata"].get("annotations", {}).get(REVISION) for pod in GATEWAY.all_pods()]
            return bool(revisions) and set(revisions) == {"second"}
        eventually("all proxies are of the new revision", replaced, 180)
        GATEWAY.rolled_out(1)
        load.goes_on()
    load.none_lost()
    shown(f"helm upgrade, with all proxies replaced: {load}")


def cleaned(inside):
    """As the guide does it: nothing of NGINX is left in what the proxy serves."""
    kubectl("delete", *CLEANUP)
    inside.answers(404, "")
    def nothing_left():
        dump = json.dumps([config_dump(pod) for pod in GATEWAY.pods()])
        if left := [word for word in OF_NGINX if word in dump]:
            raise Failure(f"the configuration of the proxy still has {left}")
        return True
    eventually("the proxy holds nothing of what was deleted", nothing_left)
    shown("cleanup by label: 404, and /config_dump has no backend, no rule and no CA of it")
    kubectl("delete", "deployment,service,configmap,secret", "nginx", "nginx-configuration", "nginx-certificate", "-n", NAMESPACE,
            "--ignore-not-found")


def gateway_deleted():
    """All that was provisioned for a Gateway goes with it."""
    name, where = "short-lived", NAMESPACE
    apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name, "namespace": where},
           "spec": {"gatewayClassName": "postern", "listeners": [{"name": "http", "port": 8000, "protocol": "HTTP"}]}})
    Gateway(name, where).programmed()
    selector = f"{OWN},gateway.networking.k8s.io/gateway-name={name}"
    made = names(everything(selector))
    delete("gateway", name, where)
    none_left(selector)
    shown(f"a Gateway deleted, and {len(made)} objects with it")


def everything(selector):
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    return listing(",".join(kind for kind in kinds if not kind.startswith("events")), selector=selector)


def names(objects):
    return sorted(f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}" for item in objects)


def none_left(selector, seconds=120):
    def probe():
        if left := names(everything(selector)):
            raise Failure(", ".join(left))
        return True
    eventually(f"nothing labelled {selector} is left", probe, seconds, every=1)


def uninstalled():
    """With a Gateway that is still there: what is its own goes with it, everything else with the release."""
    roles = {kind: names(listing(kind)) for kind in ("clusterroles", "clusterrolebindings")}
    release.uninstall()
    eventually("no GatewayClass of ours is left", lambda: not any(get("gatewayclass", name) for name in CLASSES))
    shown("helm uninstall: the GatewayClasses are gone")
    for kind, before in roles.items():
        eventually(f"no {kind} of ours is left", lambda: not [name for name in names(listing(kind)) if release.NAME in name or "postern" in name])
        shown(f"helm uninstall: the {kind} are gone ({len(before) - len(names(listing(kind)))} of them)")
    delete("gateway", GATEWAY.name, GATEWAY.namespace)
    none_left(OWN)
    eventually("no Lease is left in the namespace of the release", lambda: not listing("leases.coordination.k8s.io", NAMESPACE))
    shown(f"helm uninstall and the Gateway deleted: nothing labelled {OWN} is left, and no Lease")

"""A great many objects at once, and gone again."""
import json

from .. import memory
from ..kubectl import create, kubectl
from ..pages import config_dump
from ..report import shown
from ..stage import GROUP, route, to
from ..waiting import eventually

ROUTES, SERVICES, ENDPOINTS = 1000, 50, 100  # endpoints of each Service
LABELS = {"e2e.example/wave": "yes"}


def services(namespace):
    """Services without selectors; their endpoints are of the range that is kept for measurements (RFC 2544), where nobody is."""
    made = []
    for number in range(SERVICES):
        name = f"wave-{number}"
        place = {"namespace": namespace, "name": name}
        endpoints = [{"addresses": [f"198.18.{number}.{host + 1}"], "conditions": {"ready": True}} for host in range(ENDPOINTS)]
        made.append({"apiVersion": "v1", "kind": "Service", "metadata": {**place, "labels": LABELS},
                     "spec": {"ports": [{"name": "http", "port": 80}]}})
        made.append({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": endpoints,
                     "metadata": {**place, "labels": {**LABELS, "kubernetes.io/service-name": name}},
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]})
    return made


def host(number):
    return f"wave-{number}.e2e.example"


def routes(namespace):
    """Each leads to a backend that answers, and below /wave to endpoints of the wave."""
    for number in range(ROUTES):
        below = {"matches": [{"path": {"type": "PathPrefix", "value": "/wave"}}], **to(f"wave-{number % SERVICES}", 80)}
        yield route(f"wave-{number}", host(number), [to("backend", 443), below], namespace, LABELS)


def remove(group, kind, namespace):
    """All of the wave in one request, as fast as the API server can."""
    prefix = f"/apis/{group}" if "/" in group else f"/api/{group}"
    kubectl("delete", "--raw", f"{prefix}/namespaces/{namespace}/{kind}?labelSelector=e2e.example/wave%3Dyes")


def wave(stage):
    proxy = stage.gateway.pods()[0]
    before = memory.resident(proxy)
    with stage.load() as load:
        create(*services(stage.namespace))
        create(*routes(stage.namespace))
        for number in (0, ROUTES - 1):
            stage.answers(host(number), body=f"first {host(number)}", seconds=120)
            stage.route_has_status(f"wave-{number}", seconds=120)
        eventually("the proxies know all endpoints", lambda: all(endpoints(pod) == SERVICES * ENDPOINTS for pod in stage.gateway.pods()))
        load.goes_on()
        at_the_top = memory.resident(proxy)
        remove(f"{GROUP}/v1", "httproutes", stage.namespace)
        remove("discovery.k8s.io/v1", "endpointslices", stage.namespace)
        kubectl("delete", "services", "-n", stage.namespace, "-l", "e2e.example/wave=yes", "--wait=false")
        stage.answers(host(ROUTES - 1), status=404, seconds=120)
        eventually("the proxies hold nothing of it",
                   lambda: not any("wave" in json.dumps(config_dump(pod)) for pod in stage.gateway.pods()))
        load.goes_on()
    load.none_lost()
    sizes = {"before": before, "with them": at_the_top, "after": memory.settled(proxy)}
    held = ", ".join(f"{size / memory.MIB:.0f} MiB {when}" for when, size in sizes.items())
    shown(f"{ROUTES} routes and {SERVICES * ENDPOINTS} endpoints came and went: {load}; a proxy held {held}")


def endpoints(pod):
    return sum(len(addresses) for service, addresses in config_dump(pod)["endpoints"].items() if "/wave-" in service)

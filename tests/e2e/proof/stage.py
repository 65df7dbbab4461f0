"""The stage of the faults and of the measurements: a Gateway with two listeners, two NGINX that speak TLS, and what leads from
the one to the other. A fault leaves it as it was."""
from . import nginx, release
from .certificates import Authority
from .gateway import Gateway
from .kubectl import apply, config_map, delete, get, kubectl, listing, namespace, tls_secret
from .load import Load, Target
from .report import Failure, chapter, shown
from .request import fetch, trusting
from .waiting import eventually

NAMESPACE = "postern-e2e"
CLASS = "postern"
HOST, BACKEND = "front.e2e.example", "backend.e2e.example"
FIRST, SECOND, PLAIN = 8443, 8444, 8080
GROUP = "gateway.networking.k8s.io"


def route(name, host, rules, where=NAMESPACE, labels=None):
    return {"apiVersion": f"{GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": name, "namespace": where, "labels": labels or {}},
            "spec": {"parentRefs": [{"name": "front", "namespace": NAMESPACE}], "hostnames": [host], "rules": rules}}


def to(service, port):
    """A rule that sends everything to a port of a Service."""
    return {"backendRefs": [{"name": service, "port": port}]}


def policy(name, service, ca, hostname=BACKEND, where=NAMESPACE):
    return {"apiVersion": f"{GROUP}/v1", "kind": "BackendTLSPolicy", "metadata": {"name": name, "namespace": where},
            "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": service}], "validation": {
                "hostname": hostname, "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": ca}]}}}


def front_gateway():
    listeners = [
        {"name": "http", "port": 80, "protocol": "HTTP"},
        {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": HOST,
         "tls": {"certificateRefs": [{"kind": "Secret", "name": "front-certificate"}]}},
    ]
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "metadata": {"name": "front", "namespace": NAMESPACE},
            "spec": {"gatewayClassName": CLASS, "listeners": listeners}}


class Stage:
    """`replicas`: proxies of the Gateway."""

    def __init__(self, replicas=2):
        self.replicas, self.gateway, self.address = replicas, Gateway("front", NAMESPACE), None
        self.first, self.second, self.front = Authority("first"), Authority("second"), Authority("front")
        self.host, self.namespace = HOST, NAMESPACE

    def set(self):
        chapter(f"the stage: {self.replicas} proxies, 2 controllers, NGINX with TLS")
        self.clear()
        release.install(f"proxy.replicas={self.replicas}", "controller.replicaCount=2")
        release.accepted(CLASS)
        apply(namespace(NAMESPACE))
        apply(*self.backends())
        apply(front_gateway(), route("front", HOST, [to("backend", 443)]), policy("backend", "backend", "backend-ca"))
        kubectl("rollout", "status", "deployment/nginx", "-n", NAMESPACE, "--timeout=120s")
        self.address = self.gateway.programmed()
        self.gateway.rolled_out(self.replicas)
        self.is_well()
        shown(f"the stage is set: {HOST} through {self.address}")

    def backends(self):
        servers = [nginx.tls_server(FIRST, "first-certificate", "first"), nginx.tls_server(SECOND, "second-certificate", "second"),
                   nginx.plain_server(PLAIN, "plain")]
        return [
            tls_secret("first-certificate", NAMESPACE, self.first.issue(BACKEND)),
            tls_secret("second-certificate", NAMESPACE, self.second.issue(BACKEND)),
            self.listener_certificate(),
            self.ca(self.first),
            *nginx.objects("nginx", NAMESPACE, servers, ["first-certificate", "second-certificate"],
                           {"plain": PLAIN, "second": SECOND, "first": FIRST}, replicas=2),
            nginx.service("backend", NAMESPACE, "nginx", [("https", 443, "first")]),
            nginx.service("plain", NAMESPACE, "nginx", [("http", 80, "plain")]),
        ]

    def ca(self, *authorities):
        """The ConfigMap of the backend's policy, with the certificates of these."""
        return config_map("backend-ca", NAMESPACE, {"ca.crt": "".join(authority.certificate for authority in authorities)})

    def listener_certificate(self):
        return tls_secret("front-certificate", NAMESPACE, self.front.issue(HOST))

    def ask(self, host=HOST, path="/"):
        return fetch(self.address, 80, path, host)

    def answers(self, host=HOST, status=200, body="", path="/", seconds=60):
        """Waits for an answer of this status, with this in its body."""
        def probe():
            answer = self.ask(host, path)
            if answer.status != status or body not in answer.body:
                raise Failure(str(answer))
            return answer
        return eventually(f"{host}{path} answers {status} {body}".strip(), probe, seconds, every=0.05)

    def is_well(self):
        self.answers(body=f"first {HOST}")

    def load(self, tls=False, expected="first ", path="/", **options):
        context = trusting(self.front.certificate) if tls else None
        return Load(Target(self.address, 443 if tls else 80, HOST, expected, path, context), **options)

    def slow_load(self):
        """Requests that take longer than a proxy waits before it drains."""
        return self.load(path="/slow", kept=3, fresh=3, pace=0.5, each=1)

    def idle_load(self):
        """Connections that are idle most of the time."""
        return self.load(kept=5, fresh=0, pace=1.5, each=1, looks=True)

    def new_route(self, name, host):
        """Another route to the backend, as a change whose arrival shows that changes arrive."""
        apply(route(name, host, [to("backend", 443)]))

    def route_has_status(self, name, seconds=60):
        """Waits until the controller has accepted the route in its latest generation."""
        def probe():
            found = get("httproute", name, NAMESPACE)
            generation = found["metadata"]["generation"]
            parents = found.get("status", {}).get("parents", [])
            return any(entry["type"] == "Accepted" and entry["status"] == "True" and entry["observedGeneration"] == generation
                       for parent in parents for entry in parent["conditions"])
        eventually(f"HTTPRoute {name} Accepted=True", probe, seconds)

    def drop_route(self, name):
        delete("httproute", name, NAMESPACE)

    def strike(self):
        """Takes everything away."""
        self.clear()
        release.uninstall()

    def clear(self):
        for gateway in listing("gateways"):
            if gateway["metadata"]["namespace"] == NAMESPACE:
                delete("gateway", gateway["metadata"]["name"], NAMESPACE)
        delete("namespace", NAMESPACE)

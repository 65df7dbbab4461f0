"""Objects that the schema would never admit, such as an older CRD lets in: they concern nobody but whom they name."""
import contextlib
import copy
import json

from ..kubectl import apply, create, delete, get, kubectl, patch
from ..report import Failure, shown
from ..stage import GROUP, policy, route, to
from ..waiting import eventually, throughout

GUARDS = ("validatingadmissionpolicybinding", "validatingadmissionpolicy")
GUARD = f"safe-upgrades.{GROUP}"
KINDS = ("httproutes", "backendtlspolicies")
VICTIMS = {name: f"{name}.e2e.example" for name in ("victim", "added")}
BROKEN = "broken.e2e.example"
LOOK = 5  # seconds for which what must not come is looked for


def bare(found):
    """The object without what the API server adds, so that it can be created or replaced."""
    for field in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
        found["metadata"].pop(field, None)
    found.pop("status", None)
    return found


@contextlib.contextmanager
def loosened():
    """CRDs that admit everything, and the policy that would forbid to install such ones out of the way."""
    guards = [guard for kind in GUARDS if (guard := get(kind, GUARD))]
    crds = [get("crd", f"{kind}.{GROUP}") for kind in KINDS]
    for kind in GUARDS:
        delete(kind, GUARD)
    try:
        for crd in crds:
            loose = copy.deepcopy(crd)
            for version in loose["spec"]["versions"]:
                version["schema"] = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
            patch("crd", crd["metadata"]["name"], None, {"spec": {"versions": loose["spec"]["versions"]}})
        yield
    finally:
        for crd in crds:
            patch("crd", crd["metadata"]["name"], None, {"spec": {"versions": crd["spec"]["versions"]}})
        if guards:
            create(*(bare(guard) for guard in reversed(guards)))


def bad_route(namespace):
    bad = route("broken", BROKEN, [to("backend", 443)], namespace)
    bad["spec"]["rules"] = [{"matches": [{"path": {"type": "Sideways", "value": 7}}], "backendRefs": "backend"}, "and a word"]
    return bad


def bad_policy(namespace):
    bad = policy("victim", "victim", "backend-ca", where=namespace)
    bad["spec"]["validation"] = {"hostname": 42, "caCertificateRefs": {"name": "backend-ca"}, "subjectAltNames": "none"}
    return bad


def refused(namespace):
    """Whether the schema is at work again."""
    try:
        kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(bad_route(namespace) | {"metadata": {
            "name": "another", "namespace": namespace}}))
    except Failure:
        return True
    return False


def spoiled():
    """A change of the policy that serves the load: what was known of it stays in effect, and what it selects now is served no plaintext."""
    targets = [{"group": "", "kind": "Service", "name": name} for name in ("backend", "added")]
    return {"spec": {"targetRefs": targets, "validation": {"hostname": 42}}}


def service(name, namespace):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"app.kubernetes.io/name": "nginx"}, "ports": [{"name": "http", "port": 80, "targetPort": "plain"}]}}


def forced_in(stage):
    """The victims are plaintext, so that a 200 would show that a policy, which is not even readable, has been passed over."""
    where = stage.namespace
    for name, host in VICTIMS.items():
        apply(service(name, where), route(name, host, [to(name, 80)], where))
        stage.answers(host, body=f"plain {host}")
    with stage.load() as load:
        with loosened():
            eventually("a malformed HTTPRoute is admitted", lambda: create(bad_route(where)) or True)
            eventually("a malformed BackendTLSPolicy is admitted", lambda: create(bad_policy(where)) or True)
            patch("backendtlspolicy", "backend", where, spoiled())
        eventually("the schema is at work again", lambda: refused(where))
        for host in VICTIMS.values():
            stage.answers(host, status=500)
        stage.new_route("beside", "beside.e2e.example")
        stage.answers("beside.e2e.example", body="first beside.e2e.example")
        stage.route_has_status("beside")
        throughout("no plaintext, and no answer of a broken route", lambda: all(
            stage.ask(host).status >= 400 for host in (*VICTIMS.values(), BROKEN)), LOOK, every=0.1)
        load.goes_on()
        delete("backendtlspolicy", "victim", where)
        delete("httproute", "broken", where)
        apply(policy("backend", "backend", "backend-ca"))
        for name, host in VICTIMS.items():
            stage.answers(host, body=f"plain {host}")
            stage.drop_route(name)
            delete("service", name, where)
        stage.drop_route("beside")
        load.goes_on()
    load.none_lost()
    shown(f"malformed HTTPRoute and BackendTLSPolicies: 500 for what the policies select, nothing for the rest; {load}")

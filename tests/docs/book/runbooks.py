"""What the placeholders of a runbook stand for in the cluster of the guide, and the trouble that it is about, where that is
simply made."""
import contextlib
import re

from proof import certificates
from proof.gateway import Gateway
from proof.kubectl import apply, config_map, get, kubectl, patch
from proof.report import Failure
from proof.request import curl
from proof.waiting import eventually

NAMESPACE, GATEWAY, HOST = "agentgateway-system", "agentgateway-proxy", "example.com"
WORDS = {"NAMESPACE": NAMESPACE, "GATEWAY_NAMESPACE": NAMESPACE, "GATEWAY": GATEWAY, "NAME": "nginx", "PORT": "8443",
         "HOST": HOST, "RESULT": "unknown_issuer"}
NAMES = {"PosternCACertificateExpired": "ca", "PosternCACertificateExpiring": "ca", "PosternPolicyNotAccepted": "tls-policy",
         "PosternPolicyNearMiss": "tls-policy"}
SERVE = {"name": "https", "protocol": "HTTPS", "port": 443, "allowedRoutes": {"namespaces": {"from": "All"}},
         "tls": {"certificateRefs": [{"name": "nginx"}]}}


def alert(page):
    return page.path.stem if page.name.startswith("runbooks/") else ""


def address():
    return get("gateway", GATEWAY, NAMESPACE)["status"]["addresses"][0]["value"]


def substitution(page):
    """Capital words of a runbook become names of the guide; other pages have names."""
    if not alert(page):
        return lambda text: text
    words = WORDS | {"NAME": NAMES.get(alert(page), WORDS["NAME"]), "ADDRESS": address(),
                     "POD": Gateway(GATEWAY, NAMESPACE).pods()[0]["metadata"]["name"]}
    return lambda text: re.sub(r"(?<![\w$])[A-Z][A-Z_]+(?!\w)", lambda found: words.get(found[0], found[0]), text)


def settled():
    """What the pages before have changed is rolled out. (`kubectl rollout status` may have been told so of an older Deployment:
    it lists from a cache.)"""
    gateway = Gateway(GATEWAY, NAMESPACE)
    gateway.rolled_out(gateway.deployment()["spec"]["replicas"])


@contextlib.contextmanager
def provoked(page):
    if alert(page):
        settled()
    with TROUBLES.get(alert(page), contextlib.nullcontext)():
        yield


def answers(status):
    def probe():
        answer = curl(f"http://{address()}:80/", HOST)
        if answer.status != status:
            raise Failure(str(answer))
        return answer
    eventually(f"{HOST} answers {status}", probe)


@contextlib.contextmanager
def ca(data, status):
    """Another content of the ConfigMap of the CA, and what requests come to."""
    before = get("configmap", "ca", NAMESPACE)["data"]
    apply(config_map("ca", NAMESPACE, data))
    answers(status)
    yield
    apply(config_map("ca", NAMESPACE, before))
    answers(200)


@contextlib.contextmanager
def listener():
    """A listener that serves the certificate of NGINX."""
    before = get("gateway", GATEWAY, NAMESPACE)["spec"]["listeners"]
    patch("gateway", GATEWAY, NAMESPACE, {"spec": {"listeners": [*before, SERVE]}})
    kubectl("wait", "-n", NAMESPACE, f"gateway/{GATEWAY}", "--timeout=60s",
            '--for=jsonpath={.status.listeners[?(@.name=="https")].conditions[?(@.type=="Programmed")].status}=True')
    yield
    patch("gateway", GATEWAY, NAMESPACE, {"spec": {"listeners": before}})


def another_authority():
    return ca({"ca.crt": certificates.Authority("of somebody else").certificate}, 502)


def no_authority():
    return ca({"note": "no ca.crt in here"}, 500)


TROUBLES = {
    "PosternBackendTLSFailures": another_authority,
    "PosternHigh5xxRatio": another_authority,
    "PosternPolicyNotAccepted": no_authority,
    "PosternListenerCertificateExpired": listener,
    "PosternListenerCertificateExpiring": listener,
}

"""The first half of the guide: NGINX, which speaks TLS only, with a private certificate."""
from .. import example, nginx
from ..certificates import self_signed
from ..gateway import Gateway
from ..kubectl import apply, condition, config_map, delete, get, kubectl, tls_secret
from ..pages import forwarded
from ..release import NAMESPACE
from ..report import Failure, expect, shown
from ..request import curl
from ..waiting import eventually

HOST = "example.com:8080"
GATEWAY = Gateway("agentgateway-proxy", NAMESPACE)
UNKNOWN_ISSUER = "invalid peer certificate: UnknownIssuer"
NGINX_400 = "The plain HTTP request was sent to HTTPS port"


class Inside:
    def __init__(self):
        self.pair, self.address = self_signed("example.com"), None

    def gateway(self):
        apply(example.GATEWAY)
        self.address = GATEWAY.programmed()
        shown(f"{GATEWAY} is Programmed, with the address {self.address}")
        provisioned = GATEWAY.provisioned()
        for kind in ("Deployment", "Service"):
            expect(f"{kind}/{GATEWAY.name} is provisioned", f"{kind}/{GATEWAY.name}" in provisioned, True)
        ingress = get("service", GATEWAY.name, NAMESPACE)["status"]["loadBalancer"]["ingress"]
        expect("the address of the Service", self.address in [value for entry in ingress for value in entry.values()], True)
        shown(f"provisioned: {', '.join(provisioned)}")

    def nginx(self):
        apply(tls_secret("nginx-certificate", NAMESPACE, self.pair),
              *nginx.objects("nginx", NAMESPACE, [nginx.tls_server(8443, "nginx-certificate", "nginx")], ["nginx-certificate"],
                             {"http-web-svc": 8080, "https-web-svc": 8443}))
        apply(example.SERVICE)
        apply(example.authority(self.pair.certificate))
        apply(example.POLICY)
        apply(example.ROUTE)
        kubectl("rollout", "status", "deployment/nginx", "-n", NAMESPACE, "--timeout=120s")

    def curl(self):
        return curl(f"http://{self.address}:80/", HOST)

    def answers(self, status, text, seconds=60):
        def probe():
            answer = self.curl()
            if answer.status != status or text not in answer.body:
                raise Failure(str(answer))
            return answer
        return eventually(f"curl -H 'host: {HOST}' answers {status} with {text!r}", probe, seconds)

    def trusted(self):
        answer = self.answers(200, "nginx ")
        shown(f"curl through the load balancer: {answer}")
        for kind, name in (("httproute", "nginx-route"), ("backendtlspolicy", "tls-policy")):
            eventually(f"{kind} {name} has Accepted and ResolvedRefs", lambda: has_both(kind, name))
        shown("the HTTPRoute and the BackendTLSPolicy are Accepted, and their references resolved")

    def port_forwarded(self):
        with forwarded(NAMESPACE, "deployment/agentgateway-proxy", 80) as port:
            answer = curl(f"http://127.0.0.1:{port}/", HOST)
        expect("the status through kubectl port-forward", answer.status, 200)
        shown(f"curl through kubectl port-forward deployment/agentgateway-proxy {port}:80: {answer}")

    def another_authority(self):
        apply(example.authority(self_signed("example.com").certificate))
        shown(f"with another CA: {self.answers(502, UNKNOWN_ISSUER)}")

    def no_authority(self):
        apply(config_map("ca", NAMESPACE, {"note": "no ca.crt in here"}, {"app": "nginx"}))
        shown(f"with a ConfigMap without ca.crt: {self.answers(500, UNKNOWN_ISSUER)}")
        eventually("the policy is not accepted, for want of a valid CA", no_valid_authority)
        self.restored()
        delete("configmap", "ca", NAMESPACE)
        shown(f"without the ConfigMap: {self.answers(500, UNKNOWN_ISSUER)}")
        self.restored()

    def restored(self):
        apply(example.authority(self.pair.certificate))
        self.answers(200, "nginx ")

    def no_policy(self):
        delete("backendtlspolicy", "tls-policy", NAMESPACE)
        shown(f"without a policy it is NGINX that refuses: {self.answers(400, NGINX_400).status} {NGINX_400!r}")
        apply(example.POLICY)
        self.answers(200, "nginx ")


def ancestors(kind, name):
    status = get(kind, name, NAMESPACE).get("status", {})
    return status.get("parents", []) + status.get("ancestors", [])


def has_both(kind, name):
    entries = ancestors(kind, name)
    return bool(entries) and all(
        condition(entry, wanted).get("status") == "True" for entry in entries for wanted in ("Accepted", "ResolvedRefs"))


def no_valid_authority():
    accepted = [condition(entry, "Accepted") for entry in ancestors("backendtlspolicy", "tls-policy")]
    return bool(accepted) and all(entry.get("reason") == "NoValidCACertificate" for entry in accepted)

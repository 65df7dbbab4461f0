"""The second half of the guide: a host outside of the cluster, trusted through the roots of the system. In the lab, which has no
outside, the cluster's DNS leads httpbin.org to an NGINX, and a ConfigMap takes the place of the roots."""
from .. import example, laboratory, nginx
from ..certificates import Authority
from ..kubectl import apply, config_map, get, kubectl, namespace, tls_secret
from ..release import NAMESPACE
from ..report import Failure, shown
from ..request import curl
from ..waiting import eventually

OUTSIDE = "postern-e2e-outside"
NAME, HOST, ROOTS = "httpbin.org", "httpbin-external.example", "company-roots"
VALUE = f"proxy.systemCABundle.configMap={ROOTS}"


class Outside:
    def __init__(self):
        self.authority = Authority("roots of the company")

    def roots(self):
        """To be there before the release names them."""
        apply(namespace(NAMESPACE), config_map(ROOTS, NAMESPACE, {"ca.crt": self.authority.certificate}))

    def host(self):
        apply(namespace(OUTSIDE))
        apply(tls_secret("httpbin-certificate", OUTSIDE, self.authority.issue(NAME)),
              *nginx.objects("httpbin", OUTSIDE, [nginx.tls_server(8443, "httpbin-certificate", "httpbin")], ["httpbin-certificate"],
                             {"https": 8443}),
              nginx.service("httpbin", OUTSIDE, "httpbin", [("https", 443, "https")]))
        kubectl("rollout", "status", "deployment/httpbin", "-n", OUTSIDE, "--timeout=120s")
        laboratory.add_host(get("service", "httpbin", OUTSIDE)["spec"]["clusterIP"], NAME)

    def answers(self, address, path, status, body=""):
        def probe():
            answer = curl(f"http://{address}:80{path}", HOST)
            if answer.status != status or answer.body.strip() != (body or answer.body.strip()):
                raise Failure(str(answer))
            return answer
        return eventually(f"{HOST}{path} answers {status} {body}".strip(), probe)

    def reached(self, address):
        apply(example.external())
        answer = self.answers(address, "/anything/x?y=z", 200, f"httpbin {NAME} /anything/x?y=z")
        shown(f"an external host with System roots, its Host rewritten: {answer}")
        self.answers(address, "/other", 404)
        shown("a path outside of the route's prefix: 404")

    def roots_followed(self, address):
        """Another root, none, and the first one again, without a restart."""
        apply(config_map(ROOTS, NAMESPACE, {"ca.crt": Authority("another").certificate}))
        self.answers(address, "/anything", 502)
        kubectl("delete", "configmap", ROOTS, "-n", NAMESPACE)
        self.answers(address, "/anything", 500)
        apply(config_map(ROOTS, NAMESPACE, {"ca.crt": self.authority.certificate}))
        self.answers(address, "/anything", 200)
        shown("the ConfigMap in place of the System roots is followed: 502 with another root, 500 without any, and 200 again")

    def struck(self):
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=example.external())
        kubectl("delete", "namespace", OUTSIDE, "--ignore-not-found")
        kubectl("delete", "configmap", ROOTS, "-n", NAMESPACE, "--ignore-not-found")

"""The objects of the guide "BackendTLS", as they stand in `examples/guide`, with a certificate that is still valid."""
import re

from .laboratory import REPOSITORY

FOLDER = REPOSITORY / "examples/guide"
CERTIFICATE = re.compile(r"    -----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


def documents(name):
    """The documents of a file, by kind and name."""
    found = {}
    for text in re.split(r"(?m)^---\n", (FOLDER / name).read_text()):
        kind = re.search(r"(?m)^kind: (\S+)", text)[1]
        found[f"{kind}/{re.search(r'(?m)^  name: (.+)$', text)[1]}"] = text
    return found


NGINX, HTTPBIN = documents("nginx.yaml"), documents("httpbin.yaml")
GATEWAY = NGINX["Gateway/agentgateway-proxy"]
SERVICE = NGINX["Service/nginx"]
POLICY = NGINX["BackendTLSPolicy/tls-policy"]
ROUTE = NGINX["HTTPRoute/nginx-route"]


def authority(certificate):
    """The ConfigMap `ca` with this certificate."""
    indented = "".join(f"    {line}\n" for line in certificate.splitlines())
    return CERTIFICATE.sub(lambda _: indented, NGINX["ConfigMap/ca"])


def external():
    """The backend outside, its policy and its route."""
    return "---\n".join(HTTPBIN.values())

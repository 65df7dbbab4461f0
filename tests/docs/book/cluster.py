"""The commands that need a cluster, page by page, in the order in which one builds on the other. In the lab, which has no
registry and no way out, images are made under the names that the pages and the chart give them, and httpbin.org is an NGINX."""
import pathlib
import re
import subprocess
import sys

from . import laptop, script, units
from .pages import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

from proof import laboratory, needs, release
from proof.guide.outside import OUTSIDE, Outside
from proof.kubectl import apply, kubectl
from proof.report import Failure

from . import runbooks

BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
KEPT = "agentgatewaybackends.agentgateway.dev"
OPERATOR = {"servicemonitors": "ServiceMonitor", "podmonitors": "PodMonitor", "prometheusrules": "PrometheusRule"}


def image():
    """The chart's own."""
    return re.search(r"image: (ghcr\.io/\S+)", (REPOSITORY / "charts/postern/Chart.yaml").read_text())[1]


def furnish(state):
    """What a real cluster has and the lab has not. Of the Prometheus Operator it gets the kinds, and nobody who reads them. What
    another proof has left goes."""
    outside, bundle = Outside(), state / "bundle.pem"
    bundle.write_text(BUNDLE.read_text() + outside.authority.certificate)
    subprocess.run([laboratory.program(), "image", image(), f"{laptop.postern()}:/usr/local/bin/postern",
                    f"{bundle}:{BUNDLE}", "--user", "65532"], check=True)
    outside.host()
    release.uninstall()
    kubectl("delete", "crd", KEPT, "--ignore-not-found")
    apply(*(definition(plural, kind) for plural, kind in OPERATOR.items()))


def definition(plural, kind):
    group = "monitoring.coreos.com"
    version = {"name": "v1", "served": True, "storage": True,
               "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}}


def strip():
    kubectl("delete", "namespace", OUTSIDE, "--ignore-not-found")
    kubectl("delete", "crd", "--ignore-not-found", *(f"{plural}.monitoring.coreos.com" for plural in OPERATOR))


def run(pages, told):
    if missing := needs.missing():
        raise script.Failed("\n".join(missing))
    with laptop.clone() as (work, state):
        environment = {"PATH": laptop.path_with(state / "bin", postern=laptop.postern())}
        if laboratory.present():
            furnish(state)
        for number, (page, blocks) in enumerate(units.cluster(pages)):
            kept = state / str(number)
            kept.mkdir()
            try:
                with runbooks.provoked(page):
                    script.run(page, blocks, work, kept, runbooks.substitution(page), environment=environment)
            except Failure as failure:
                raise script.Failed(f"docs/{page.name}: {failure}") from failure
            told(page, blocks)
        if laboratory.present():
            strip()

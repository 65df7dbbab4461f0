#!/usr/bin/env python3
"""Everything is seen in a cluster: the release, the backends of `tests/outcomes`, a load, and Prometheus over the controller and the
proxies. Every query of every board and rule finds data, and `kubectl describe` tells which policy fails, why, and that it is mended."""
import sys

sys.dont_write_bytecode = True

import argparse
import os
import pathlib
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "observability"))

from proof import diagnosis, laboratory, needs, release
from proof.gateway import Gateway
from proof.kubectl import apply, config_map, delete, get, kubectl, listing, namespace, patch
from proof.report import Failure, chapter, shown, skipped
from proof.waiting import eventually
from watch import processes, programs, scrape
from watch.checks import Checks
from watch.load import Load

NAMESPACE = "postern-e2e-outcomes"
METRICS = 15020
FAILING, RECOVERED = "TLSHandshakeFailing", "TLSHandshakeRecovered"
SECONDS = 180


def backend_address():
    """An address of this machine that pods reach: in the lab the node's own, elsewhere what E2E_BACKEND_ADDRESS says."""
    if laboratory.present():
        addresses = listing("nodes")[0]["status"]["addresses"]
        return next(address["address"] for address in addresses if address["type"] == "InternalIP")
    return os.environ.get("E2E_BACKEND_ADDRESS")


def scraped(pod):
    return f"{pod['status']['podIP']}:{METRICS}"


def labels(pod, job):
    return {"job": job, "namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}


def refused():
    """A Gateway whose Deployment the API server refuses: it asks for more than its limit permits. A write that fails."""
    values = "resources: {requests: {cpu: 2}, limits: {cpu: 1}}"
    spec = {"gatewayClassName": "postern", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
            "infrastructure": {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "refused"}}}
    return [config_map("refused", NAMESPACE, {"values.yaml": values}),
            {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "refused", "namespace": NAMESPACE}, "spec": spec}]


class Stage:
    """The release, the Gateways of an inventory, and what is scraped of them."""

    def __init__(self, inventory, objects):
        apply(namespace(NAMESPACE))
        kubectl("apply", "-f", objects)
        apply(*refused())
        self.gateways = {name: Gateway(*reversed(name.split("/"))) for name in inventory["gateways"]}
        self.addresses = {}
        for entry in [*inventory["results"], *inventory["varieties"]]:
            key = entry["gateway"], entry["listener_port"]
            if key not in self.addresses:
                self.addresses[key] = self.gateways[entry["gateway"]].programmed(), entry["listener_port"]
        self.proxies = [pod for gateway in self.gateways.values() for pod in gateway.rolled_out(1)]
        self.controllers = release.controller_pods()
        shown(f"the Gateways are Programmed: {', '.join(inventory['gateways'])}")

    def targets(self):
        return [*((scraped(pod), labels(pod, "postern-proxy")) for pod in self.proxies),
                *((scraped(pod), labels(pod, "postern-controller")) for pod in self.controllers)]

    def pages(self):
        """The first proxy is that of the Gateway which nearly all of the backends have."""
        return {"proxy": scrape.page(scraped(self.proxies[0])), "controller": scrape.page(scraped(self.controllers[0]))}


def change(number):
    """Changes an object so that proxies have something to apply."""
    timeouts = {"request": f"{30 + number % 10}s"}
    patch("httproute", "ok", NAMESPACE, [{"op": "add", "path": "/spec/rules/0/timeouts", "value": timeouts}], "json")


def described(name, reason, word):
    """Waits until `kubectl describe` and `kubectl get events` tell this of a policy."""
    def probe():
        text = kubectl("describe", "backendtlspolicy", name, "-n", NAMESPACE)
        lines = [line for line in text.splitlines() if reason in line]
        if not any(word in line for line in lines):
            raise Failure(f"no event {reason} with {word} in its description: {lines}")
        events = [event for event in listing("events", NAMESPACE) if event["reason"] == reason
                  and event["involvedObject"]["kind"] == "BackendTLSPolicy" and event["involvedObject"]["name"] == name]
        if not any(word in event["message"] for event in events):
            raise Failure(f"no event {reason} with {word} among {[event['message'] for event in events]}")
        return True
    eventually(f"{reason} of BackendTLSPolicy {name}: {word}", probe, SECONDS, every=1)


def failures_are_told(inventory):
    failing = [entry for entry in inventory["results"] if entry["status"] in (502, 504)]
    for entry in failing:
        described(entry["name"], FAILING, entry["result"])
    shown(f"kubectl tells of {len(failing)} policies that they fail, and with which result")
    text = kubectl("describe", "gateway", inventory["gateways"][0].partition("/")[2], "-n", NAMESPACE)
    if FAILING not in text:
        raise Failure(f"kubectl describe of the Gateway tells of no failure:\n{text}")
    shown("kubectl describe of the Gateway tells of failures")


def recovery_is_told(load):
    """Another CA for a backend that does well, and its own again."""
    entry = next(entry for entry in load.entries if entry["name"] == "ok")
    def trusting(certificate, status):
        patch("configmap", entry["name"], NAMESPACE, {"data": {"ca.crt": certificate}})
        def probe():
            return load.ask(entry).status == status
        eventually(f"{entry['host']} answers {status}", probe, SECONDS)
        return probe
    own, other = (get("configmap", name, NAMESPACE)["data"]["ca.crt"] for name in (entry["name"], "other"))
    trusting(other, 502)
    described(entry["name"], FAILING, "unknown_issuer")
    trusting(own, 200)
    described(entry["name"], RECOVERED, "ok")
    shown(f"kubectl tells that {entry['name']} failed, and that it has recovered")


def observability(folder, address):
    chapter("the release, and a backend for every result")
    clear()
    release.install("controller.replicaCount=1", "proxy.replicas=1")
    release.accepted("postern")
    objects = folder / "objects"
    with programs.backends(objects, "--bind", address, "--namespace", NAMESPACE) as inventory:
        stage = Stage(inventory, objects)
        chapter("Prometheus over the controller and the proxies")
        load = Load(inventory, stage.addresses, change)
        eventually("every host answers as promised", lambda: all(load.ask(entry).status == entry["status"] for entry in load.entries), SECONDS)
        with programs.prometheus(folder, stage.targets()) as prometheus, load:
            checks = Checks(prometheus, inventory, stage.pages, cluster=True)
            load.goes_on()
            checks.all()
            checks.series_are_bounded(load)
            eventually("every target is scraped", prometheus.scrapes, 30)
            chapter("what kubectl tells")
            failures_are_told(inventory)
            load.is_right()
        recovery_is_told(load)


def clear():
    for gateway in listing("gateways"):
        if gateway["metadata"]["namespace"] == NAMESPACE:
            delete("gateway", gateway["metadata"]["name"], NAMESPACE)
    delete("namespace", NAMESPACE)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the release standing")
    arguments = parser.parse_args()
    if missing := needs.missing() + programs.not_built(programs.outcomes()):
        sys.exit("\n".join(missing))
    if missing := programs.not_installed("prometheus"):
        return skipped("; ".join(missing))
    if not (address := backend_address()):
        return skipped("E2E_BACKEND_ADDRESS names no address of this machine that pods reach")
    processes.end_in_order()
    try:
        with tempfile.TemporaryDirectory() as folder:
            observability(pathlib.Path(folder), address)
    except Failure as failure:
        diagnosis.tell()
        sys.exit(f"\nFAILED: {failure}")
    finally:
        if not arguments.keep:
            clear()
            release.uninstall()
    print("\nall of it shown")


if __name__ == "__main__":
    main()

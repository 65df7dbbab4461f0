"""What happens to the controller, and that proxies serve and restart without it."""
import os
import signal
import time

from .. import laboratory, release
from ..kubectl import get, kubectl, patch
from ..report import Failure, expect, shown
from ..waiting import eventually, throughout
from ..writes import unchanged, versions, watched

TAKE_OVER = 15
ABSENCE = int(os.environ.get("E2E_ABSENCE_SECONDS", "60"))
STILL = 20  # seconds in which nothing may be written


def marker(stage):
    """A route whose status shows, when it changes, that a controller has looked at everything."""
    stage.new_route("marker", "marker.e2e.example")
    stage.route_has_status("marker")
    return f"HTTPRoute {stage.namespace}/marker"


def touch_marker(stage, word):
    patch("httproute", "marker", stage.namespace, {"spec": {"hostnames": [f"{word}.e2e.example"]}})


def drifted(stage):
    """Someone edits what was provisioned: the Deployment, and then the Service, which leads nowhere until it is mended."""
    with stage.load() as load:
        kubectl("scale", "deployment/front", "-n", stage.namespace, "--replicas=1")
        eventually("the Deployment has its replicas again", lambda: stage.gateway.deployment()["spec"]["replicas"] == stage.replicas)
        stage.gateway.rolled_out(stage.replicas)
        load.goes_on()
    load.none_lost()
    patch("service", "front", stage.namespace, {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}})
    selected = lambda: get("service", "front", stage.namespace)["spec"]["selector"]["app.kubernetes.io/name"]
    eventually("the Service selects the proxies again", lambda: selected() == "postern")
    stage.is_well()
    shown(f"drift of the Deployment and of the Service is mended: {load}")


def restarted(stage):
    """Over an unchanged cluster another controller writes nothing."""
    mine = marker(stage)
    before = versions(without=[mine])
    pods = {pod["metadata"]["uid"] for pod in release.controller_pods()}
    kubectl("rollout", "restart", f"deployment/{release.controller()['metadata']['name']}", "-n", release.NAMESPACE)
    release.available()
    eventually("the old controllers are gone", lambda: not pods & {pod["metadata"]["uid"] for pod in release.controller_pods()})
    eventually("another controller leads", release.lease)
    touch_marker(stage, "touched")
    stage.route_has_status("marker")
    throughout("nothing is written", lambda: unchanged(before, versions(without=[mine])) or True, STILL, every=2)
    stage.drop_route("marker")
    shown(f"the controllers restarted: {len(before)} objects, none written to")


def leader_killed(stage):
    """The other one takes over, and both do not write. In the lab the leader is frozen first: also without a grace period a
    process is told to end, and would give its Lease back."""
    mine = marker(stage)
    before = versions(without=[mine])
    leader = eventually("a controller leads", release.lease)[1]
    with stage.load() as load, watched("httproute", stage.namespace, "marker") as changes:
        if laboratory.present():
            os.kill(laboratory.process(get("pod", leader, release.NAMESPACE), "postern"), signal.SIGSTOP)
        struck = time.monotonic()
        kubectl("delete", "pod", leader, "-n", release.NAMESPACE, "--grace-period=0", "--force")
        touch_marker(stage, "taken-over")
        other = eventually("another controller leads", lambda: next((pod for pod in [release.lease()[1]] if pod != leader), None), 60)
        led = time.monotonic() - struck
        stage.route_has_status("marker")
        written = time.monotonic() - struck
        throughout("nothing else is written", lambda: unchanged(before, versions(without=[mine])) or True, STILL, every=2)
        seen = changes.end()
    load.none_lost()
    if led > TAKE_OVER:
        raise Failure(f"expected another leader within {TAKE_OVER} s of the kill, found {other} after {led:.1f} s")
    # The route as it was, our change of it, and one write of its status.
    expect("changes of the route", seen, ["ADDED", "MODIFIED", "MODIFIED"])
    release.available()
    stage.drop_route("marker")
    shown(f"the leader killed: another led after {led:.1f} s, wrote a status after {written:.1f} s, once; {load}")


def leader_frozen(stage):
    """It sleeps past its Lease, another one leads, and when it wakes up it writes nothing and leads no more."""
    mine = marker(stage)
    before = versions(without=[mine])
    leader = eventually("a controller leads", release.lease)[1]
    process = laboratory.process(get("pod", leader, release.NAMESPACE), "postern")
    with watched("httproute", stage.namespace, "marker") as changes:
        os.kill(process, signal.SIGSTOP)
        try:
            touch_marker(stage, "frozen")
            eventually("another controller leads", lambda: release.lease()[1] != leader, TAKE_OVER)
            stage.route_has_status("marker")
        finally:
            os.kill(process, signal.SIGCONT)
        throughout("nothing else is written", lambda: unchanged(before, versions(without=[mine])) or True, STILL, every=2)
        seen = changes.end()
    expect("changes of the route", seen, ["ADDED", "MODIFIED", "MODIFIED"])
    expect("the one that slept leads", release.lease()[1] == leader, False)
    stage.drop_route("marker")
    shown("the leader asleep: another led and wrote a status, once; awake again it wrote nothing")


def absent(stage):
    """No controller at all: proxies serve, follow changes, and restart."""
    deployment = f"deployment/{release.controller()['metadata']['name']}"
    replicas = release.controller()["spec"]["replicas"]
    with stage.load() as load:
        for pod in release.controller_pods():
            kubectl("delete", "pod", pod["metadata"]["name"], "-n", release.NAMESPACE, "--grace-period=0", "--force", "--wait=false")
        kubectl("scale", deployment, "-n", release.NAMESPACE, "--replicas=0")
        eventually("no controller is left", lambda: not release.controller_pods())
        began = time.monotonic()
        kubectl("delete", "pod", stage.gateway.pods()[0]["metadata"]["name"], "-n", stage.namespace, "--wait=false")
        stage.gateway.rolled_out(stage.replicas)
        stage.new_route("orphan", "orphan.e2e.example")
        stage.answers("orphan.e2e.example", body="first orphan.e2e.example")
        load.runs_for(max(0, ABSENCE - (time.monotonic() - began)))
        away = time.monotonic() - began
        kubectl("scale", deployment, "-n", release.NAMESPACE, f"--replicas={replicas}")
        release.available()
        stage.route_has_status("orphan")
        stage.drop_route("orphan")
        load.goes_on()
    load.none_lost()
    shown(f"no controller for {away:.0f} s: a proxy restarted, a route arrived, its status came afterwards; {load}")

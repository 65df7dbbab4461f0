"""What happens to proxies: deleted, killed, crashed, replaced by others."""
import os
import signal

from ..kubectl import get, kubectl, patch
from ..report import Failure, expect, shown
from ..waiting import eventually

UNREACHED = 10  # seconds in which the cluster may still send connections to a proxy that has died


def gone(stage, name):
    eventually(f"pod {name} is gone", lambda: get("pod", name, stage.namespace) is None, 120)


def deleted(stage):
    with stage.load() as load:
        for pod in stage.gateway.pods():
            name = pod["metadata"]["name"]
            kubectl("delete", "pod", name, "-n", stage.namespace, "--wait=false")
            gone(stage, name)
            stage.gateway.rolled_out(stage.replicas)
            load.goes_on()
    load.none_lost()
    shown(f"each proxy deleted in turn: {load}")


def killed(stage):
    """Without a grace period the pod is gone from the API at once, and what was in flight in it may be lost."""
    pod = stage.gateway.pods()[0]["metadata"]["name"]
    with stage.load() as load:
        struck = load.now()
        kubectl("delete", "pod", pod, "-n", stage.namespace, "--grace-period=0", "--force")
        stage.gateway.rolled_out(stage.replicas)
        load.goes_on()
    in_flight_only(load, struck)
    shown(f"a proxy deleted by force: {load}, which is what was in flight in it at the most")


def in_flight_only(load, struck):
    """At most one request of each client, soon, and none that got a wrong answer."""
    if len(load.lost) > load.clients:
        raise Failure(f"expected at most {load.clients} lost, one of each client, found {load}\n{load.causes()}")
    without_answer(load, struck)


def without_answer(load, struck):
    for lost in load.lost:
        if lost.answered or not struck <= lost.at <= struck + UNREACHED:
            raise Failure(f"expected only broken connections within {UNREACHED} s, found a request lost {lost}")


def crashed(stage):
    """Until the kubelet has seen that the process is gone, new connections are still led to it; those that it held are broken."""
    name, pid = next(iter(stage.gateway.processes().items()))
    with stage.load() as load:
        struck = load.now()
        os.kill(pid, signal.SIGKILL)
        def again():
            status = get("pod", name, stage.namespace)["status"]["containerStatuses"][0]
            return status["restartCount"] > 0 and status["ready"]
        eventually(f"the container of {name} runs again and is ready", again, 60)
        before = len(load.lost)
        load.goes_on()
        expect("requests lost after it was ready again", len(load.lost), before)
    without_answer(load, struck)
    shown(f"the process of a proxy killed: {load}, all of them broken connections before the cluster had seen it")


def annotate(stage, value):
    """What a Gateway asks for its infrastructure is in the template of its pods, so that they are replaced."""
    patch("gateway", "front", stage.namespace, {"spec": {"infrastructure": {"annotations": {"e2e.example/roll": value}}}})
    def on_all_pods():
        annotations = [pod["metadata"].get("annotations", {}).get("e2e.example/roll") for pod in stage.gateway.pods()]
        return len(annotations) == stage.replicas and set(annotations) == {value}
    eventually(f"all proxies carry the annotation {value}", on_all_pods, 180)
    stage.gateway.rolled_out(stage.replicas)


def rolled(stage):
    with stage.load() as load, stage.load(tls=True, kept=2, fresh=1) as encrypted, stage.slow_load() as slow, stage.idle_load() as idle:
        annotate(stage, "first")
        annotate(stage, "second")
        load.goes_on()
    for each in (load, encrypted, slow, idle):
        each.none_lost()
    shown(f"all proxies replaced, twice: {load}; over HTTPS {encrypted}; slow ones {slow}; over idle connections {idle}")


def port_changed(stage):
    """Another port of a listener changes the Service, and no pod."""
    pods = sorted(pod["metadata"]["uid"] for pod in stage.gateway.pods())
    listeners = get("gateway", "front", stage.namespace)["spec"]["listeners"]
    more = [*listeners, {"name": "more", "port": 8081, "protocol": "HTTP"}]
    with stage.load() as load:
        patch("gateway", "front", stage.namespace, {"spec": {"listeners": more}})
        served = lambda: 8081 in [port["port"] for port in get("service", "front", stage.namespace)["spec"]["ports"]]
        eventually("the Service has port 8081", served)
        stage.gateway.programmed()
        patch("gateway", "front", stage.namespace, {"spec": {"listeners": listeners}})
        eventually("the Service has port 8081 no more", lambda: not served())
        stage.gateway.programmed()
        load.goes_on()
    load.none_lost()
    expect("the pods", sorted(pod["metadata"]["uid"] for pod in stage.gateway.pods()), pods)
    shown(f"a port added and taken away: the Service followed, the pods stayed; {load}")

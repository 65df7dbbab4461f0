"""The API server, or what it stands on, is away. These look at the proxies by the addresses of their pods, as the lab permits."""
import os
import signal
import time

from .. import laboratory
from ..pages import METRICS, READY, samples
from ..report import Failure, expect, shown
from ..request import fetch
from ..waiting import eventually

AWAY = int(os.environ.get("E2E_API_SERVER_AWAY_SECONDS", "60"))
ETCD_AWAY = 15
OUT_OF_TOUCH = "out_of_touch"


def readiness(pod):
    return fetch(pod["status"]["podIP"], READY, "/healthz/ready")


def out_of_touch(pod):
    """The samples of the metric that says that the proxy is out of touch with the API server."""
    page = samples(fetch(pod["status"]["podIP"], METRICS, "/metrics").body)
    return {name: value for name, value in page.items() if OUT_OF_TOUCH in name}


def all_ready(pods):
    for pod in pods:
        expect(f"readiness of {pod['metadata']['name']}", readiness(pod).status, 200)


def changes_arrive(stage, name):
    """Both a change and its status, for controller and proxies."""
    host = f"{name}.e2e.example"
    stage.new_route(name, host)
    stage.answers(host, body=f"first {host}", seconds=90)
    stage.route_has_status(name, seconds=90)
    stage.drop_route(name)
    stage.answers(host, status=404)


def stopped(stage):
    with stage.load() as load:
        away = out_of_reach(stage, load)
        changes_arrive(stage, "afterwards")
        stage.gateway.rolled_out(stage.replicas)
        eventually("no proxy is out of touch", lambda: not any(any(out_of_touch(pod).values()) for pod in stage.gateway.ready_pods()))
        load.goes_on()
    load.none_lost()
    shown(f"the API server away for {away:.0f} s: all ready, out of touch by their metrics, changes arrived afterwards; {load}")
    shown(f"a proxy that crashed while it was away waited, and said: {crashed_meanwhile(stage)}")


def out_of_reach(stage, load):
    pods = stage.gateway.ready_pods()
    laboratory.stop("kube-apiserver")
    began = time.monotonic()
    try:
        eventually("all proxies say that they are out of touch", lambda: all(any(out_of_touch(pod).values()) for pod in pods))
        while time.monotonic() - began < AWAY:
            load.goes_on()
            load.none_lost()
            all_ready(pods)
    finally:
        laboratory.start("kube-apiserver")
    eventually("the API server is back", laboratory.api_server_is_ready)
    return time.monotonic() - began


def crashed_meanwhile(stage):
    """Without a load, since nobody can lead requests away from a proxy that has crashed while the API server is away."""
    pod = stage.gateway.rolled_out(stage.replicas)[0]
    pid = laboratory.process(pod, "postern")
    laboratory.stop("kube-apiserver")
    try:
        waits = starts_while_away(pod, pid)
    finally:
        laboratory.start("kube-apiserver")
    eventually("the API server is back", laboratory.api_server_is_ready)
    eventually("the proxy is ready after all", lambda: readiness(pod).status == 200)
    stage.gateway.rolled_out(stage.replicas)
    changes_arrive(stage, "after-crash")
    return waits


def starts_while_away(pod, pid):
    """What a proxy says that starts without an API server, on its page of readiness."""
    os.kill(pid, signal.SIGKILL)

    def probe():
        answer = readiness(pod)
        return answer.status == 503 and answer.body.strip().replace("\n", "; ")
    return eventually("a proxy that starts now is not ready, and says what for", probe, 60)


def etcd_restarted(stage):
    pods = stage.gateway.ready_pods()
    with stage.load() as load:
        laboratory.stop("etcd")
        try:
            began = time.monotonic()
            while time.monotonic() - began < ETCD_AWAY:
                load.goes_on()
                load.none_lost()
                all_ready(pods)
        finally:
            laboratory.start("etcd")
        eventually("the API server is ready again", laboratory.api_server_is_ready)
        changes_arrive(stage, "after-etcd")
        all_ready(pods)
        load.goes_on()
    load.none_lost()
    shown(f"etcd away for {ETCD_AWAY} s: all ready, changes arrived afterwards; {load}")

#!/usr/bin/env python3
"""Measures how long it takes from the return of `kubectl apply` of an HTTPRoute to its first 200, and of a CA to its first good
handshake, with the memory of proxy and controller, at some numbers of routes. It judges nothing."""
import sys

sys.dont_write_bytecode = True

import argparse
import gc
import http.client
import statistics
import time

from proof import diagnosis, memory, needs, release
from proof.kubectl import apply, create
from proof.report import Failure, chapter, doing
from proof.request import ask, connection
from proof.stage import HOST, Stage, route, to

PATIENCE = 60
PORTION = 1000  # routes in one `kubectl create`


class Clock:
    """Asks over one connection, which it keeps, as fast as answers come."""

    def __init__(self, address):
        self.address, self.over = address, connection(address, 80, None)

    def first(self, status, host):
        """Seconds until the first answer of this status."""
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < PATIENCE:
            try:
                if ask(self.over, host).status == status:
                    return time.perf_counter() - began
            except (OSError, http.client.HTTPException):
                self.over.close()
        raise Failure(f"expected {status} for {host} within {PATIENCE} s, found none after {passed:.0f} s")


def quantile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def summary(times):
    numbers = [("p50", statistics.median(times)), ("p99", quantile(times, 0.99)), ("max", max(times))]
    return ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in numbers)


def of_routes(stage, clock, count, size):
    times = []
    for number in range(count):
        host = f"measured-{size}-{number}.e2e.example"
        clock.first(404, host)
        apply(route("measured", host, [to("backend", 443)]))
        times.append(clock.first(200, host))
    stage.drop_route("measured")
    return times


def of_authorities(stage, clock, count):
    """The backend keeps its certificate; the ConfigMap has the wrong CA and then the right one."""
    times = []
    for _ in range(count):
        apply(stage.ca(stage.second))
        clock.first(502, HOST)
        apply(stage.ca(stage.first))
        times.append(clock.first(200, HOST))
    return times


def grow(stage, present, size):
    """Routes until there are as many as this, the stage's own counted."""
    numbers = range(present, size)
    for begin in range(0, len(numbers), PORTION):
        portion = numbers[begin:begin + PORTION]
        create(*(route(f"many-{number}", f"many-{number}.e2e.example", [to("backend", 443)]) for number in portion))
    if numbers:
        last = numbers[-1]
        stage.answers(f"many-{last}.e2e.example", seconds=300)
        stage.route_has_status(f"many-{last}", seconds=300)


def measure(stage, arguments):
    present, clock = 1, Clock(stage.address)
    for size in arguments.sizes:
        doing(f"up to {size} routes")
        grow(stage, present, size)
        present = max(present, size)
        proxy = memory.settled(stage.gateway.ready_pods()[0])
        leader = memory.settled(next(pod for pod in release.controller_pods() if pod["metadata"]["name"] == release.lease()[1]))
        tell(size, f"memory of the proxy {proxy / memory.MIB:.1f} MiB, of the controller {leader / memory.MIB:.1f} MiB")
        tell(size, f"an HTTPRoute, from kubectl to its first 200: {summary(of_routes(stage, clock, arguments.n, size))}")
        tell(size, f"a CA, from kubectl to the first good handshake: {summary(of_authorities(stage, clock, arguments.n))}")


def tell(size, text):
    print(f"{size:5} routes: {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=50, help="changes of each kind, at each size (50)")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[1, 1000, 5000],
                        help="numbers of routes, rising (1,1000,5000)")
    parser.add_argument("--keep", action="store_true", help="leave the stage standing")
    arguments = parser.parse_args()
    if missing := needs.missing():
        sys.exit("\n".join(missing))
    stage = Stage(replicas=1)
    gc.disable()
    try:
        stage.set()
        chapter(f"propagation, {arguments.n} changes of each kind")
        measure(stage, arguments)
    except Failure as failure:
        diagnosis.tell()
        sys.exit(f"\nFAILED: {failure}")
    finally:
        if not arguments.keep:
            stage.strike()


if __name__ == "__main__":
    main()

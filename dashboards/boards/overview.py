"""Who has 5xx, and why; then rate, errors, duration, and whether the configuration is served."""

from . import links, stats, tables
from .frame import frame
from .panel import graph, heatmap, more_is_worse, stat, steps, words
from .query import FOUND, WINDOW, by, counted, quantile, rate, series

# The backend's own answers are not ours, and clients that left are nobody's fault.
OWN = 'reason!~"none|downstream_closed"'
FIVES = 'status=~"5.."'
# A tunnel lasts for as long as its sides like.
ANSWERED = 'status_class!="1xx"'
TLS_OF_SERIES = links.board("TLS of this backend", "postern-backend-tls", **links.of_series("gateway", "backend"))


def board():
    requests = series("requests_total")
    failed = counted(series("requests_total", FIVES), WINDOW)
    return frame(
        "postern-overview",
        "Who has 5xx and why; rate, errors, duration, and whether the configuration is served.",
        [
            (
                "Now",
                [
                    stat("Requests", "Requests a second.", rate((), requests), "reqps"),
                    stat(
                        "5xx",
                        "Share of the requests of the last five minutes that got a 5xx, from a backend or from the gateway.",
                        f"(sum({failed}){FOUND}) / sum({counted(requests, WINDOW)})",
                        "percentunit",
                        more_is_worse(0.01, 0.05),
                        decimals=2,
                    ),
                    stats.failing_backends(),
                    stats.expiring(),
                    stats.unaccepted(),
                    stat(
                        "Configuration",
                        "Whether every proxy serves the newest configuration of its Gateway.",
                        f"min({series('config_in_sync')})",
                        thresholds=steps((None, "red"), (1, "green")),
                        mappings=[words({"0": "OUT OF SYNC", "1": "in sync"})],
                    ),
                ],
            ),
            (
                "Who has 5xx, and why",
                [
                    tables.who_has_5xx(),
                    graph(
                        "5xx by reason, in five minutes",
                        "How many requests got a 5xx in the five minutes before each point, by reason.",
                        [(f"{by(('reason',), failed)} > 0", "{{reason}}")],
                        "short",
                        stacked=True,
                    ),
                    graph(
                        "5xx by backend, in five minutes",
                        "The same by backend. No backend: the request never got so far. Click a series for the backend's TLS.",
                        [(f"{by(('gateway', 'backend'), failed)} > 0", "{{backend}} of {{gateway}}")],
                        "short",
                        stacked=True,
                        links=[TLS_OF_SERIES],
                    ),
                ],
            ),
            (
                "Rate and errors",
                [
                    graph(
                        "Requests by status",
                        "Requests a second, by the status that clients got.",
                        [(rate(("status",), requests), "{{status}}")],
                        "reqps",
                        stacked=True,
                    ),
                    graph(
                        "Requests by Gateway", "Requests a second, by Gateway.", [(rate(("gateway",), requests), "{{gateway}}")], "reqps"
                    ),
                    graph(
                        "Answers of the gateway's own, by reason",
                        "Requests that the gateway answered itself or had to cut, by reason; 4xx as well.",
                        [(f"{by(('reason',), counted(series('requests_total', OWN), WINDOW))} > 0", "{{reason}}")],
                        "short",
                        stacked=True,
                    ),
                    graph(
                        "Requests by route and method",
                        "Requests a second of the ten busiest.",
                        [(f"topk(10, {rate(('route', 'method', 'listener'), requests)})", "{{method}} {{route}} at {{listener}}")],
                        "reqps",
                    ),
                ],
            ),
            (
                "Duration",
                [
                    graph(
                        "Duration",
                        "From the end of a request's head to the end of the response. Tunnels (1xx) are left out here and below.",
                        [(quantile(q, (), "request_duration_seconds", ANSWERED), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)],
                        "s",
                    ),
                    graph(
                        "p99 by backend",
                        "The ten slowest. Click a series for the backend's TLS.",
                        [
                            (
                                f"topk(10, {quantile(0.99, ('gateway', 'backend'), 'request_duration_seconds', ANSWERED)})",
                                "{{backend}} of {{gateway}}",
                            )
                        ],
                        "s",
                        links=[TLS_OF_SERIES],
                    ),
                    heatmap(
                        "Durations",
                        "How many requests a second took how long.",
                        rate(("le",), series("request_duration_seconds_bucket", ANSWERED)),
                    ),
                    graph(
                        "Mean duration by status class",
                        "Sum of the durations by number of requests.",
                        [
                            (
                                f"{rate(('status_class',), series('request_duration_seconds_sum', ANSWERED))} / "
                                f"{rate(('status_class',), series('request_duration_seconds_count', ANSWERED))}",
                                "{{status_class}}",
                            )
                        ],
                        "s",
                    ),
                ],
            ),
            ("Configuration", [tables.in_sync(), tables.unaccepted()]),
        ],
    )

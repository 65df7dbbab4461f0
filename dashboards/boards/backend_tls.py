"""How TLS to the backends goes: what fails and why, what will expire, what the pools do."""

from . import stats, tables
from .frame import frame
from .panel import graph, heatmap, less_is_worse, more_is_worse, stat
from .query import (
    BACKEND,
    WINDOW,
    by,
    counted,
    every_expiry,
    quantile,
    rate,
    saturation,
    series,
)

OK = 'result="ok"'
NAMED = "{{backend}}:{{port}} of {{gateway}}"


def board():
    handshakes = series("upstream_tls_handshakes_total")
    failed = counted(series("upstream_tls_handshakes_total", 'result!="ok"'), WINDOW)
    every = counted(handshakes, WINDOW)
    resumed = series("upstream_tls_handshakes_total", OK, 'resumed="true"')
    succeeded = series("upstream_tls_handshakes_total", OK)
    return frame(
        "postern-backend-tls",
        "Which backends fail and why, which certificates will expire, and what the pools do.",
        [
            (
                "Now",
                [
                    stat(
                        "Successful handshakes",
                        "Share of the attempts of the last five minutes to reach a backend by TLS that succeeded.",
                        f"sum({counted(succeeded, WINDOW)}) / sum({every})",
                        "percentunit",
                        less_is_worse(0.95, 0.999),
                        decimals=2,
                    ),
                    stats.failing_backends(),
                    stat(
                        "First to expire",
                        "Days that are left to the certificate that expires first; below 0, it has.",
                        f"min({every_expiry()})",
                        "short",
                        less_is_worse(7, 21),
                        decimals=1,
                    ),
                    stats.expiring(),
                    stat(
                        "Fullest pool",
                        "How much of its limit the backend uses that is nearest to it.",
                        f"max({saturation()})",
                        "percentunit",
                        more_is_worse(0.7, 0.9),
                        decimals=0,
                    ),
                    stats.unaccepted(),
                ],
            ),
            (
                "Failures",
                [
                    tables.failing_backends(),
                    graph(
                        "Failures by result, in five minutes",
                        "How many attempts failed in the five minutes before each point, by result.",
                        [(f"{by(('result',), failed)} > 0", "{{result}}")],
                        "short",
                        stacked=True,
                    ),
                    graph(
                        "Share of successes by backend",
                        "Of the attempts in the five minutes before each point; only backends with failures.",
                        [(f"1 - ({by(BACKEND, failed)} > 0) / {by(BACKEND, every)}", NAMED)],
                        "percentunit",
                        maximum=1,
                    ),
                ],
            ),
            ("Certificates and policies", [tables.expiry(width=24), tables.unaccepted(width=24, height=6)]),
            (
                "Handshakes",
                [
                    graph(
                        "Handshakes by result",
                        "Attempts a second to reach backends by TLS, successes as well.",
                        [(rate(("result",), handshakes), "{{result}}")],
                        "ops",
                    ),
                    graph(
                        "Resumption",
                        "Share of the successful handshakes that resumed a session: they cost a fraction of a full one.",
                        [(f"{rate(BACKEND, resumed)} / ({rate(BACKEND, succeeded)} > 0)", NAMED)],
                        "percentunit",
                        maximum=1,
                    ),
                    heatmap(
                        "Duration of handshakes",
                        "TLS alone, without TCP: how many a second took how long.",
                        rate(("le",), series("upstream_tls_handshake_duration_seconds_bucket")),
                    ),
                    graph(
                        "p95 of full, resumed and failed handshakes",
                        "TLS alone, without TCP. A failure says nothing of resumption.",
                        [
                            (
                                quantile(0.95, ("resumed", "outcome"), "upstream_tls_handshake_duration_seconds"),
                                "{{outcome}}, resumed {{resumed}}",
                            )
                        ],
                        "s",
                    ),
                    graph(
                        "p95 of each phase of connecting",
                        "DNS, TCP and TLS, by how the phase ended.",
                        [(quantile(0.95, ("phase", "outcome"), "upstream_connect_duration_seconds"), "{{phase}}, {{outcome}}")],
                        "s",
                    ),
                    graph(
                        "Negotiated",
                        "TLS connections a second, by version, cipher suite and application protocol (empty: none was negotiated).",
                        [
                            (
                                rate(("version", "cipher", "alpn"), series("upstream_tls_connections_total")),
                                "TLS {{version}} {{cipher}} {{alpn}}",
                            )
                        ],
                        "ops",
                    ),
                ],
            ),
            (
                "Connections",
                [
                    graph(
                        "Pool by state",
                        "Connections to the chosen backends, and what all workers together may have.",
                        [
                            (by(("state",), series("upstream_pool_connections")), "{{state}}"),
                            (f"sum({series('upstream_pool_limit')})", "limit"),
                        ],
                        "short",
                    ),
                    graph(
                        "Use of the limit by backend",
                        "Active and connecting connections by the limit, in the proxy that is nearest to it; the ten fullest.",
                        [(f"topk(10, {saturation()})", NAMED)],
                        "percentunit",
                        thresholds=more_is_worse(0.7, 0.9),
                    ),
                    graph(
                        "Acquisitions",
                        "What requests for a connection got: `rejected` are answered 503.",
                        [(rate(("kind",), series("upstream_pool_acquisitions_total")), "{{kind}}")],
                        "ops",
                    ),
                    graph(
                        "Closed by reason",
                        "Connections to backends that were closed, a second.",
                        [(rate(("reason",), series("upstream_connections_closed_total")), "{{reason}}")],
                        "ops",
                    ),
                    graph(
                        "Opened",
                        "Connections to backends that were opened, a second; the ten busiest backends.",
                        [(f"topk(10, {rate(BACKEND, series('upstream_connections_opened_total'))})", NAMED)],
                        "ops",
                    ),
                    graph(
                        "Retries",
                        "Requests that were sent again, a second: `stale` where a pooled connection turned out to be dead.",
                        [(rate(("reason",), series("upstream_retries_total")), "{{reason}}")],
                        "ops",
                    ),
                    graph(
                        "Bytes of HTTP",
                        "To and from backends.",
                        [
                            (f"sum(rate({series('upstream_sent_bytes_total')}[$__rate_interval]))", "sent"),
                            (f"sum(rate({series('upstream_received_bytes_total')}[$__rate_interval]))", "received"),
                        ],
                        "Bps",
                        width=24,
                    ),
                ],
            ),
        ],
    )

"""The processes: which run, what they use, how many clients they have, and what they had to give up."""

from metrics import OF_TARGETS

from . import links
from .frame import frame
from .panel import any_is_bad, column, graph, more_is_worse, stat, table, words
from .query import HOUR, WINDOW, by, counted, process, rate, series

VERSION = ("version", "revision")


def board():
    handshakes = series("downstream_tls_handshakes_total", 'result!="ok"')
    version = by((*OF_TARGETS, *VERSION), series("build_info"), "max")
    since = by(OF_TARGETS, process("start_time_seconds"), "max")
    return frame(
        "postern-runtime",
        "Which processes run, what they use, how many clients they have, and what they had to give up.",
        [
            (
                "Now",
                [
                    stat("Processes", "Proxies and controllers that are scraped.", f"count({series('build_info')})", width=4),
                    stat(
                        "Versions",
                        "Versions that run. More than one: an upgrade is under way, or stuck.",
                        f"count({by(VERSION, series('build_info'))})",
                        thresholds=more_is_worse(2, 3),
                        width=4,
                    ),
                    stat("Requests in flight", "Requests whose response has not ended.", f"sum({series('requests_in_flight')})", width=4),
                    stat("Clients", "Connections of clients.", f"sum({series('downstream_connections')})", width=4),
                    stat(
                        "Panics, in an hour",
                        "Connections that a fault of ours ended. Any is worth a report.",
                        f"sum(increase({series('connection_panics_total')}[{HOUR}]))",
                        thresholds=any_is_bad(),
                        decimals=0,
                        mappings=[words({"0": "none"})],
                        links=[links.runbook("Runbook", "PosternPanics")],
                        width=4,
                    ),
                    stat(
                        "Log lines dropped, in an hour",
                        "Lines of the access log that nobody took in time.",
                        f"sum(increase({series('access_log_dropped_total')}[{HOUR}]))",
                        thresholds=more_is_worse(1, 1000),
                        decimals=0,
                        mappings=[words({"0": "none"})],
                        width=4,
                    ),
                ],
            ),
            (
                "Processes",
                [
                    table(
                        "What runs",
                        "Each process, with its version, and since when it runs.",
                        [f"{version} * on ({', '.join(OF_TARGETS)}) group_left () {since} * 1000"],
                        [
                            column("instance", "Instance"),
                            column("job", "Job"),
                            column("version", "Version"),
                            column("revision", "Revision"),
                            column("Value", "Since", unit="dateTimeAsIso"),
                            column("cluster", "Cluster"),
                            column("namespace", "Namespace"),
                        ],
                        sort="Since",
                        width=24,
                        height=7,
                    ),
                    graph(
                        "Processor",
                        "Cores in use, by process.",
                        [(by(("instance",), process("cpu_seconds_total", "rate({}[$__rate_interval])")), "{{instance}}")],
                        "short",
                    ),
                    graph(
                        "Memory",
                        "Resident memory, by process.",
                        [(by(("instance",), process("resident_memory_bytes")), "{{instance}}")],
                        "bytes",
                    ),
                    graph(
                        "File descriptors",
                        "Share of those that it may open: connections of both sides are most of them.",
                        [(f"{by(('instance',), process('open_fds'))} / {by(('instance',), process('max_fds'))}", "{{instance}}")],
                        "percentunit",
                        thresholds=more_is_worse(0.7, 0.9),
                        maximum=1,
                    ),
                    graph("Threads", "By process.", [(by(("instance",), process("threads")), "{{instance}}")], "short"),
                ],
            ),
            (
                "Clients",
                [
                    graph(
                        "Connections by port",
                        "Connections of clients, by port of the Gateway.",
                        [(by(("gateway", "port"), series("downstream_connections")), "{{gateway}}:{{port}}")],
                        "short",
                    ),
                    graph(
                        "In flight",
                        "Requests whose response has not ended, by process.",
                        [(by(("instance",), series("requests_in_flight")), "{{instance}}")],
                        "short",
                    ),
                    graph(
                        "Turned away, in five minutes",
                        "Clients that could not connect: `limit` is --max-connections, `descriptors` the limit of the process.",
                        [
                            (
                                by(("gateway", "reason"), f"increase({series('downstream_connections_rejected_total')}[{WINDOW}])"),
                                "{{gateway}}, {{reason}}",
                            )
                        ],
                        "short",
                    ),
                    graph(
                        "TLS handshakes of clients",
                        "A second, by how they ended. Listeners of HTTPS alone have any.",
                        [(rate(("gateway", "result"), series("downstream_tls_handshakes_total")), "{{gateway}}, {{result}}")],
                        "ops",
                    ),
                ],
            ),
            (
                "What was given up",
                [
                    graph(
                        "Panics, in five minutes",
                        "By Gateway.",
                        [(by(("gateway",), f"increase({series('connection_panics_total')}[{WINDOW}])"), "{{gateway}}")],
                        "short",
                    ),
                    graph(
                        "Log lines dropped, in five minutes",
                        "By process.",
                        [(by(("instance",), f"increase({series('access_log_dropped_total')}[{WINDOW}])"), "{{instance}}")],
                        "short",
                    ),
                    graph(
                        "Retries, in five minutes",
                        "Requests that were sent again to a backend: `unwritten`, or over a `stale` connection.",
                        [(by(("reason",), f"increase({series('upstream_retries_total')}[{WINDOW}])"), "{{reason}}")],
                        "short",
                    ),
                    graph(
                        "TLS handshakes of clients that failed, in five minutes",
                        "By port.",
                        [(f"{by(('gateway', 'port', 'result'), counted(handshakes, WINDOW))} > 0", "{{gateway}}:{{port}}, {{result}}")],
                        "short",
                    ),
                    graph(
                        "Kubernetes Events, in five minutes",
                        "About handshakes that begin to fail or recover. `left_out`: there were too many.",
                        [(by(("result",), counted(series("kubernetes_events_total"), WINDOW)), "{{result}}")],
                        "short",
                        width=24,
                    ),
                ],
            ),
        ],
    )

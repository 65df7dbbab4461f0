"""What passes between Postern and Kubernetes: leadership, watches, writes, and how long a change takes."""

from . import links, stats, tables
from .frame import frame
from .panel import column, graph, heatmap, more_is_worse, stat, steps, table, words
from .query import FOUND, HOUR, WINDOW, by, counted, quantile, rate, series

OUT_OF_TOUCH = "kubernetes_out_of_touch_since_timestamp_seconds"


def board():
    return frame(
        "postern-controller",
        "Leadership, watches, writes, and how long a change takes. Proxies watch and write as well: `job` tells apart.",
        [
            (
                "Now",
                [
                    stat(
                        "Leader",
                        "Controllers that write, by release. None: no Gateway is provisioned and no status is written; proxies serve on.",
                        (by(("cluster", "namespace", "job"), series("leader")), "{{job}} {{namespace}} {{cluster}}"),
                        thresholds=steps((None, "red"), (1, "green"), (2, "red")),
                        mappings=[words({"0": "NONE", "1": "one", "2": "TWO"})],
                        width=6,
                    ),
                    stat(
                        "Longest out of touch",
                        "For how long the process that is out of touch the longest has had a watch without contact.",
                        f"max({duration()})",
                        "s",
                        more_is_worse(60, 300),
                        mappings=[words({"0": "in touch"})],
                        width=6,
                    ),
                    stat(
                        "Writes that failed, in an hour",
                        "Writes to Kubernetes that were refused or did not arrive.",
                        f"sum({counted(series('kubernetes_writes_total', FAILED), HOUR)}){FOUND}",
                        thresholds=more_is_worse(1, 10),
                        decimals=0,
                        mappings=[words({"0": "none"})],
                        width=6,
                    ),
                    stats.unaccepted(width=6),
                ],
            ),
            (
                "Who leads, who is in touch",
                [
                    table(
                        "Controllers",
                        "Which of the controllers leads.",
                        [by(("job", "instance"), series("leader"), "max")],
                        [
                            column("instance", "Instance"),
                            column("job", "Job"),
                            column("Value", "Role", mappings=[words({"0": "follows", "1": "LEADS"})], width=120),
                        ],
                        sort="Role",
                    ),
                    table(
                        "In touch with the API server",
                        "Since when a watch of the process is without contact. What is served stays as it is meanwhile.",
                        [f"{by(('job', 'instance'), series(OUT_OF_TOUCH), 'max')} * 1000", by(("job", "instance"), duration(), "max")],
                        [
                            column("instance", "Instance"),
                            column("job", "Job"),
                            column("Value #A", "Out of touch since", unit="dateTimeAsIso", mappings=[words({"0": "in touch"})], width=200),
                            column(
                                "Value #B",
                                "For",
                                unit="s",
                                mappings=[words({"0": "-"})],
                                width=120,
                                links=[links.runbook("Runbook", "PosternOutOfTouch")],
                            ),
                        ],
                        sort="For",
                    ),
                ],
            ),
            ("Gateways", [gateways()]),
            (
                "Watches and writes",
                [
                    graph(
                        "Watches begun again, in five minutes",
                        "By kind. A watch that ends from time to time is usual; many at once are an API server that comes and goes.",
                        [(by(("kind",), f"increase({series('kubernetes_watch_restarts_total')}[{WINDOW}])"), "{{kind}}")],
                        "short",
                    ),
                    graph(
                        "Writes by result, in five minutes",
                        "`conflict`: somebody else had changed the object; it is read and written again.",
                        [(f"{by(('kind', 'result'), counted(series('kubernetes_writes_total'), WINDOW))} > 0", "{{kind}}, {{result}}")],
                        "short",
                        stacked=True,
                    ),
                    graph(
                        "Out of touch",
                        "For how long, by process.",
                        [(f"{by(('instance',), duration(), 'max')}", "{{instance}}")],
                        "s",
                        thresholds=more_is_worse(60, 300),
                        width=24,
                    ),
                ],
            ),
            (
                "Changes",
                [
                    graph(
                        "Propagation",
                        "From the change of an object to its being applied by every worker.",
                        [(quantile(q, ("kind",), "config_propagation_seconds"), f"{{{{kind}}}}, p{q * 100:g}") for q in (0.5, 0.99)],
                        "s",
                    ),
                    heatmap(
                        "Propagation times",
                        "How many changes a second took how long.",
                        rate(("le",), series("config_propagation_seconds_bucket")),
                    ),
                    graph(
                        "Applies, in five minutes",
                        "Configurations, by what became of them. After a failure the last good one is served.",
                        [(by(("result",), f"increase({series('config_applies_total')}[{WINDOW}])"), "{{result}}")],
                        "short",
                    ),
                    graph(
                        "Age of the configuration",
                        "Since when proxies serve what they serve. It grows while nothing changes.",
                        [(f"time() - {by(('instance',), series('config_last_success_timestamp_seconds'), 'max')}", "{{instance}}")],
                        "s",
                    ),
                    tables.in_sync(),
                    tables.unaccepted(),
                ],
            ),
        ],
    )


def gateways():
    """Whether each Gateway that the controller knows is programmed, and how many proxies it has."""
    labels = ("cluster", "gateway")
    programmed = by(labels, series("gateway_programmed"), "max")
    proxies = f"{by(labels, series('config_in_sync'), 'count')} or 0 * {programmed}"
    return table(
        "Gateways: programmed, and served",
        "The condition Programmed of each Gateway, as the controller that leads tells it, and how many proxies of it are scraped.",
        [programmed, proxies],
        [
            column("gateway", "Gateway"),
            column(
                "Value #A",
                "Programmed",
                mappings=[words({"0": "NO", "1": "yes"})],
                width=120,
                links=[links.runbook("Runbook", "PosternGatewayNotProgrammed")],
            ),
            column(
                "Value #B",
                "Proxies",
                unit="short",
                decimals=0,
                mappings=[words({"0": "NONE"})],
                width=100,
                links=[links.runbook("Runbook", "PosternNoProxy")],
            ),
            column("cluster", "Cluster"),
        ],
        sort="Proxies",
        descending=False,
        height=7,
    )


FAILED = 'result="failure"'
FALSE = 'status="false"'


def duration():
    """For how long a process is out of touch: 0 if it is not."""
    since = series(OUT_OF_TOUCH)
    return f"(time() - ({since} > 0)) or {since}"

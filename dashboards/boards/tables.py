"""Tables that more than one board has."""

from . import links
from .panel import between, column, less_is_worse, table, words
from .query import BACKEND, RANGE, by, copied, counted, every_expiry, series, with_policy
from .wording import remedies

TLS_BOARD = links.board("TLS of this backend", "postern-backend-tls", **links.of_row("gateway", "backend"))

# Not shown where series have no such label.
CLUSTER = column("cluster", "Cluster", width=120)


def who_has_5xx():
    """The first thing to look at: which requests failed, and why."""
    labels = ("cluster", "gateway", "route", "backend", "status", "reason")
    failed = counted(series("requests_total", 'status=~"5.."'), RANGE)
    return table(
        "Who has 5xx, and why",
        "Requests of the chosen time that were answered with 5xx, most first. `reason` is `none` where the backend itself answered so; "
        "the other words are the gateway's own. Click a backend to see its TLS, or a reason for the runbook.",
        [copied(f"topk(50, {by(labels, failed)} > 0)", "remedy", "reason")],
        [
            column("backend", "Backend", links=[TLS_BOARD], width=240),
            column("reason", "Reason", links=[links.runbook("Runbook", "PosternHigh5xxRatio", "#reasons")], width=190),
            column("status", "Status", width=80),
            column("Value", "Requests", unit="short", decimals=0, width=100),
            column("remedy", "What to do", mappings=remedies(), wrapped=True),
            column("route", "Route", width=180),
            column("gateway", "Gateway", width=180),
            CLUSTER,
        ],
        sort="Requests",
    )


def failing_backends():
    """Which backends cannot be reached by TLS, why, since when, and what mends it."""
    labels = ("cluster", *BACKEND, "result")
    last = by(labels, series("upstream_tls_last_failure_timestamp_seconds"), "max")
    failed = counted(series("upstream_tls_handshakes_total", 'result!="ok"'), RANGE)

    def worded(expression):
        return copied(with_policy(expression), "remedy", "result")

    return table(
        "Failing backends: which, why, and what to do",
        "Each backend with each way in which its handshakes have failed, the latest first. `FAILING`: it did within five minutes. "
        "`Failures` are those of the chosen time.",
        [worded(f"{last} * 1000"), worded(by(labels, failed)), worded(f"time() - {last}")],
        [
            column("backend", "Backend", links=[TLS_BOARD], width=240),
            column("port", "Port", width=70),
            column("result", "Result", links=[links.runbook("Runbook", "PosternBackendTLSFailures", "#causes")], width=180),
            column("remedy", "What to do", mappings=remedies(), wrapped=True),
            column("policy", "Policy", width=160),
            # Below 0: the clock of the proxy is ahead.
            column("Value #C", "State", mappings=[between(0, -1e12, 300, "FAILING"), between(1, 300, 1e12, "no longer")], width=100),
            column("Value #A", "Last failure", unit="dateTimeFromNow", width=140),
            column("Value #B", "Failures", unit="short", decimals=0, width=90),
            column("gateway", "Gateway", width=160),
            CLUSTER,
        ],
        sort="Last failure",
        height=10,
    )


def expiry(width=24, height=9):
    """Every certificate that is known, the one that expires first on top."""
    state = [
        between(0, -1e6, 0, "EXPIRED"),
        between(1, 0, 7, "within 7 days"),
        between(2, 7, 21, "within 21 days"),
        between(3, 21, 1e6, "good"),
    ]
    return table(
        "Certificates: days left",
        "CAs of policies, client certificates of Gateways, certificates that listeners serve, and what backends presented last. "
        "A proxy that had no handshake since a backend was renewed still says the old date.",
        [every_expiry(), every_expiry()],
        [
            column("owner", "Policy, backend or Gateway", width=260),
            column("certificate", "Certificate", width=140),
            column("Value #A", "Days left", unit="short", decimals=1, thresholds=less_is_worse(7, 21), width=100),
            column("Value #B", "State", mappings=state, width=130),
            column("ref", "In", width=260),
            column("port", "Port", width=70),
            column("gateway", "Gateway"),
            CLUSTER,
        ],
        sort="Days left",
        descending=False,
        width=width,
        height=height,
    )


def unaccepted(width=12, height=8):
    """Policies that are not as they should be."""
    labels = ("kind", "policy", "type")
    false = by(labels, series("policy_condition", 'status="false"'), "max")
    return table(
        "Policies: conditions",
        "The conditions of each policy. One that is false poisons the backends that it selects: they get 500, never plaintext. "
        "`kubectl describe backendtlspolicy` has the message.",
        [false],
        [
            column("policy", "Policy"),
            column("kind", "Kind", width=150),
            column("type", "Condition", width=130),
            column(
                "Value",
                "Status",
                mappings=[words({"0": "true", "1": "FALSE"})],
                width=90,
                links=[links.runbook("Runbook", "PosternPolicyNotAccepted")],
            ),
        ],
        sort="Status",
        width=width,
        height=height,
    )


def in_sync(width=12, height=8):
    """Which proxies serve the newest configuration."""
    now = by(("instance", "gateway"), series("config_in_sync"), "min")
    return table(
        "In sync",
        "Whether every worker of a proxy serves the newest configuration of its Gateway.",
        [now],
        [
            column("gateway", "Gateway"),
            column("instance", "Instance"),
            column(
                "Value",
                "State",
                mappings=[words({"0": "OUT OF SYNC", "1": "in sync"})],
                width=130,
                links=[links.runbook("Runbook", "PosternConfigOutOfSync")],
            ),
        ],
        sort="State",
        descending=False,
        width=width,
        height=height,
    )

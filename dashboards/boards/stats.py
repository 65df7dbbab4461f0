"""Numbers that more than one board begins with: what is wrong now."""

from . import links
from .panel import any_is_bad, more_is_worse, stat, words
from .query import BACKEND, FOUND, WINDOW, by, counted, every_expiry, series

NONE = [words({"0": "none"})]
TLS_BOARD = [links.board("Backend TLS", "postern-backend-tls")]


def failing_backends():
    failures = counted(series("upstream_tls_handshakes_total", 'result!="ok"'), WINDOW)
    return stat(
        "Backends with TLS failures",
        "Backends of which at least one handshake failed in the last five minutes.",
        f"count({by(BACKEND, failures)} > 0){FOUND}",
        thresholds=any_is_bad(),
        mappings=NONE,
        links=TLS_BOARD,
    )


def expiring():
    return stat(
        "Certificates near their end",
        "Certificates that have expired or will within 21 days.",
        f"count(({every_expiry()}) < 21){FOUND}",
        thresholds=more_is_worse(1, 5),
        mappings=NONE,
        links=TLS_BOARD,
    )


def unaccepted(width=4):
    false = by(("kind", "policy", "type"), series("policy_condition", 'status="false"'), "max")
    return stat(
        "Policy conditions that are false",
        "A policy that is not accepted gives its backends 500.",
        f"sum({false}){FOUND}",
        thresholds=any_is_bad(),
        mappings=NONE,
        links=TLS_BOARD,
        width=width,
    )

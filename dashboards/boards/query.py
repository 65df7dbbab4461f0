"""PromQL of the boards: selectors that the variables filter, and sums that do not miss how a series begins."""

from metrics import OF_TARGETS, by_series

# Variables that filter what has the label of the same name.
OF_OBJECTS = ("gateway", "backend")
BACKEND = ("gateway", "backend", "port")
DAY = 86400
# Over what graphs count failures: the same as the alerts.
WINDOW = "5m"
HOUR = "1h"
# The whole time that the board shows.
RANGE = "$__range"
SECONDS = {WINDOW: "300", HOUR: "3600", RANGE: "$__range_s"}
FOUND = " or vector(0)"


def series(name, *matchers):
    """The series `postern_NAME` that the variables of the board leave, and that match."""
    return filtered(f"postern_{name}", matchers)


def process(name, change="{}"):
    """The series `process_NAME` of our processes: everything that Prometheus scrapes has such series. `change` is what is made
    of them, such as a rate."""
    return f"{change.format(filtered(f'process_{name}'))} and on ({', '.join(OF_TARGETS)}) {series('build_info')}"


def filtered(name, matchers=()):
    labels = by_series()[name].labels
    filters = [*OF_TARGETS, *(label for label in OF_OBJECTS if label in labels)]
    chosen = [f'{label}=~"${label}"' for label in filters]
    return f"{name}{{{', '.join([*chosen, *matchers])}}}"


def by(labels, inner, operator="sum"):
    return f"{operator} by ({', '.join(labels)}) ({inner})" if labels else f"{operator}({inner})"


def rate(labels, selector):
    return by(labels, f"rate({selector}[$__rate_interval])")


def counted(selector, window):
    """What was counted in the window. A failure is a series that begins at its first occurrence, where `increase` sees
    nothing: a series that is new in the window counts whole. So that it is not taken for new after a gap in scraping, its
    process has to have been scraped before the window, or have begun in it."""
    before = f"{series('build_info')} offset {window} or {filtered('process_start_time_seconds')} > time() - {SECONDS[window]}"
    return f"(({selector} unless {selector} offset {window}) and on ({', '.join(OF_TARGETS)}) ({before})) or increase({selector}[{window}])"


def quantile(q, labels, name, *matchers):
    return f"histogram_quantile({q}, {rate(('le', *labels), series(name + '_bucket', *matchers))})"


def relabelled(expression, label, value, source=""):
    """With one more label: a value, or a copy of another label's."""
    pattern = "(.*)" if source else ""
    return f'label_replace({expression}, "{label}", "{value}", "{source}", "{pattern}")'


def copied(expression, label, source):
    return relabelled(expression, label, "$1", source)


def days_left(owner, certificate, name, labels):
    """Days until certificates of one kind expire, by owner."""
    first = by(("cluster", *labels), series(name), "min")
    left = f"({first} - time()) / {DAY}"
    return relabelled(copied(left, "owner", owner), "certificate", certificate)


def every_expiry():
    """Days left of every certificate that is known, with the labels `certificate`, `owner` and `ref`."""
    return " or ".join(
        [
            days_left("policy", "CA of the policy", "backend_ca_certificate_not_after_timestamp_seconds", ("policy", "ref")),
            days_left("backend", "of the backend", "upstream_tls_peer_certificate_not_after_timestamp_seconds", BACKEND),
            days_left("gateway", "client", "backend_client_certificate_not_after_timestamp_seconds", ("gateway", "ref")),
            days_left("gateway", "listener", "listener_certificate_not_after_timestamp_seconds", ("gateway", "ref")),
        ]
    )


def saturation():
    """How much of the limit is in use, by backend, in the process that uses the most of it."""
    of_each = (*OF_TARGETS, *BACKEND)
    used = by(of_each, series("upstream_pool_connections", 'state=~"active|connecting"'))
    # A backend without endpoints may have none.
    limit = by(of_each, series("upstream_pool_limit"), "max")
    return by(BACKEND, f"{used} / ({limit} > 0)", "max")


def with_policy(expression):
    """Of backends, with the policy of each that has one as a label. While a policy is exchanged, one of both counts."""
    backend = ", ".join(("cluster", *BACKEND))
    info = f"topk by ({backend}) (1, max by ({backend}, policy) ({series('upstream_tls_policy_info')}))"
    return f"({expression}) * on ({backend}) group_left (policy) {info} or ({expression}) unless on ({backend}) {info}"

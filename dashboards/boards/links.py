"""Where a click leads: another board with the row's objects filled in, or a runbook."""

from .panel import link

RUNBOOKS = "https://github.com/postern-gateway/postern/blob/main/docs/runbooks"
# The choice of targets and the time go along.
KEPT = "&".join([*("${%s:queryparam}" % name for name in ("datasource", "cluster", "job", "namespace", "instance")), "${__url_time_range}"])


def board(title, uid, **variables):
    """A board, with variables set to the values of fields or labels."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return link(title, f"/d/{uid}?{KEPT}{chosen}")


def of_row(*labels):
    return {label: "${__data.fields.%s}" % label for label in labels}


def of_series(*labels):
    return {label: "${__field.labels.%s}" % label for label in labels}


def runbook(title, alert, anchor=""):
    return link(title, f"{RUNBOOKS}/{alert}.md{anchor}")

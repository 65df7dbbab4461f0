"""What all boards have: identity, variables, and links to each other. A board's uid never changes: alerts and links name it."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from metrics import OF_TARGETS, known

from .panel import DATASOURCE

TITLES = {
    "postern-overview": "Postern / Overview",
    "postern-backend-tls": "Postern / Backend TLS",
    "postern-controller": "Postern / Controller",
    "postern-runtime": "Postern / Runtime",
}
ALL = model.VariableOption(selected=True, text="All", value="$__all")
VARIABLES = ("cluster", "job", "namespace", "gateway", "backend", "instance")


def frame(uid, description, rows):
    """A board of rows: titles, each with its panels."""
    board = (
        build.Dashboard(TITLES[uid])
        .uid(uid)
        .description(description)
        .tags(["postern"])
        .timezone("browser")
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .editable()
        .variables(variables())
        .links([link_to(other, title) for other, title in TITLES.items() if other != uid])
    )
    number = 0
    for title, panels in rows:
        number += 1
        board = board.with_row(build.Row(title).id(number))
        for panel in panels:
            number += 1
            board = board.with_panel(panel.id(number))
    return board


def link_to(uid, title):
    return (
        build.DashboardLink(title).type(model.DashboardLinkType.LINK).url(f"/d/{uid}").icon("dashboard").include_vars(True).keep_time(True)
    )


def variables():
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return [source, *(variable(name) for name in VARIABLES)]


def variable(name):
    """One that lists what is there, under the variables before it. `All` also takes what lacks the label."""
    return (
        build.QueryVariable(name)
        .label(name.capitalize())
        .query({"query": f"label_values({values_of(name)}, {name})", "refId": name})
        .datasource(DATASOURCE)
        .current(ALL)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def values_of(name):
    """The series whose labels are offered as the values of a variable."""
    metrics = {
        "gateway": ("postern_config_in_sync", "postern_requests_total"),
        # A backend whose policy cannot be used has no connections, but requests.
        "backend": ("postern_upstream_tls_handshakes_total", "postern_requests_total"),
    }.get(name, ("postern_build_info",))
    before = [other for other in VARIABLES[: VARIABLES.index(name)] if other in OF_TARGETS or other == "gateway"]
    if name == "instance":
        before.remove("gateway")
    assert all(metric in known() for metric in metrics)
    filters = ", ".join(f'{other}=~"${other}"' for other in before)
    if len(metrics) > 1:
        filters = ", ".join(filter(None, [f'__name__=~"{"|".join(metrics)}"', filters]))
        return f"{{{filters}}}"
    return f"{metrics[0]}{{{filters}}}" if filters else metrics[0]

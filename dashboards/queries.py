"""Every query of boards and rules, with the variables of Grafana filled in: what tests parse, and what a real Prometheus can be asked.

It reads the committed files, so it needs PyYAML alone.

    for query in queries():
        evaluate(query.expression)

`python dashboards/queries.py` prints them as JSON, a query a line."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
BOARDS = ("overview", "backend-tls", "controller", "runtime")
RULES = HERE / "rules" / "postern.rules.yaml"

# What Grafana fills in: all of everything, over an hour.
VALUES = {name: ".*" for name in ("cluster", "job", "namespace", "gateway", "backend", "instance")} | {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__range": "1h",
    "__range_s": "3600",
}
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


@dataclass(frozen=True)
class Query:
    """`where` says which panel or rule. `kind` is `panel`, `variable` (a selector of series whose labels are offered), `recording` or
    `alert`; `legend` is how a panel names the series. A `filter` (`> 0`) may leave a query of good health empty: so do alerts."""

    where: str
    kind: str
    expression: str
    legend: str = ""


def queries(values=None):
    """All of them; `values` are laid over VALUES."""
    for board in BOARDS:
        yield from of_board(board, VALUES | (values or {}))
    yield from of_rules()


def of_board(name, values=VALUES):
    document = json.loads((HERE / f"{name}.json").read_text())
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            selector = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"]).group(1)
            yield Query(f"{name}: variable {variable['name']}", "variable", substituted(selector, values))
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            where = f"{name}: {panel['title']}, {target['refId']}"
            yield Query(where, "panel", substituted(target["expr"], values), target.get("legendFormat", ""))


def of_rules():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            kind = "alert" if "alert" in rule else "recording"
            name = rule.get("alert") or rule["record"]
            severity = rule.get("labels", {}).get("severity")
            yield Query(f"rules: {name}" + (f", {severity}" if severity else ""), kind, rule["expr"])


def substituted(expression, values=VALUES):
    """With the variables filled in. `$1` of label_replace is none."""
    return VARIABLE.sub(lambda found: values[found.group(1) or found.group(2)], expression)


if __name__ == "__main__":
    for query in queries():
        print(json.dumps(asdict(query)))

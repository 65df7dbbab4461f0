"""What has to hold of metrics, boards and rules while everything is provoked. Each check names all that is wrong at once."""
import math
import sys

import yaml

from proof.report import Failure, shown
from proof.waiting import eventually

from . import exceptions, promql, scrape
from .programs import REPOSITORY

DASHBOARDS = REPOSITORY / "dashboards"

sys.path.append(str(DASHBOARDS))
import metrics
import queries
from tests.promql import read

SECONDS = 180
WINDOWS = {"__rate_interval": "30s", "__interval": "5s", "__range": "15m", "__range_s": "900"}
# Metrics of those who follow an API server, and of the controller.
NOT_IN_FILES = ("cluster", "controller")


class Checks:
    """`pages` gives the scrapes of the targets, by `proxy` and `controller`; without a controller, what only clusters have is left out."""

    def __init__(self, prometheus, inventory, pages, cluster):
        self.prometheus, self.inventory, self.pages, self.cluster = prometheus, inventory, pages, cluster
        self.queries = [query for query in queries.queries(WINDOWS) if cluster or not self.is_of_clusters(query)]

    def is_of_clusters(self, query):
        known = metrics.by_series()
        return any(name in known and known[name].of in NOT_IN_FILES for name in read(query.expression).names())

    def all(self):
        self.every_result_is_counted()
        self.rules_are_evaluated()
        self.queries_find_data()
        self.labels_exist()
        self.pages_say_what_is_documented()
        self.every_metric_is_used()

    def every_result_is_counted(self):
        words = {entry["result"] for entry in self.inventory["results"]}
        def probe():
            missing = []
            for word in sorted(words):
                found = self.prometheus.query(f'postern_upstream_tls_handshakes_total{{result="{word}"}} > 0 or postern_requests_total{{reason="{word}"}} > 0')
                if not found:
                    missing.append(word)
            return nothing(missing, "results that are counted nowhere")
        eventually("every result is counted", probe, SECONDS, every=1)
        shown(f"all {len(words)} results are counted")

    def queries_find_data(self):
        """Every selector of every query finds series, and so does every query but an alert: that one is silent while nothing is wrong."""
        left = list(self.queries)
        fired = []
        def probe():
            reasons = {}
            for query in list(left):
                reason = self.lacks(query)
                if reason:
                    reasons[query.where] = reason
                    continue
                left.remove(query)
                if query.kind == "alert" and self.has_data(query.expression):
                    fired.append(query.where)
            return nothing([f"{where}: {reason}" for where, reason in reasons.items()], "queries without data")
        eventually("every query finds data", probe, SECONDS, every=1)
        kinds = {kind: sum(1 for query in self.queries if query.kind == kind) for kind in ("panel", "variable", "recording", "alert")}
        shown("data for " + ", ".join(f"{count} of kind {kind}" for kind, count in kinds.items()) + f"; of the alerts, {len(fired)} have cause")

    def lacks(self, query):
        for selector in promql.selectors(query.expression):
            if selector not in exceptions.SELECTORS and not self.has_data(selector):
                return f"nothing is selected by {selector}"
        if query.kind != "alert" and not self.has_data(promql.without_fallback(query.expression)):
            return f"no data: {query.expression}"
        return None

    def has_data(self, expression):
        return any(not math.isnan(float(series["value"][1])) for series in self.prometheus.query(expression))

    def rules_are_evaluated(self):
        def probe():
            bad = [f"{rule['name']} is {rule['health']}: {rule.get('lastError', '')}" for rule in self.prometheus.rules() if rule["health"] != "ok"]
            return nothing(bad, "rules that Prometheus does not evaluate")
        eventually("Prometheus evaluates every rule", probe, SECONDS, every=1)
        shown(f"Prometheus evaluates all {len(self.prometheus.rules())} rules")

    def labels_exist(self):
        have, wrong = {}, []
        def labels_of(name):
            if name not in have:
                have[name] = {label for series in self.prometheus.query(f'{{__name__="{name}"}}') for label in series["metric"]}
            return have[name]
        for query in self.queries:
            reading = read(query.expression)
            named = [({name}, labels) for name, labels in reading.series] + reading.named
            for names, labels in named:
                missing = labels - set().union(*map(labels_of, names)) - reading.made - exceptions.LABELS.keys()
                wrong += [f"{query.where} names {label}, of {', '.join(names)}" for label in missing]
        nothing(wrong, "labels that no series has")
        shown("every label that boards and rules use exists")

    def scraped(self):
        """The metrics of all targets as one, by name, and whose they are."""
        found = {}
        for of, text in self.pages().items():
            for name, metric in scrape.read(text).items():
                found.setdefault(name, {})[of] = metric
        return found

    def pages_say_what_is_documented(self):
        known, wrong = metrics.known(), []
        scraped = self.scraped()
        for name, by_target in scraped.items():
            for of, metric in by_target.items():
                if name not in known:
                    wrong.append(f"{name} of the {of} is not documented")
                elif known[name].type != metric.type:
                    wrong.append(f"{name} is a {metric.type} and documented as a {known[name].type}")
                elif metric.series and set(known[name].labels) != metric.labels:
                    wrong.append(f"{name} of the {of} has the labels {sorted(metric.labels)} and is documented with {sorted(known[name].labels)}")
        for name, metric in known.items():
            for owners in self.owners(metric):
                having = [of for of in owners if of in scraped.get(name, {}) and scraped[name][of].series]
                if not having:
                    wrong.append(f"{name} is documented, and no {' or '.join(owners)} has a series of it")
        nothing(wrong, "metrics that are not as docs/metrics.md has them")
        shown(f"{len(scraped)} metrics are as docs/metrics.md has them")

    def owners(self, metric):
        """Who has to have a metric: of each group at least one."""
        if not self.cluster:
            return [] if metric.of in NOT_IN_FILES else [["proxy"]]
        return {"proxy": [["proxy"]], "controller": [["controller"]], "both": [["proxy"], ["controller"]]}.get(metric.of, [["proxy", "controller"]])

    def every_metric_is_used(self):
        """Or left out: `dashboards/check` sees to it that this is so of what is documented, and that there is a reason."""
        known = metrics.by_series()
        used = {known[name].name for query in queries.queries(WINDOWS) for name in read(query.expression).names() if name in known}
        left_out = yaml.safe_load((DASHBOARDS / "left-out.yaml").read_text()) or {}
        nothing([name for name in self.scraped() if name not in used | left_out.keys()], "metrics that are on no board and in no rule")
        shown(f"every metric is on a board or in a rule, but for {len(left_out)} that are left out")

    def series_are_bounded(self, load, rounds=5):
        """Requests that have nothing in common with earlier ones make no series: their number stays once it has settled."""
        def count():
            load.strange(rounds)
            load.goes_on()
            return {of: scrape.names(text) for of, text in self.pages().items()}
        before = count()
        def probe():
            nonlocal before
            after = count()
            new = [name for of in after for name in after[of] - before[of]]
            before = after
            return nothing(new, "series that came with repeated requests")
        eventually("the number of series stays", probe, SECONDS)
        shown(f"the number of series stays: {sum(map(len, before.values()))}")


def nothing(wrong, what):
    """True, or a failure that names all that is wrong."""
    if wrong:
        raise Failure(f"{what}:\n" + "\n".join(f"  {text}" for text in wrong))
    return True

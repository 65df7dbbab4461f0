"""Every query of boards and rules parses, and names only metrics and labels that docs/metrics.md has; and every metric is used, or left
out for a reason."""

import re
import unittest
from pathlib import Path

import yaml

from metrics import OF_TARGETS, by_series, known
from queries import RULES, of_board, of_rules, queries
from tests.promql import read

HERE = Path(__file__).parent.parent
# Prometheus' own.
OWN = {"up": set()}


def recorded():
    """The labels of what the rules record."""
    labels = {}
    for query in of_rules():
        if query.kind != "recording":
            continue
        name = query.where.removeprefix("rules: ")
        reading = read(query.expression)
        under = set().union(*(labels_of(each, labels) for each in reading.names()))
        grouped = [group for _, group in reading.named]
        aggregated = query.expression.startswith("sum by") and grouped
        labels[name] = grouped[-1] if aggregated else under
    return labels


def labels_of(name, recordings):
    if name in OWN:
        return set(OF_TARGETS)
    if name in recordings:
        return set(recordings[name]) | set(OF_TARGETS)
    metric = by_series()[name]
    return {*metric.labels, *OF_TARGETS, *({"le"} if name.endswith("_bucket") else ())}


class Queries(unittest.TestCase):
    def test_every_series_is_known(self):
        recordings = recorded()
        for query in queries():
            with self.subTest(query.where):
                for name in read(query.expression).names():
                    self.assertTrue(name in by_series() or name in recordings or name in OWN, name)

    def test_every_label_is_one_of_its_metric(self):
        recordings = recorded()
        for query in queries():
            reading = read(query.expression)
            with self.subTest(query.where):
                for name, labels in reading.series:
                    self.assertLessEqual(labels, labels_of(name, recordings), name)
                for under, labels in reading.named:
                    there = set().union(*(labels_of(name, recordings) for name in under))
                    self.assertLessEqual(labels, there | reading.made, under)

    def test_legends_name_labels_that_are_left(self):
        for query in queries():
            legend = set(re.findall(r"{{(\w+)}}", query.legend))
            if legend:
                with self.subTest(query.where):
                    outermost = re.search(r" by \(([^)]*)\)", query.expression).group(1).split(", ")
                    self.assertLessEqual(legend, set(outermost))

    def test_boards_filter_by_all_that_their_metrics_have(self):
        for board in ("overview", "backend-tls", "controller", "runtime"):
            for query in of_board(board):
                if query.kind != "panel":
                    continue
                for name, labels in read(query.expression).series:
                    with self.subTest(query.where, series=name):
                        wanted = {*OF_TARGETS, *({"gateway", "backend"} & set(by_series()[name].labels))}
                        self.assertLessEqual(wanted, labels)

    def test_counters_are_asked_for_changes_and_gauges_are_not(self):
        for query in queries():
            for name in read(query.expression).names() & set(by_series()):
                over_time = re.search(rf"\b(rate|increase)\({name}\b", query.expression) is not None
                with self.subTest(query.where, series=name):
                    if query.kind != "variable":
                        self.assertEqual(over_time, by_series()[name].type != "gauge")

    def test_every_metric_is_used_or_left_out_for_a_reason(self):
        used = {by_series()[name].name for query in queries() for name in read(query.expression).names() if name in by_series()}
        left_out = yaml.safe_load((HERE / "left-out.yaml").read_text()) or {}
        self.assertEqual(set(known()), used | set(left_out))
        self.assertFalse(used & set(left_out), "used, and listed as left out")
        self.assertTrue(all(left_out.values()), "left out without a reason")

    def test_recordings_are_used(self):
        text = RULES.read_text()
        for name in recorded():
            self.assertGreater(len(re.findall(re.escape(name), text)), 1, name)


if __name__ == "__main__":
    unittest.main()

"""What every alert has to have: a severity, texts, a runbook, a board, and cases in which it fires and is silent."""

import re
import unittest
from pathlib import Path

import yaml

from boards.frame import TITLES
from boards.links import RUNBOOKS
from queries import RULES

PAGES = Path(__file__).parent.parent.parent / "docs" / "runbooks"
CASES = RULES.parent / "postern.tests.yaml"


def rules():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


class Rules(unittest.TestCase):
    def test_alerts_say_what_is_wrong_and_where_to_look(self):
        for rule in alerts():
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], r"^Postern[A-Z]\w+$")
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                texts = rule["annotations"]
                self.assertEqual(set(texts), {"summary", "description", "runbook_url", "dashboard"})
                self.assertEqual(texts["runbook_url"], f"{RUNBOOKS}/{rule['alert']}.md")
                self.assertIn(re.match(r"/d/([\w-]+)", texts["dashboard"])[1], TITLES)

    def test_texts_name_labels_that_the_alert_has(self):
        for rule in alerts():
            with self.subTest(rule["alert"]):
                grouped = re.search(r"(?:by|record:) \(([^)]*)\)", rule["expr"])
                named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
                there = set(grouped[1].split(", ")) if grouped else labels_of_recordings(rule["expr"])
                self.assertLessEqual(named, there)

    def test_one_runbook_an_alert_and_no_other(self):
        self.assertEqual({rule["alert"] for rule in alerts()}, {page.stem for page in PAGES.glob("*")})
        for page in PAGES.glob("*.md"):
            with self.subTest(page.name):
                text = page.read_text()
                self.assertTrue(text.startswith(f"# {page.stem}\n"))
                self.assertIn("\n## Look\n", text)
                self.assertIn("\n## Over\n", text)
                for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text):
                    self.assertTrue((PAGES / target).exists(), target)

    def test_each_fires_in_a_case_and_is_silent_in_another(self):
        fires, silent = set(), set()
        for case in yaml.safe_load(CASES.read_text())["tests"]:
            for asked in case["promql_expr_test"]:
                alert = re.search(r'alertname="(\w+)"', asked["expr"])[1]
                found = {re.search(r'severity="(\w+)"', sample["labels"])[1] for sample in asked["exp_samples"]}
                fires |= {(alert, severity) for severity in found}
                if not found:
                    silent.add(alert)
        self.assertEqual(fires, {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()})
        self.assertEqual(silent, {rule["alert"] for rule in alerts()})

    def test_recordings_are_named_by_level_metric_and_operation(self):
        for rule in rules():
            if "record" in rule:
                self.assertRegex(rule["record"], r"^postern:[a-z_]+:[a-z0-9_]+(:[a-z0-9]+)?$")


def labels_of_recordings(expression):
    """Of the recordings that an alert compares, and of `up`."""
    recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    name = re.search(r"postern:[a-z_]+:[a-z0-9_]+(:[a-z0-9]+)?", expression)[0]
    text = recorded[name]
    if name == "postern:instance:up":
        return {"cluster", "namespace", "job", "instance"}
    if by := re.search(r"by \(([^)]*)\)", text):
        return set(by[1].split(", "))
    without = set(re.search(r"without \(([^)]*)\)", text)[1].split(", "))
    kept = labels_of_recordings(re.sub(re.escape(name), "", text))
    # A ratio keeps what its first operand has.
    return kept if text.startswith("postern:") else kept - without


if __name__ == "__main__":
    unittest.main()

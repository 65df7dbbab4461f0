"""The queries that docs/ shows: they parse, name only what there is, and do not miss how a series begins; and what pages say of rules."""

import re
import unittest

from metrics import PAGE, by_series
from queries import of_rules, queries
from tests.promql import read
from tests.test_queries import OWN, labels_of, recorded

DOCS = PAGE.parent
RUNBOOKS = DOCS / "runbooks"
FENCED = re.compile(r"^( *)```.*?^\1```$", re.M | re.S)
# A block of code of a page, or of an item of a list.
INDENTED = re.compile(r"(?<=\n\n)(?: {7}| {4})(?! ).*\n(?: {4,}.*\n)*")
INLINE = re.compile(r"`([^`]+)`")
# More than a name, which may have labels without values.
QUERY = re.compile(r"(?:postern_\w+|\bup\b)[^\w{]|postern_\w+\{\w+[^\w}]|\(postern_")
# How a counter is counted whose series begin with an event.
FROM_ITS_BEGINNING = re.compile(r"(postern_\w+)(?:\{[^}]*\})? unless \1\b")


def shown():
    """Every query of the pages, with the page's name."""
    for path in sorted([*DOCS.glob("*.md"), *RUNBOOKS.glob("*.md")]):
        text = FENCED.sub("", path.read_text())
        found = [*INDENTED.findall(text), *INLINE.findall(INDENTED.sub("", text))]
        yield from ((path.name, query) for query in found if QUERY.search(query))



class Pages(unittest.TestCase):
    def test_queries_name_what_there_is(self):
        recordings = recorded()
        for page, query in shown():
            with self.subTest(page, query=query):
                for name, labels in read(query).series:
                    self.assertTrue(name in by_series() or name in recordings or name in OWN, name)
                    self.assertLessEqual(labels, labels_of(name, recordings), name)

    def test_queries_do_not_miss_how_a_series_begins(self):
        begin_with_an_event = {name for query in queries() for name in FROM_ITS_BEGINNING.findall(query.expression)}
        self.assertIn("postern_requests_total", begin_with_an_event)
        counting = [(page, query) for page, query in shown() if "increase(" in query]
        self.assertTrue(counting)
        for page, query in counting:
            with self.subTest(page, query=query):
                needed = set(re.findall(r"increase\((\w+)", query)) & begin_with_an_event
                self.assertLessEqual(needed, set(FROM_ITS_BEGINNING.findall(query)))

    def test_the_runbook_says_which_results_may_pass(self):
        rule = next(query for query in of_rules() if query.where == "rules: PosternBackendTLSFailures, critical")
        text = (RUNBOOKS / "PosternBackendTLSFailures.md").read_text()
        paragraph = re.search(r"What may pass by itself.*?\n\n", text, re.S)[0]
        self.assertEqual(re.findall(r"`(\w+)`", paragraph), re.search(r'result!~"([^"]+)"', rule.expression)[1].split("|"))


if __name__ == "__main__":
    unittest.main()

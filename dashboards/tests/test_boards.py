"""The boards as Grafana imports them, and as somebody reads them at night."""

import json
import re
import unittest
from pathlib import Path

import generate
from boards.frame import TITLES, VARIABLES
from queries import BOARDS

HERE = Path(__file__).parent.parent


def boards():
    for name in BOARDS:
        yield name, json.loads((HERE / f"{name}.json").read_text())


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def links(panel):
    config = panel.get("fieldConfig", {"defaults": {}, "overrides": ()})
    yield from config["defaults"].get("links", ())
    for override in config["overrides"]:
        for each in override["properties"]:
            if each["id"] == "links":
                yield from each["value"]


class Boards(unittest.TestCase):
    def test_the_files_are_what_the_source_makes(self):
        for path, text in generate.documents():
            with self.subTest(path.name):
                self.assertEqual(path.read_text(), text)

    def test_making_them_twice_makes_the_same(self):
        self.assertEqual(list(generate.documents()), list(generate.documents()))

    def test_identity(self):
        for name, board in boards():
            with self.subTest(name):
                self.assertEqual(board["uid"], f"postern-{name}")
                self.assertEqual(board["title"], TITLES[board["uid"]])
                self.assertIsNone(board["id"])
                self.assertGreaterEqual(board["schemaVersion"], 36)
                self.assertNotIn("__inputs", board)

    def test_each_links_to_the_others_and_takes_variables_and_time_along(self):
        for name, board in boards():
            with self.subTest(name):
                self.assertEqual({link["url"] for link in board["links"]}, {f"/d/{uid}" for uid in TITLES} - {f"/d/{board['uid']}"})
                self.assertTrue(all(link["includeVars"] and link["keepTime"] for link in board["links"]))

    def test_variables(self):
        for name, board in boards():
            with self.subTest(name):
                source, *others = board["templating"]["list"]
                self.assertEqual((source["name"], source["type"], source["query"]), ("datasource", "datasource", "prometheus"))
                self.assertEqual(tuple(each["name"] for each in others), VARIABLES)
                for each in others:
                    # What lacks a label is there as well.
                    self.assertEqual((each["allValue"], each["includeAll"], each["multi"]), (".*", True, True))
                    self.assertEqual(each["current"]["value"], "$__all")

    def test_every_panel_explains_itself_and_has_its_datasource(self):
        for name, board in boards():
            for panel in panels(board):
                with self.subTest(name, panel=panel["title"]):
                    self.assertTrue(panel["description"].endswith((".", ")")))
                    self.assertTrue(panel["targets"])
                    for each in [panel, *panel["targets"]]:
                        self.assertEqual(each["datasource"]["uid"], "${datasource}")
                    if panel["type"] in ("stat", "timeseries"):
                        self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])

    def test_panels_are_told_apart_and_do_not_overlap(self):
        for name, board in boards():
            with self.subTest(name):
                numbers = [panel["id"] for panel in board["panels"]]
                self.assertEqual(len(numbers), len(set(numbers)))
                titles = [panel["title"] for panel in panels(board)]
                self.assertEqual(len(titles), len(set(titles)))
                taken = set()
                for panel in board["panels"]:
                    at = panel["gridPos"]
                    self.assertLessEqual(at["x"] + at["w"], 24)
                    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                    self.assertFalse(taken & cells, panel["title"])
                    taken |= cells

    def test_clicks_lead_somewhere(self):
        for name, board in boards():
            for panel in panels(board):
                for link in links(panel):
                    with self.subTest(name, panel=panel["title"], url=link["url"]):
                        if runbook := re.search(r"/docs/runbooks/(\w+)\.md(?:#([\w-]+))?$", link["url"]):
                            page = (HERE.parent / "docs" / "runbooks" / f"{runbook[1]}.md").read_text()
                            self.assertTrue(not runbook[2] or re.search(rf"(?mi)^## {runbook[2]}$", page))
                        else:
                            self.assertIn(re.match(r"/d/([\w-]+)\?", link["url"])[1], TITLES)
                        if panel["type"] == "table":
                            columns = next(each for each in panel["transformations"] if each["id"] == "filterFieldsByName")
                            fields = set(re.findall(r"\${__data\.fields\.(\w+)}", link["url"]))
                            self.assertLessEqual(fields, set(columns["options"]["include"]["names"]))
                        else:
                            labels = set(re.findall(r"\${__field\.labels\.(\w+)}", link["url"]))
                            self.assertTrue(all(f"{{{{{label}}}}}" in panel["targets"][0]["legendFormat"] for label in labels))

    def test_a_backend_fails_also_where_clocks_differ(self):
        board = dict(boards())["backend-tls"]
        table = next(panel for panel in panels(board) if panel["title"].startswith("Failing backends"))
        column = next(each for each in table["fieldConfig"]["overrides"] if each["matcher"]["options"] == "Value #C")
        ranges = [each["options"] for each in next(each["value"] for each in column["properties"] if each["id"] == "mappings")]
        for seconds, state in ((-120, "FAILING"), (0, "FAILING"), (299, "FAILING"), (301, "no longer")):
            said = next((each["result"]["text"] for each in ranges if each["from"] <= seconds <= each["to"]), None)
            self.assertEqual(said, state, seconds)

    def test_the_overview_leads_from_a_502_to_its_backend(self):
        overview = dict(boards())["overview"]
        table = next(panel for panel in panels(overview) if panel["title"] == "Who has 5xx, and why")
        self.assertTrue(
            any("/d/postern-backend-tls?" in link["url"] and "var-backend=${__data.fields.backend}" in link["url"] for link in links(table))
        )


if __name__ == "__main__":
    unittest.main()

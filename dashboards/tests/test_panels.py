"""What panels come to for given series, as promtool evaluates their queries. The cases are in panels.yaml."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from queries import queries

CASES = Path(__file__).parent / "panels.yaml"
PROMTOOL = os.environ.get("PROMTOOL", "promtool")


class Panels(unittest.TestCase):
    def test_they_come_to_what_is_so(self):
        of_panels = {query.where: query.expression for query in queries() if query.kind == "panel"}
        cases = yaml.safe_load(CASES.read_text())
        for case in cases["tests"]:
            for asked in case["promql_expr_test"]:
                asked["expr"] = of_panels[asked["expr"]]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / CASES.name
            path.write_text(yaml.safe_dump(cases))
            done = subprocess.run([PROMTOOL, "test", "rules", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

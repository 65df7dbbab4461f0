"""docs/metrics.md lists what the program has."""

import re
import unittest
from pathlib import Path

from metrics import known

SOURCE = Path(__file__).parent.parent.parent / "actors" / "src" / "telemetry" / "metrics"


class Metrics(unittest.TestCase):
    def test_names_are_those_of_the_source(self):
        # A family is a constant of its name and its help.
        text = "".join(path.read_text() for path in sorted(SOURCE.glob("*.rs")))
        source = set(re.findall(r'const \w+: \(&str, &str\) =\s*\(\s*"(postern_\w+)"', text))
        self.assertEqual(source, {name for name in known() if name.startswith("postern_")})

    def test_counters_end_in_total_and_nothing_else_does(self):
        for metric in known().values():
            self.assertEqual(metric.type == "counter", metric.name.endswith("_total"), metric.name)


if __name__ == "__main__":
    unittest.main()

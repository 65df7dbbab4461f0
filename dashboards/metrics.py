"""The metrics that there are, as docs/metrics.md lists them: names, types, labels, and who has them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
ROW = re.compile(r"^\| `((?:postern|process)_\w+)` \| (counter|gauge|histogram) \| ([^|]+) \| (proxy|controller|both|cluster) \| (.+) \|$")

# What Prometheus gives to every series of a target, and what a user's own relabelling commonly adds.
OF_TARGETS = ("cluster", "job", "namespace", "instance")


@dataclass(frozen=True)
class Metric:
    name: str
    type: str
    labels: tuple[str, ...]
    of: str

    def series(self):
        """The names under which it is scraped."""
        if self.type == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


@cache
def known():
    """Every metric by its name."""
    rows = (ROW.match(line) for line in PAGE.read_text().splitlines())
    found = {}
    for name, kind, labels, of, _ in (row.groups() for row in rows if row):
        found[name] = Metric(name, kind, () if labels == "-" else tuple(labels.split(", ")), of)
    return found


@cache
def by_series():
    """Every metric by the names under which it is scraped."""
    return {series: metric for metric in known().values() for series in metric.series()}

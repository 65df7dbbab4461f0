"""A scrape, read: the metrics that are in it, with their types, labels and series."""
import collections
import re
from dataclasses import dataclass, field

from proof.report import Failure
from proof.request import fetch

TYPE = re.compile(r"# TYPE (\S+) (\S+)$")
OF_A_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
SAMPLE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([A-Za-z_]\w*)="((?:\\.|[^"\\])*)"')
# The label of a histogram's buckets is no label of the metric.
BUCKET = "le"


@dataclass
class Metric:
    type: str
    labels: set = field(default_factory=set)
    series: list = field(default_factory=list)


def page(address):
    host, port = address.rsplit(":", 1)
    answer = fetch(host, int(port), "/metrics")
    if answer.status != 200:
        raise Failure(f"/metrics of {address}: {answer}")
    return answer.body


def read(text):
    """The metrics by their names, each with what it is and its series: pairs of labels and value."""
    found = collections.OrderedDict()
    for line in text.splitlines():
        if match := TYPE.match(line):
            found[match[1]] = Metric(match[2])
        elif line and not line.startswith("#"):
            match = SAMPLE.match(line)
            if not match:
                raise Failure(f"a line of the scrape that is no sample: {line}")
            name = match[1] if match[1] in found else OF_A_HISTOGRAM.sub("", match[1])
            if name not in found:
                raise Failure(f"a series without a type: {line}")
            labels = dict(LABEL.findall(match[2] or ""))
            found[name].labels |= labels.keys() - {BUCKET}
            found[name].series.append((labels, float(match[3])))
    return found


def names(text):
    """Each series, without its value."""
    return {line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")}

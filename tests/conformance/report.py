"""The suite's report, and what in it keeps a run from being a proof."""
import dataclasses
import itertools
import re


def parse(text):
    """The YAML that the suite writes: maps, lists and scalars, folded where they are long. Everything stays text."""
    lines = [line for line in text.splitlines() if line.strip()]
    value, rest = block(lines, 0)
    if rest:
        raise ValueError(f"not the YAML of a report: {rest[0]!r}")
    return value


def indentation(line):
    return len(line) - len(line.lstrip(" "))


def block(lines, indent):
    """The map or list that begins here at this indentation, and the lines after it."""
    if not lines or indentation(lines[0]) != indent:
        return None, lines
    return (items if lines[0].lstrip().startswith("- ") else fields)(lines, indent)


def items(lines, indent):
    found = []
    while lines and indentation(lines[0]) == indent and lines[0].lstrip().startswith("- "):
        inner = lines[0][indent + 2:]
        if re.match(r"[\w.]+:( |$)", inner):
            value, lines = fields([" " * (indent + 2) + inner, *lines[1:]], indent + 2)
        else:
            value, lines = scalar(inner), lines[1:]
        found.append(value)
    return found, lines


def fields(lines, indent):
    found = {}
    while lines and indentation(lines[0]) == indent and not lines[0].lstrip().startswith("- "):
        key, _, value = lines[0].strip().partition(":")
        lines = lines[1:]
        if value.strip():
            folded = itertools.takewhile(lambda line: indentation(line) > indent, lines)
            parts = [value, *folded]
            lines = lines[len(parts) - 1:]
            found[key] = scalar(" ".join(part.strip() for part in parts))
        elif lines and lines[0].lstrip().startswith("- ") and indentation(lines[0]) >= indent:
            found[key], lines = items(lines, indentation(lines[0]))
        else:
            found[key], lines = block(lines, indent + 2)
    return found, lines


def scalar(text):
    return text.strip().strip("\"'")


@dataclasses.dataclass
class Report:
    content: dict

    @classmethod
    def read(cls, path):
        return cls(parse(path.read_text()))

    def name(self):
        """As the upstream repository wants its reports named."""
        implementation = self.content["implementation"]
        return f"{self.content['gatewayAPIChannel']}-{implementation['version']}-{self.content['mode']}-report.yaml"

    def levels(self):
        """Core and extended of each profile."""
        for profile in self.content.get("profiles") or []:
            for level in ("core", "extended"):
                if level in profile:
                    yield profile["name"], level, profile[level]

    def extended(self):
        return {feature for _, _, level in self.levels() for feature in level.get("supportedFeatures") or []}

    def faults(self, claimed, core):
        """What is wrong, one line each: tests that failed or were skipped, and extended features that were claimed for nothing."""
        if not self.content.get("profiles"):
            yield "the report has no profile"
        for profile, level, found in self.levels():
            for kind in ("failedTests", "skippedTests"):
                if found.get(kind):
                    yield f"{profile} {level}: {kind} {', '.join(found[kind])}"
            if found["result"] != "success":
                yield f"{profile} {level}: the result is {found['result']}"
        if untested := sorted(set(claimed) - core - self.extended()):
            yield f"claimed by the GatewayClass, and not in the report: {', '.join(untested)}"

    def summary(self):
        for profile, level, found in self.levels():
            numbers = ", ".join(f"{name.lower()} {count}" for name, count in found["statistics"].items())
            yield f"{profile} {level}: {found['result']} ({numbers})"

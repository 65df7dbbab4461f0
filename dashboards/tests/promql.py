"""What an expression of PromQL reads: the series, and the labels that it names at each place. It must not know what is right."""

from dataclasses import dataclass, field

import promql_parser


@dataclass
class Reading:
    """`series` are pairs of a name and the labels of its matchers; `named` pairs of the names under a place and the labels that are
    named there (`by`, `on`, `group_left`, the source of a `label_replace`); `made` are labels that `label_replace` makes."""

    series: list = field(default_factory=list)
    named: list = field(default_factory=list)
    made: set = field(default_factory=set)

    def names(self):
        return {name for name, _ in self.series}


def read(expression):
    reading = Reading()
    walk(promql_parser.parse(expression), reading)
    return reading


def walk(node, reading):
    """Adds what stands in the node, and returns the names of the series under it."""
    kind = type(node).__name__
    if kind == "VectorSelector":
        return selector(node, reading)
    if kind == "MatrixSelector":
        return selector(node.vector_selector, reading)
    if kind in ("NumberLiteral", "StringLiteral"):
        return set()
    if kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
        return walk(node.expr, reading)
    if kind == "AggregateExpr":
        under = walk(node.expr, reading)
        if node.modifier:
            reading.named.append((under, set(node.modifier.labels)))
        return under
    if kind == "BinaryExpr":
        return binary(node, reading)
    assert kind == "Call", kind
    under = set().union(*(walk(argument, reading) for argument in node.args))
    if node.func.name == "label_replace":
        _, made, _, source, _ = node.args
        reading.named.append((under, {source.val} - {""}))
        reading.made.add(made.val)
    return under


def selector(node, reading):
    matchers = [*node.matchers.matchers, *(each for group in node.matchers.or_matchers for each in group)]
    names = [node.name] if node.name else next(each.value for each in matchers if each.name == "__name__").split("|")
    labels = {each.name for each in matchers} - {"__name__"}
    reading.series += [(name, labels) for name in names]
    return set(names)


def binary(node, reading):
    sides = [walk(node.lhs, reading), walk(node.rhs, reading)]
    modifier = node.modifier
    if modifier and modifier.matching:
        # `on` compares both sides: each has to have the labels.
        reading.named += [(side, set(modifier.matching.labels)) for side in sides if side]
    if modifier and modifier.group_labels:
        reading.named.append(
            (set().union(*sides), set(modifier.group_labels.labels if hasattr(modifier.group_labels, "labels") else modifier.group_labels))
        )
    return set().union(*sides)

"""The selectors of a query, each as a query of its own."""
import promql_parser

# What stands in where there is nothing, so that a panel says 0: it is data of nobody's.
FALLBACK = " or vector(0)"


def selectors(query):
    """Each once, without range and offset."""
    nodes = []
    promql_parser.walk(promql_parser.parse(query), nodes.append)
    vectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    vectors += [node.vector_selector for node in nodes if isinstance(node, promql_parser.MatrixSelector)]
    return sorted({(vector.name or "") + (str(vector.matchers) if vector.matchers.matchers else "") for vector in vectors})


def without_fallback(query):
    """The query without what stands in where there is nothing."""
    return query.replace(FALLBACK, "")

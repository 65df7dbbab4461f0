"""The kinds of panel that the boards are made of. None says anything by colour alone: states have words, series have names and
values in a legend."""

from grafana_foundation_sdk.builders import common, heatmap as heatmaps, prometheus, stat as stats, table as tables, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models import prometheus as query_model

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, WARNING, BAD = "green", "orange", "red"


def targets(queries):
    """`queries` are pairs of an expression and its legend, or expressions."""
    for at, query in enumerate(queries):
        expression, legend = query if isinstance(query, tuple) else (query, "")
        yield prometheus.Dataquery().expr(expression).ref_id(chr(ord("A") + at)).legend_format(legend).datasource(DATASOURCE)


def panel(kind, title, description, queries, width, height):
    made = kind.title(title).description(description).datasource(DATASOURCE).span(width).height(height)
    for query in queries:
        made = made.with_target(query)
    return made


def steps(*bounds):
    """`(bound, colour)`; the first holds from below."""
    first, *others = bounds
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=None, color=first[1]), *(model.Threshold(value=bound, color=color) for bound, color in others)])
    )


def more_is_worse(warning, bad):
    return steps((None, GOOD), (warning, WARNING), (bad, BAD))


def less_is_worse(bad, warning):
    return steps((None, BAD), (bad, WARNING), (warning, GOOD))


def any_is_bad():
    return steps((None, GOOD), (1, BAD))


def words(mapping):
    """Text in place of values."""
    return model.ValueMap(
        options={value: model.ValueMappingResult(text=text, index=at) for at, (value, text) in enumerate(mapping.items())}
    )


def between(at, start, end, text, color=None):
    """Text in place of a range of values."""
    return model.RangeMap(
        options=model.DashboardRangeMapOptions(from_val=start, to=end, result=model.ValueMappingResult(text=text, color=color, index=at))
    )


def link(title, url):
    return {"title": title, "url": url}


def stat(title, description, query, unit="short", thresholds=None, mappings=(), links=(), decimals=None, width=4, height=4):
    """A number, as of now; one for each series that the query finds, with its legend."""
    made = panel(stats.Panel(), title, description, [target.instant() for target in targets([query])], width, height)
    made = (
        made.unit(unit)
        .thresholds(thresholds or steps((None, "text")))
        .mappings(list(mappings))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.VALUE)
        .no_value("no data")
        .data_links([build.DashboardLink(each["title"]).url(each["url"]) for each in links])
    )
    return made if decimals is None else made.decimals(decimals)


def graph(title, description, queries, unit, stacked=False, thresholds=None, links=(), minimum=0, maximum=None, width=12, height=8):
    """Series over time, with their names and last values below."""
    made = panel(timeseries.Panel(), title, description, [query.range() for query in targets(queries)], width, height)
    legend = (
        common.VizLegendOptions()
        .display_mode(kinds.LegendDisplayMode.TABLE)
        .placement(kinds.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    made = (
        made.unit(unit)
        .min(minimum)
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .show_points(kinds.VisibilityMode.AUTO)
        .fill_opacity(40 if stacked else 5)
        .no_value("none")
        .data_links([build.DashboardLink(each["title"]).url(each["url"]) for each in links])
    )
    if maximum is not None:
        made = made.max(maximum)
    if stacked:
        made = made.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    if thresholds:
        made = made.thresholds(thresholds).thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED))
    return made


def heatmap(title, description, expression, width=12, height=8):
    """A histogram over time; the expression keeps `le`."""
    queries = [query.range().format(query_model.PromQueryFormat.HEATMAP) for query in targets([(expression, "{{le}}")])]
    return (
        panel(heatmaps.Panel(), title, description, queries, width, height)
        .calculate(False)
        .color(heatmaps.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .y_axis(heatmaps.YAxisConfig().unit("s"))
        .cell_values(heatmaps.CellValues().unit("reqps"))
        .show_y_histogram()
    )


def column(field, name, unit=None, mappings=None, links=(), width=None, thresholds=None, decimals=None, wrapped=False):
    """A column of a table: the field of the result, the head, and how its cells look."""
    properties = [("displayName", name)]
    if unit:
        properties.append(("unit", unit))
    if decimals is not None:
        properties.append(("decimals", decimals))
    if mappings:
        properties.append(("mappings", mappings))
    if links:
        properties.append(("links", list(links)))
    if width:
        properties.append(("custom.width", width))
    if thresholds:
        properties += [("thresholds", thresholds.build()), ("custom.cellOptions", {"type": "color-text"})]
    if wrapped:
        properties.append(("custom.cellOptions", {"type": "auto", "wrapText": True}))
    return field, name, [model.DynamicConfigValue(id_val=key, value=value) for key, value in properties]


def table(title, description, expressions, columns, sort, descending=True, width=24, height=9):
    """A row for each set of labels, as of now. Of several expressions, rows of equal labels are one; the value of the first is the field
    `Value #A`, and of a single one `Value`. What is no column is not shown."""
    queries = [query.instant().format(query_model.PromQueryFormat.TABLE) for query in targets(expressions)]
    names = [field for field, _, _ in columns]
    made = panel(tables.Panel(), title, description, queries, width, height)
    # The time goes first: rows of equal labels are to be one, whatever the moment at which each query was answered.
    made = made.with_transformation(model.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": names}}))
    if len(expressions) > 1:
        made = made.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    made = (
        made.with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": {}, "indexByName": {name: at for at, name in enumerate(names)}, "renameByName": {}},
            )
        )
        .sort_by([common.TableSortByFieldState().display_name(sort).desc(descending)])
        .filterable(True)
    )
    for field, _, properties in columns:
        made = made.override_by_name(field, properties)
    return made

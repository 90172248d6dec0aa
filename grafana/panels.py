"""The kinds of panel that the dashboards are made of, each with all that a reader of it needs to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import common, stat, statetimeline, statushistory, table, text, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

from grafana.words import NONE, UNKNOWN, WELL, WRONG, Shade, mappings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
COUNT: Final = "none"
SECONDS: Final = "s"
BYTES: Final = "bytes"
DATE: Final = "dateTimeAsIso"
WORD: Final = "string"
RATIO: Final = "percentunit"


@dataclass(frozen=True, slots=True)
class Card:
    """What every panel has: title, explanation, what no data means, its size (24 columns wide at most)."""

    title: str
    description: str
    no_data: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One query: PromQL, and how its series are called (`{{label}}` stands for a label's value)."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: the field it comes from, its heading, unit, words for values, text where there is none.

    `coded`: the query says -1 where there is none. `opens` is the address that a click on the cell opens.
    """

    field: str
    title: str
    unit: str = WORD
    shades: Mapping[str, Shade] | None = None
    empty: str = ""
    coded: bool = False
    opens: str = ""
    width: int | None = None
    filled: bool = False


def numbers(
    card: Card, asks: Sequence[Ask], unit: str = COUNT, *, alarming: Sequence[str] = (), seconds: Sequence[str] = ()
) -> Panel:
    """Large numbers, each with its name. Those named in `alarming` are red above 0 and green at 0.

    Queries whose reference is in `seconds` bring durations.
    """
    panel = _panel("stat", card, _targets(asks, instant=True), unit)
    panel.options = _big(common.BigValueTextMode.VALUE_AND_NAME)
    _fields(panel).overrides = [
        *(
            _override(
                name,
                DynamicConfigValue("color", FieldColor(mode=FieldColorModeId.THRESHOLDS)),
                DynamicConfigValue("thresholds", _red_from(1)),
            )
            for name in alarming
        ),
        *(_of_query(query, DynamicConfigValue("unit", SECONDS)) for query in seconds),
    ]
    return panel


def states(card: Card, asks: Sequence[Ask], shades: Mapping[str, Shade]) -> Panel:
    """Large words, one for each series: the state it is in."""
    panel = _panel("stat", card, _targets(asks, instant=True), COUNT)
    panel.options = _big(common.BigValueTextMode.VALUE_AND_NAME)
    _fields(panel).defaults.mappings = mappings(shades)
    return panel


def moments(card: Card, at: Ask, left: Ask) -> Panel:
    """A moment, and how long it is until then."""
    panel = _panel("stat", card, _targets([at, left], instant=True), DATE)
    panel.options = _big(common.BigValueTextMode.VALUE_AND_NAME)
    _fields(panel).overrides = [_override(left.legend, DynamicConfigValue("unit", SECONDS))]
    return panel


def grid(card: Card, asks: Sequence[Ask], columns: Sequence[Column], *, by: Sequence[tuple[str, bool]] = ()) -> Panel:
    """A table: the queries side by side, joined on the labels that all of them have.

    A query's value is the field `Value #A` (`Value` if it is the only one). `by` gives headings to sort by, and whether
    from above. Fields without a column are left out.
    """
    panel = _panel("table", card, _targets(asks, instant=True, form=PromQueryFormat.TABLE), WORD)
    joined = [DataTransformerConfig("merge", options={})] if len(asks) > 1 else []
    panel.transformations = [
        *joined,
        DataTransformerConfig(
            "filterFieldsByName", options={"include": {"names": [column.field for column in columns]}}
        ),
        DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {},
                "indexByName": {column.field: place for place, column in enumerate(columns)},
                "renameByName": {column.field: column.title for column in columns},
            },
        ),
    ]
    panel.options = table.Options(
        sort_by=[common.TableSortByFieldState(display_name=title, desc=descending) for title, descending in by],
        cell_height=common.TableCellHeight.SM,
    )
    fields = _fields(panel)
    fields.defaults.custom = common.TableFieldOptions(
        filterable=True, cell_options=common.TableAutoCellOptions(), inspect=False
    )
    fields.overrides = [_override(column.title, *_column(column)) for column in columns]
    return panel


def lines(
    card: Card,
    asks: Sequence[Ask],
    unit: str = COUNT,
    *,
    dashed: Sequence[str] = (),
    stacked: bool = False,
    zones: Sequence[str] = (),
) -> Panel:
    """Values over time. Queries whose reference is in `dashed` are bounds: thin dashed lines."""
    panel = _panel("timeseries", card, _targets(asks), unit)
    panel.options = timeseries.Options(
        legend=_legend("lastNotNull", "max"),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
        timezone=list(zones) or None,
    )
    fields = _fields(panel)
    fields.defaults.custom = common.GraphFieldConfig(
        line_width=1,
        fill_opacity=30 if stacked else 0,
        show_points=common.VisibilityMode.AUTO,
        stacking=common.StackingConfig(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, "A"),
        span_nulls=False,
        axis_soft_min=0,
    )
    fields.overrides = [
        _of_query(
            query,
            DynamicConfigValue("custom.lineStyle", common.LineStyle(fill="dash", dash=[8, 6])),
            DynamicConfigValue("custom.fillOpacity", 0),
            DynamicConfigValue("custom.stacking", common.StackingConfig(common.StackingMode.NONE, "A")),
        )
        for query in dashed
    ]
    return panel


def bands(card: Card, asks: Sequence[Ask], shades: Mapping[str, Shade]) -> Panel:
    """One band a series: which state it was in, and when. Words in the band where there is room, and below it."""
    panel = _panel("state-timeline", card, _targets(asks), COUNT)
    panel.options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        merge_values=True,
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    fields = _fields(panel)
    fields.defaults.custom = statetimeline.FieldConfig(line_width=0, fill_opacity=70)
    fields.defaults.mappings = mappings(shades)
    return panel


def cells(card: Card, asks: Sequence[Ask], shades: Mapping[str, Shade], *, since: str, every: str) -> Panel:
    """A row a series and a cell a step over a time of its own (`since`, as in `7d`): the number in it, or its word."""
    panel = _panel("status-history", card, _targets(asks), COUNT)
    panel.time_from = since
    panel.interval = every
    panel.options = statushistory.Options(
        show_value=common.VisibilityMode.AUTO,
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    fields = _fields(panel)
    fields.defaults.custom = statushistory.FieldConfig(line_width=1, fill_opacity=70)
    fields.defaults.mappings = mappings(shades)
    fields.defaults.color = FieldColor(mode=FieldColorModeId.THRESHOLDS)
    fields.defaults.thresholds = _red_from(1)
    return panel


def alerts(card: Card, matching: str) -> Panel:
    """The alerts with these labels that fire or are about to, as Grafana reads them from Prometheus."""
    panel = _panel("alertlist", card, [], WORD)
    panel.options = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 50,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "alertName": "",
        "alertInstanceLabelFilter": matching,
        "stateFilter": {"firing": True, "pending": True, "noData": False, "normal": False, "error": True},
    }
    return panel


def prose(card: Card, markdown: str) -> Panel:
    """A text."""
    panel = _panel("text", card, [], WORD)
    panel.options = text.Options(mode=text.TextMode.MARKDOWN, content=markdown)
    return panel


def ref(number: int) -> str:
    """The reference of the query in this place: A, B, C."""
    return chr(ord("A") + number)


def _panel(kind: str, card: Card, targets: Sequence[Dataquery], unit: str) -> Panel:
    return Panel(
        type_val=kind,
        title=card.title,
        description=card.description,
        datasource=DATASOURCE,
        grid_pos=GridPos(h=card.height, w=card.width),
        targets=list(targets),
        field_config=FieldConfigSource(
            defaults=FieldConfig(unit=unit, no_value=card.no_data, color=_colour(kind)), overrides=[]
        ),
    )


def _colour(kind: str) -> FieldColor:
    if kind == "timeseries":
        return FieldColor(mode=FieldColorModeId.PALETTE_CLASSIC)
    # What no mapping colours is shown in the colour of text.
    return FieldColor(mode=FieldColorModeId.FIXED, fixed_color="text")


def _fields(panel: Panel) -> FieldConfigSource:
    assert panel.field_config is not None  # noqa: S101 - the SDK leaves it open, _panel does not
    return panel.field_config


def _targets(
    asks: Sequence[Ask], *, instant: bool = False, form: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> list[Dataquery]:
    return [
        Dataquery(
            expr=ask.expr,
            legend_format=ask.legend or "__auto",
            ref_id=ref(number),
            datasource=DATASOURCE,
            instant=instant,
            range_val=not instant,
            format_val=form,
        )
        for number, ask in enumerate(asks)
    ]


def _big(mode: common.BigValueTextMode) -> stat.Options:
    return stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=mode,
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        orientation=common.VizOrientation.AUTO,
    )


def _legend(*calcs: str) -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.TABLE if calcs else common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.BOTTOM,
        show_legend=True,
        calcs=list(calcs),
    )


def _column(column: Column) -> list[DynamicConfigValue]:
    properties = [DynamicConfigValue("unit", column.unit), DynamicConfigValue("noValue", column.empty)]
    shades = {**(column.shades or {}), **({NONE: Shade(column.empty, UNKNOWN)} if column.coded else {})}
    if shades:
        kind = {"type": "color-background", "mode": "basic"} if column.filled else {"type": "color-text"}
        properties += [
            DynamicConfigValue("mappings", mappings(shades)),
            DynamicConfigValue("custom.cellOptions", kind),
        ]
    if column.filled:
        # A cell without a word of its own keeps the table's background.
        clear = ThresholdsConfig(ThresholdsMode.ABSOLUTE, [Threshold(None, "transparent")])
        properties += [
            DynamicConfigValue("color", FieldColor(mode=FieldColorModeId.THRESHOLDS)),
            DynamicConfigValue("thresholds", clear),
        ]
    if column.opens:
        links = [{"title": "Open", "url": column.opens, "targetBlank": False}]
        properties.append(DynamicConfigValue("links", links))
    if column.width is not None:
        properties.append(DynamicConfigValue("custom.width", column.width))
    return properties


def _override(name: str, *properties: DynamicConfigValue) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(MatcherConfig("byName", name), list(properties))


def _of_query(query: str, *properties: DynamicConfigValue) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(MatcherConfig("byFrameRefID", query), list(properties))


def _red_from(value: float) -> ThresholdsConfig:
    return ThresholdsConfig(ThresholdsMode.ABSOLUTE, [Threshold(None, WELL), Threshold(value, WRONG)])

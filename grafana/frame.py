"""What the dashboards have in common: variables, annotations, links to each other, and the grid panels stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    DataSourceRef,
    GridPos,
    Panel,
    VariableHide,
    VariableModel,
    VariableRefresh,
    VariableSort,
)

from exporter.metrics import catalogue as metrics
from exporter.model import Verdict
from exporter.shipped.alerts import alerts
from exporter.shipped.forms import RUNBOOK_BASE
from grafana.panels import DATASOURCE
from grafana.queries import ALL_BUT_WATCHDOG, TARGET, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA: Final = 39
"""The classic JSON of Grafana 10.2, which all later ones migrate by themselves."""

COLUMNS: Final = 24
TAG: Final = "orchestration"


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard before it is put together; `rows` hold panels that stand side by side."""

    uid: str
    title: str
    description: str
    rows: Sequence[Sequence[Panel]]
    unused: tuple[str, ...] = ()
    """Variables that change nothing here, and are carried along to the next dashboard."""


TITLES: Final = {
    "orchestration-overview": "Orchestration: pipeline overview",
    "orchestration-phase": "Orchestration: phase and processor",
    "orchestration-reconciliation": "Orchestration: reconciliation",
    "orchestration-exporter": "Orchestration: exporter",
}

# The label of a variable, the variables that narrow it down, and its order.
_BUILD = metrics.BUILD.name
_KNOWN = metrics.CRITICAL.name
_QUERIES: Final = {
    "job": (f"label_values({_BUILD}, job)", VariableSort.ALPHABETICAL_ASC),
    "instance": (f'label_values({_BUILD}{{job=~"$job"}}, instance)', VariableSort.ALPHABETICAL_ASC),
    "pipeline": (f"label_values({_KNOWN}{{{TARGET}}}, pipeline)", VariableSort.ALPHABETICAL_ASC),
    "phase": (f'label_values({_KNOWN}{{{TARGET},pipeline=~"$pipeline"}}, phase)', VariableSort.ALPHABETICAL_ASC),
    "processor": (
        f'label_values({_KNOWN}{{{TARGET},pipeline=~"$pipeline",phase=~"$phase"}}, processor)',
        VariableSort.ALPHABETICAL_ASC,
    ),
    "run_date": (
        f'label_values({_KNOWN}{{{TARGET},pipeline=~"$pipeline",phase=~"$phase"}}, run_date)',
        VariableSort.ALPHABETICAL_DESC,
    ),
}
LABELS: Final = {
    "job": "Job",
    "instance": "Instance",
    "pipeline": "Pipeline",
    "phase": "Phase",
    "processor": "Processor",
    "run_date": "Run date",
}


class PrometheusAnnotation(AnnotationQuery):
    """An annotation with what Prometheus's data source adds to every query: how its events are worded."""

    def __init__(self, name: str, colour: str, expr: str, *, title: str, text: str, tags: str) -> None:
        super().__init__(name=name, datasource=DATASOURCE, enable=True, hide=False, icon_color=colour, expr=expr)
        self._own = {"step": "60s", "titleFormat": title, "textFormat": text, "tagKeys": tags, "useValueForTime": False}

    def to_json(self) -> dict[str, object]:
        """As it stands in the dashboard."""
        return {**super().to_json(), **self._own}


def dashboard(board: Board) -> Dashboard:
    """The dashboard as Grafana's schema has it."""
    return Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.description,
        tags=[TAG],
        timezone="utc",
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(from_val="now-24h", to="now"),
        refresh="1m",
        schema_version=SCHEMA,
        version=1,
        panels=[_linked(board.uid, panel) for panel in placed(board.rows)],
        templating=DashboardDashboardTemplating(list_val=_variables(board.unused)),
        annotations=AnnotationContainer(list_val=_annotations()),
        links=_links(board.uid),
        preload=False,
    )


def placed(rows: Iterable[Sequence[Panel]]) -> Iterable[Panel]:
    """The panels with their place in the grid, from the top left; each row is as high as its panels."""
    number, y = 0, 0
    for row in rows:
        x = 0
        for panel in row:
            number += 1
            here = panel.grid_pos or GridPos()
            panel.id_val, panel.grid_pos = number, GridPos(h=here.h, w=here.w, x=x, y=y)
            x += here.w
            yield panel
        y += max(panel.grid_pos.h for panel in row if panel.grid_pos)


def _linked(uid: str, panel: Panel) -> Panel:
    """The panel with links to the runbooks of the alerts that the register puts on it."""
    here = [alert for alert in alerts() if panel.title in alert.panels.get(uid, ())]
    panel.links = [
        DashboardLink(
            title=f"Runbook: {alert.short_name}",
            type_val=DashboardLinkType.LINK,
            icon="external link",
            tooltip="What it means and what to do",
            url=f"{RUNBOOK_BASE}/{alert.runbook}",
            target_blank=True,
        )
        for alert in here
    ] or None
    return panel


def address(uid: str, **fields: str) -> str:
    """Where a click leads that keeps variables and time, and sets those variables to a field of the clicked row."""
    kept = [f"${{{name}:queryparam}}" for name in ("datasource", *_QUERIES) if name not in fields]
    given = [f"var-{name}=${{__data.fields.{field}}}" for name, field in fields.items()]
    return f"/d/{uid}?{'&'.join([*kept, *given])}&${{__url_time_range}}"


def _variables(unused: Sequence[str]) -> list[VariableModel]:
    source = DatasourceVariable("datasource").label("Data source").type("prometheus")
    source.description("The Prometheus that scrapes the exporter.")
    return [source.build(), *(_variable(name, hidden=name in unused) for name in _QUERIES)]


def _variable(name: str, *, hidden: bool) -> VariableModel:
    query, order = _QUERIES[name]
    builder = QueryVariable(name).label(LABELS[name]).query(query).datasource(DATASOURCE)
    builder.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(order)
    builder.multi(multi=True).include_all(include_all=True).all_value(".+")
    builder.hide(VariableHide.HIDE_VARIABLE if hidden else VariableHide.DONT_HIDE)
    return builder.build()


def _annotations() -> list[AnnotationQuery]:
    where = "{{pipeline}} {{phase}} {{run_date}} {{processor}}"
    return [
        AnnotationQuery(
            name="Annotations & Alerts",
            datasource=DataSourceRef(type_val="grafana", uid="-- Grafana --"),
            enable=True,
            hide=True,
            icon_color="rgba(0, 211, 255, 1)",
            type_val="dashboard",
            built_in=1,
        ),
        PrometheusAnnotation(
            "Alerts",
            "red",
            # An alert about the exporter itself has none of these labels, and concerns whoever looks.
            f'ALERTS{{{ALL_BUT_WATCHDOG},alertstate="firing",'
            'pipeline=~"$pipeline|",phase=~"$phase|",run_date=~"$run_date|",processor=~"$processor|"}',
            title="{{alertname}}",
            text=f"{{{{severity}}}}: {where}",
            tags="severity",
        ),
        PrometheusAnnotation(
            "Lost updates",
            "orange",
            verdicts(Verdict.LOST_UPDATE),
            title="Lost update: {{processor}}",
            text=where,
            tags="phase",
        ),
    ]


def _links(uid: str) -> list[DashboardLink]:
    others = [
        DashboardLink(
            title=title.partition(": ")[2].capitalize(),
            type_val=DashboardLinkType.LINK,
            icon="dashboard",
            tooltip="The same selection and time there",
            url=f"/d/{other}",
            include_vars=True,
            keep_time=True,
        )
        for other, title in TITLES.items()
        if other != uid
    ]
    runbooks = DashboardLink(
        title="Runbooks",
        type_val=DashboardLinkType.LINK,
        icon="doc",
        tooltip="What each alert means and what to do",
        url=f"{RUNBOOK_BASE}/README.md",
        target_blank=True,
    )
    return [*others, runbooks]

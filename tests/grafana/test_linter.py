"""The rules of Grafana's dashboard-linter, each under its own name, for every dashboard and without an exclusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grafana_foundation_sdk.models import units

from tests.grafana.boards import BOARDS, Board, label_values
from tools.alerting.promql import Call, Matcher, Node, Selector, parse, selectors

if TYPE_CHECKING:
    from collections.abc import Iterator

# Kinds of panel that its rules for panels look at. Those below that do not say so look at all.
LINTED = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
UNITS = {value for name, value in vars(units).items() if name[0].isupper()}
OF_COUNTERS = {"rate", "irate", "increase"}

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


@each_board
def test_template_datasource(board: Board) -> None:
    (source,) = [variable for variable in board.variables.values() if variable["type"] == "datasource"]

    assert (source["name"], source["label"], source["query"]) == ("datasource", "Data source", "prometheus")


@pytest.mark.parametrize("name", ["job", "instance"])
@each_board
def test_template_job_and_template_instance(board: Board, name: str) -> None:
    variable = board.variables[name]

    assert variable["datasource"]["uid"] == "${datasource}"
    assert (variable["type"], variable["label"]) == ("query", name.title())
    assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".+")


@each_board
def test_template_label_promql(board: Board) -> None:
    for variable in board.variables.values():
        if variable["type"] == "query":
            selector, _ = label_values(variable)
            assert isinstance(parse(selector), Selector)


@each_board
def test_template_on_time_change_reload(board: Board) -> None:
    assert {variable["refresh"] for variable in board.variables.values() if variable["type"] == "query"} == {2}


@each_board
def test_panel_datasource(board: Board) -> None:
    for panel in board.panels:
        for user in (panel.raw, *(target.raw for target in panel.targets)):
            assert user["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel.name


@each_board
def test_panel_title_description(board: Board) -> None:
    assert [panel.name for panel in board.panels if not panel.title or not panel.raw["description"]] == []


@each_board
def test_panel_units(board: Board) -> None:
    assert {panel.name: panel.defaults["unit"] for panel in board.panels if panel.defaults["unit"] not in UNITS} == {}


@each_board
def test_panel_no_targets(board: Board) -> None:
    assert [panel.name for panel in board.panels if panel.kind in LINTED and not panel.targets] == []


@each_board
def test_target_logql_and_target_logql_auto(board: Board) -> None:
    """Both look at LogQL alone, and there is none: every query is for Prometheus."""
    assert {target.raw["datasource"]["type"] for target in board.targets} == {"prometheus"}


@each_board
def test_target_promql(board: Board) -> None:
    assert all(target.tree for target in board.targets)


@each_board
def test_target_rate_interval(board: Board) -> None:
    ranges = [
        target.name for target in board.targets if target.expr.count("[") > target.expr.count("[$__rate_interval]")
    ]

    assert ranges == []


@pytest.mark.parametrize("name", ["job", "instance"])
@each_board
def test_target_job_and_target_instance(board: Board, name: str) -> None:
    asked = Matcher(name, "=~", f"${name}")

    for target in board.targets:
        found = list(selectors(target.tree))
        assert found, target.name
        assert all(asked in selector.matchers for selector in found), target.name


@each_board
def test_target_counter_agg(board: Board) -> None:
    for target in board.targets:
        counters = [selector for selector in selectors(target.tree) if selector.metric.endswith("_total")]
        assert counters == list(_counted(target.tree)), target.name


@each_board
def test_uneditable_dashboard(board: Board) -> None:
    assert board.raw["editable"] is False


def _counted(node: Node) -> Iterator[Selector]:
    for part in node.walk():
        if isinstance(part, Call) and part.function in OF_COUNTERS:
            yield from (argument for argument in part.arguments if isinstance(argument, Selector))

"""Dashboards for more than one environment: one is chosen, and nothing on a panel is of another."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from exporter.shipped.forms import Form
from tests.grafana.boards import FOLDER, Board
from tools.alerting.promql import selectors

BY = ("env", "cluster")
CHOSEN = {("env", "$env"), ("cluster", "$cluster")}


def _formed(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Form(by=BY).dashboard((FOLDER / name).read_text("utf-8")))
    return content


each_file = pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.iterdir())])


@each_file
def test_without_labels_a_dashboard_is_the_committed_one(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")

    assert Form().dashboard(text) == text


@each_file
def test_every_selector_asks_for_the_chosen_environment(name: str) -> None:
    board = Board(_formed(name))

    asked = [
        {(matcher.label, matcher.value) for matcher in selector.matchers}
        for panel in board.panels
        for target in panel.targets
        for selector in selectors(target.tree)
    ]

    assert asked
    assert all(matchers >= CHOSEN or _without_none(matchers) >= CHOSEN for matchers in asked)


def _without_none(matchers: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The matchers of an alert, which may have no value."""
    return {(label, value.removesuffix("|")) for label, value in matchers}


@each_file
def test_each_label_is_a_variable_with_one_value_which_narrows_down_the_others(name: str) -> None:
    variables = _formed(name)["templating"]["list"]

    assert [variable["name"] for variable in variables[:4]] == ["datasource", *BY, "job"]
    assert [(variable["multi"], variable["includeAll"]) for variable in variables[1:3]] == [(False, False)] * 2
    assert all('env=~"$env"' in variable["query"] for variable in variables[2:])


@each_file
def test_every_link_to_a_dashboard_that_carries_the_job_carries_the_labels(name: str) -> None:
    links = re.findall(r'"url": "(/d/[^"]*\$\{job:queryparam\}[^"]*)"', json.dumps(_formed(name), ensure_ascii=False))

    assert all("${env:queryparam}&${cluster:queryparam}&${job:queryparam}" in link for link in links)

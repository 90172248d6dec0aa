"""The configuration of a captured file: whole or over its presets, and without the operator's own names."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.load import load
from exporter.incidents.portable import PROJECT, Names, difference, portable

if TYPE_CHECKING:
    from exporter.config.load import Loaded

DAY = date(2026, 2, 1)
RAW: dict[str, Any] = {
    "project": "shop-prod",
    "job_project": "shop-jobs",
    "firestore_database": "shop-db",
    "bigquery_location": "EU",
    "timezone": "Europe/Berlin",
    "ledger": {"path": "/srv/shop.sqlite", "keep": "20d"},
    "collect": {"warehouse": {"every": "5m", "maximum_bytes_billed": "20MiB", "daily_budget": "100MiB"}},
    "calendar": {
        "table": "shop-prod.sales.täglich",
        "date_column": "day",
        "units": "COUNT(*)",
        "where": "store IN (SELECT store FROM `shop-prod.sales.open`) AND note != 'shop-prod'",
    },
    "pipelines": {
        "shop": {
            "phases": {
                "load": {
                    "processors": {
                        "orders": {"due": "+0d 06:00", "table": {"name": "partner.sales.orders", "date_column": "d"}}
                    }
                }
            }
        }
    },
}
TABLES = ("shop-prod.sales.täglich", "partner.sales.orders", "sales.returns")


def _loaded() -> Loaded:
    return load(overlay=RAW, environ={})


def test_without_a_preset_the_configuration_is_whole_and_names_no_project() -> None:
    loaded = _loaded()

    presets, config = portable(loaded, Names(loaded, TABLES, PROJECT), DAY)

    assert presets == []
    assert "shop-" not in str({**config, "calendar": {**config["calendar"], "where": ""}})
    assert config["calendar"]["where"] == (
        "store IN (SELECT store FROM `captured-project.sales.open`) AND note != 'shop-prod'"
    )
    assert config["ledger"] == {"keep": "20d"}
    again = load(overlay=config, environ={}).config
    assert again.project == PROJECT
    assert again.documents.only == (DAY,)
    assert again.collect == load(overlay={**RAW, "collect": {"warehouse": {"every": "5m"}}}, environ={}).config.collect
    calendar = again.pipelines["shop"].calendar
    assert calendar is not None
    assert calendar.table.name == "sales.table-1"
    assert again.pipelines["shop"].phases["load"].processors["orders"].table.name == "other-project-2.sales.orders"


def test_the_data_gets_the_same_names() -> None:
    names = Names(_loaded(), TABLES, PROJECT)

    assert [names.table(name) for name in TABLES] == [
        "sales.table-1",
        "other-project-2.sales.orders",
        "sales.returns",
    ]
    assert names.data({"a": ["in shop-prod, not shop-prod-2", 7], "shop-prod": "partner"}) == {
        "a": ["in captured-project, not shop-prod-2", 7],
        "shop-prod": "other-project-2",
    }


@pytest.mark.parametrize("preset", ["nba", "nba-game-date", ["nba", "mlb"]])
def test_a_preset_of_another_project_is_the_preset_alone(preset: str | list[str]) -> None:
    loaded = load(preset=preset, overlay={"project": "my-own", "job_project": "my-jobs"}, environ={})

    presets, config = portable(loaded, Names(loaded, (), load(preset=preset, environ={}).config.project), DAY)

    assert presets == ([preset] if isinstance(preset, str) else preset)
    assert config == {"documents": {"only": ["2026-02-01"]}}


def test_the_difference_of_two_presets_merged_over_the_one_gives_the_other() -> None:
    base, wanted = (load(preset=preset, environ={}) for preset in ("nba", "nba-game-date"))

    merged = load(preset="nba", overlay=difference(base.raw, wanted.raw), environ={})

    assert merged.config == wanted.config

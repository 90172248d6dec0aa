from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from exporter.config.errors import ConfigError
from exporter.config.json_schema import json_schema
from exporter.config.load import load, preset_names, preset_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Draft202012Validator(json_schema())
NBA = load(preset="nba", environ={}).raw
TABLE = {"name": "d.t", "date_column": "day"}


def descriptions(schema: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, definition in schema["$defs"].items():
        for key, value in definition["properties"].items():
            yield f"{name}.{key}", value.get("description")


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_every_key_has_a_description() -> None:
    assert [key for key, description in descriptions(json_schema()) if not description] == []


@pytest.mark.parametrize("name", preset_names())
def test_it_accepts_the_presets_as_written_and_as_shown(name: str) -> None:
    assert SCHEMA.is_valid(yaml.safe_load(preset_text(name)))
    assert SCHEMA.is_valid(load(preset=name, environ={}).raw)


@pytest.mark.parametrize(
    "file",
    [
        {"preset": "nba"},
        {"preset": ["nba", "mlb"]},
        {"preset": "nba", "project": "my-project", "documents": {"past": 1}},
        {"preset": "nba", "pipelines": {"nba": {"phases": {"phase3": {"next": None}, "phase4": None}}}},
        {"preset": "nba", "pipelines": {"nba": {"coverage": None, "run_history": {"table": "d.t"}}}},
    ],
)
def test_it_accepts_a_file_that_says_only_what_differs_from_its_preset(file: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(file)


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"project": "my-project"},
        {"preset": "nbaa"},
        {"preset": ["nba", "nbaa"]},
        {"preset": []},
        {"preset": "nba", "projct": "x"},
        {"preset": "nba", "collect": {"completion": {"every": 10}}},
        {"preset": "nba", "collect": {"completion": {"every": "10"}}},
        {"preset": "nba", "collect": {"completion": {"every": ""}}},
        {"preset": "nba", "collect": {"warehouse": {"daily_budget": "lots"}}},
        {"preset": "nba", "pipelines": {"nba": {"phases": {"phase 3": {}}}}},
        {"preset": "nba", "pipelines": {"nba": {"phases": {"phase3": {"processors": {"_x": {}}}}}}},
        {"preset": "nba", "pipelines": {"nba": {"phases": {"phase3": {"modes": {"m": {"when": ["later"]}}}}}}},
        {"preset": "nba", "pipelines": {"nba": {"phases": {"phase3": {"modes": {"m": {"expected": "some"}}}}}}},
        {"preset": "nba", "pipelines": {"nba": {"coverage": {"minutes_played": {"warn": 2}}}}},
        {**NBA, "pipelines": {"nba": None}},
        {**NBA, "timezone": None},
    ],
)
def test_it_refuses_what_the_exporter_refuses(file: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(file)


@given(
    key=st.sampled_from(["due", "critical", "heartbeats", "run_history_names", "table"]),
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.text(max_size=8),
        st.sampled_from(["+0d 11:30", "-1d 17:00", "+40d 11:30", TABLE]),
        st.lists(st.sampled_from(["A", "a/b", "..", "__x__", ""]), max_size=2),
        st.builds(lambda rows: {**TABLE, "rows_per_unit": rows}, st.lists(st.integers(-1, 3), max_size=3)),
    ),
)
def test_it_accepts_every_file_that_loads(key: str, value: object) -> None:
    processor = {"due": "+0d 11:30", "table": TABLE, key: value}
    file = {
        "project": "my-project",
        "timezone": "UTC",
        "calendar": NBA["calendar"],
        "pipelines": {"mine": {"phases": {"load": {"processors": {"copy": processor}}}}},
    }
    try:
        load(preset="nba", overlay={**file, "pipelines": {**file["pipelines"], "nba": None}}, environ={})
    except ConfigError:
        return

    assert SCHEMA.is_valid(file)

"""Capture: what it writes replays to the same verdicts, and names nobody."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.cloud import bigquery
from google.cloud.firestore import GeoPoint

from exporter.config.load import load
from exporter.emulators.bigquery.loopback import json_answer
from exporter.emulators.firestore import Reference
from exporter.incidents.capture import CaptureError, capture
from exporter.incidents.incident import load_incident, parse_incident
from exporter.incidents.replay import Replayed, replay
from exporter.reconcile.expectations import run_dates
from testing.bigquery_rest import BigQueryRest, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.load import Loaded
    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources, SimulatedClock

PROJECT = "nba-props-platform"
HEALTHY = Path(__file__).parents[1] / "incidents" / "healthy-day.yaml"
FILES = sorted((Path(__file__).parents[1] / "incidents").glob("*.yaml"))


FAR = "2026-07-10-summer-with-another-sport"
"""A day whose calendar has rows, and none within the window that is read."""


def _shapes(place: str, value: object) -> Iterator[str]:
    """Where which kind of value stands, somewhere in this one."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _shapes(f"{place}.{name}", part)
    else:
        yield f"{place}: {type(value).__name__}"


def _traits(incident: Incident) -> Iterator[str]:
    """What a capture may get wrong about it: its fields, columns and configuration, each with its type."""
    for path, document in incident.firestore.items():
        for name, value in document.items():
            yield from _shapes(path.partition("/")[0], value if isinstance(value, Mapping) else {name: value})
    for table, groups in incident.bigquery.items():
        for group in groups:
            yield from _shapes(table, group)
    yield from _shapes(str(incident.preset), incident.config)
    yield from incident.absent


def _chosen() -> list[Path]:
    """Each file that has something no file before it has; with LONG_FORMS (make long), all."""
    seen: set[str] = set()
    chosen = []
    for file in FILES:
        traits = set(_traits(load_incident(file)))
        if traits - seen or file.stem == FAR or "LONG_FORMS" in os.environ:
            chosen.append(file)
        seen |= traits
    return chosen


def _capture(loaded: Loaded, incident: Incident, local: LocalSources) -> str:
    """The newest run date of an incident that the local sources hold, captured."""
    day = run_dates(loaded.config, incident.clock)[-1]
    config = replace(loaded.config, documents=replace(loaded.config.documents, only=(day,)))
    return capture(
        replace(loaded, config=config),
        lambda found, telemetry: local.open(found.config, telemetry),
        day,
        incident.clock,
    )


def _captured(replayed: Replayed, local: LocalSources) -> str:
    """The newest run date of what was replayed, captured from the sources as they still are."""
    return _capture(replayed.loaded, replayed.incident, local)


@pytest.mark.parametrize("file", _chosen(), ids=lambda file: file.stem)
def test_a_captured_day_replays_to_the_same_verdicts(file: Path, local: LocalSources, clock: SimulatedClock) -> None:
    incident = load_incident(file).model_copy(update={"faults": {}})
    loaded = load(preset=incident.preset, overlay=incident.config, environ={})
    clock.now = incident.clock
    local.load(incident, loaded.config)

    again = replay(parse_incident(_capture(loaded, incident, local), "captured"), local, clock)

    assert again.incident.expect.verdicts
    assert again.failures == ()


def test_a_captured_file_names_no_player(local: LocalSources, clock: SimulatedClock) -> None:
    text = _captured(replay(load_incident(FILES[-1]), local, clock), local)

    names = {name for name in re.findall(r"player_lookup: '?([^',}]+)", text) if name != "null"}
    assert names
    assert {name for name in names if not re.fullmatch(r"p\d+-\{n|player_lookup-\d+", name)} == set()
    assert "repeat: 200" in text or "repeat: 80" in text


def test_a_table_that_is_not_there_is_captured_as_absent(local: LocalSources, clock: SimulatedClock) -> None:
    stuck = FILES[0].with_name("2026-01-23-stuck-running.yaml")
    incident = load_incident(stuck).model_copy(update={"absent": ["nba_analytics.team_offense_game_summary"]})

    text = _captured(replay(incident, local, clock), local)

    assert parse_incident(text, "captured").absent == ["nba_analytics.team_offense_game_summary"]


def test_a_source_that_refuses_is_an_error_that_says_what_to_do(local: LocalSources, clock: SimulatedClock) -> None:
    first = replay(load_incident(FILES[0]), local, clock)
    local.fault({"bigquery": "permission_denied"})

    with pytest.raises(CaptureError, match=r"a source cannot be read: table .*roles/bigquery\.jobUser"):
        _captured(first, local)


def test_a_table_whose_rows_may_be_hidden_is_named(
    local: LocalSources, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replay(load_incident(FILES[0]), local, clock)
    with BigQueryRest() as server:
        dates = [{"name": name, "type": "DATE"} for name in ("game_date", "analysis_date", "cache_date", "data_date")]
        table = {"projectId": PROJECT, "datasetId": "d", "tableId": "t"}
        server.interfere("tables.get", *[json_answer({"tableReference": table, "schema": {"fields": dates}})] * 50)
        server.answer(Rows({"captured_rows": "INT64"}))
        server.answer(Rows({"captured_rows": "INT64"}, row_policies=True), when="player_game_summary")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)

        text = _captured(first, local)

    hidden = [line for line in text.splitlines() if "row access policy" in line]
    assert hidden == [
        "# Not as it was: table nba_analytics.player_game_summary: rows may be missing: a row access policy was applied"
    ]


def test_what_the_local_bigquery_cannot_hold_is_named(
    local: LocalSources, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replay(load_incident(FILES[0]), local, clock)
    columns = {"game_date": "STRING", "data_date": "DATE", "processed_at": "BIGNUMERIC"}
    with BigQueryRest() as server:
        fields = [{"name": name, "type": kind} for name, kind in columns.items()]
        table = {"projectId": PROJECT, "datasetId": "d", "tableId": "t"}
        server.interfere("tables.get", *[json_answer({"tableReference": table, "schema": {"fields": fields}})] * 50)
        server.answer(Rows({"captured_rows": "INT64"}))
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)

        text = _captured(first, local)

    place = "# Not as it was: table nba_analytics.team_offense_game_summary"
    assert f"{place} processed_at: left out: incident files have no column of type BIGNUMERIC\n" in text
    assert f"{place}: its rows are left out: game_date is STRING, and no DATE, DATETIME or TIMESTAMP\n" in text
    tables = parse_incident(text, "captured").tables
    assert tables["nba_analytics.team_offense_game_summary"] == {"columns": {"game_date": "STRING"}}


def test_a_value_that_yaml_has_no_form_for_is_named_and_the_day_replays_the_same(
    local: LocalSources, clock: SimulatedClock
) -> None:
    first = replay(load_incident(HEALTHY), local, clock)
    path = max(path for path in local.firestore.documents(project=PROJECT) if path.startswith("phase3_completion/"))
    elsewhere = Reference("projects/elsewhere/databases/other/documents/a/b")
    odd = {"ref": elsewhere, "point": GeoPoint(1, 2), "bytes": b"\x00\xff", "list": [elsewhere, GeoPoint(3, 4)]}
    local.firestore.merge(path, {"odd_processor": elsewhere, **odd}, project=PROJECT)

    text = _captured(first, local)
    again = replay(parse_incident(text, "captured"), local, clock)

    assert f'# Not as it was: {path} "odd_processor": reference, written as an array of one text\n' in text
    assert f'# Not as it was: {path} "list"[1]: geo point' in text
    assert parse_incident(text, "captured").firestore[path]["bytes"] == b"\x00\xff"
    assert "elsewhere" not in text
    assert again.failures == ()


def test_a_table_of_other_types_is_captured_as_it_is(local: LocalSources, clock: SimulatedClock) -> None:
    first = replay(load_incident(HEALTHY), local, clock)
    client = local.bigquery.client(PROJECT)
    name = f"{PROJECT}.nba_reference.processor_run_history"
    client.delete_table(name, timeout=30)
    columns = {
        "processor_name": "STRING",
        "run_id": "INT64",
        "status": "STRING",
        "data_date": "DATETIME",
        "processed_at": "DATETIME",
        "backfill_mode": "STRING",
    }
    client.create_table(bigquery.Table(name, [bigquery.SchemaField(*column) for column in columns.items()]), timeout=30)
    day = run_dates(first.loaded.config, first.incident.clock)[-1]
    row = {
        "processor_name": "{n}",
        "run_id": 7,
        "status": "success",
        "data_date": f"{day}T00:00:00",
        "processed_at": f"{day}T07:00:00",
        "backfill_mode": "true",
    }
    assert not client.insert_rows_json(name, [row], timeout=30)

    text = _captured(first, local)

    captured = parse_incident(text, "captured")
    (group,) = captured.bigquery["nba_reference.processor_run_history"]
    assert group == {
        "processor_name": "{ n}",
        "run_id": 7,
        "status": "success",
        "data_date": datetime.combine(day, time()),
        "processed_at": datetime.combine(day, time(7)),
        "backfill_mode": "true",
    }
    assert captured.tables == {"nba_reference.processor_run_history": {"partition": "data_date", "columns": columns}}
    assert "# Not as it was: table nba_reference.processor_run_history processor_name: {n}" in text
    assert replay(captured, local, clock).failures == ()

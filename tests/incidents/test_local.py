"""The local sources take one incident after another: whatever was done to the tables before, each finds its own day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.cloud import bigquery

from exporter.incidents.incident import IncidentError, parse_incident
from testing.real_day import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources

HEAD = "title: t\nclock: 2026-02-01T18:00:00Z\n"
SCHEDULE, ROWS = "nba_reference.nba_schedule", "nba_analytics.player_game_summary"


def incident(schedule: int = 0, rows: int = 0, more: str = "") -> Incident:
    return parse_incident(
        f"{HEAD}bigquery:\n"
        + (f"  {SCHEDULE}: [{{repeat: {schedule}, game_id: '002{{n}}', game_date: 2026-02-01}}]\n" if schedule else "")
        + (f"  {ROWS}: [{{repeat: {rows}, game_date: 2026-02-01}}]\n" if rows else "")
        + ("  {}\n" if not schedule and not rows else "")
        + more,
        "x",
    )


def rows(local: LocalSources) -> dict[str, int | None]:
    """How many rows each table holds; None for one that is not there."""
    client = local.bigquery.client(PROJECT)
    found: dict[str, int | None] = {}
    there = {
        f"{dataset.dataset_id}.{table.table_id}"
        for dataset in client.list_datasets()
        for table in client.list_tables(dataset.reference)
    }
    for name in sorted(local.definitions):
        found[name] = client.get_table(f"{PROJECT}.{name}").num_rows if name in there else None
    assert there <= set(local.definitions)
    return found


def filled(local: LocalSources, **expected: int | None) -> bool:
    wanted = {SCHEDULE: expected.get("schedule", 0), ROWS: expected.get("rows", 0)}
    return rows(local) == dict.fromkeys(local.definitions, 0) | wanted


def columns(local: LocalSources, name: str) -> set[str]:
    return {field.name for field in local.bigquery.client(PROJECT).get_table(f"{PROJECT}.{name}").schema}


def other_columns(local: LocalSources) -> None:
    client = local.bigquery.client(PROJECT)
    client.delete_table(f"{PROJECT}.{SCHEDULE}")
    client.create_table(bigquery.Table(f"{PROJECT}.{SCHEDULE}", [bigquery.SchemaField("other", "INT64")]))


def other_rows(local: LocalSources) -> None:
    row = {"game_date": "2026-02-02"}
    assert local.bigquery.client(PROJECT).insert_rows_json(f"{PROJECT}.{ROWS}", [row]) == []


def other_table(local: LocalSources) -> None:
    local.bigquery.client(PROJECT).create_table(
        bigquery.Table(f"{PROJECT}.nba_reference.other", [bigquery.SchemaField("other", "INT64")])
    )


def a_step(local: LocalSources) -> None:
    (step,) = incident(more=f"then: [{{at: 2026-02-01T19:00:00Z, bigquery: {{{ROWS}: [{{repeat: 3}}]}}}}]\n").then
    local.apply(step)


def a_step_that_empties(local: LocalSources) -> None:
    (step,) = incident(more=f"then: [{{at: 2026-02-01T19:00:00Z, emptied: [{SCHEDULE}]}}]\n").then
    local.apply(step)


def a_step_that_fails(local: LocalSources) -> None:
    tables = f"{ROWS}: [{{repeat: 3}}], nba_analytics.none: [{{a: 1}}]"
    (step,) = incident(
        more=f"then: [{{at: 2026-02-01T19:00:00Z, emptied: [{SCHEDULE}], bigquery: {{{tables}}}}}]\n"
    ).then
    with pytest.raises(IncidentError):
        local.apply(step)


def an_incident_that_fails(local: LocalSources) -> None:
    with pytest.raises(IncidentError):
        local.load(incident(rows=4, more=f"absent: [{ROWS}]\n"), PROJECT)


def another_project(local: LocalSources) -> None:
    local.load(incident(rows=4), "another-project")


def nothing(_: LocalSources) -> None: ...


@pytest.mark.parametrize(
    "done",
    [
        *(nothing, other_columns, other_rows, other_table, a_step, a_step_that_empties, a_step_that_fails),
        *(an_incident_that_fails, another_project),
    ],
)
def test_an_incident_finds_its_own_rows_and_nothing_else(
    done: Callable[[LocalSources], None], local: LocalSources
) -> None:
    local.load(incident(schedule=4, rows=2), PROJECT)
    known = columns(local, SCHEDULE)
    local.load(incident(schedule=5), PROJECT)
    done(local)

    local.load(incident(rows=1), PROJECT)

    assert filled(local, rows=1)
    assert columns(local, SCHEDULE) == known


def test_a_table_is_absent_for_the_incident_that_says_so(local: LocalSources) -> None:
    local.load(incident(rows=1), PROJECT)
    local.load(incident(more=f"absent: [{SCHEDULE}, {ROWS}]\n"), PROJECT)
    assert filled(local, schedule=None, rows=None)

    local.load(incident(schedule=1, more=f"absent: [{ROWS}]\n"), PROJECT)
    assert filled(local, schedule=1, rows=None)

    local.load(incident(rows=1), PROJECT)
    assert filled(local, rows=1)


def test_every_table_can_be_filled_or_absent_before(local: LocalSources) -> None:
    local.load(incident(more=f"absent: [{', '.join(local.definitions)}]\n"), PROJECT)
    assert rows(local) == dict.fromkeys(local.definitions)

    local.load(incident(rows=1), PROJECT)
    assert filled(local, rows=1)

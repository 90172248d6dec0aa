from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from exporter.incidents.tables import (
    TableDataError,
    TableDefinition,
    expand_rows,
    read_definitions,
    shipped_definitions,
)

PLAYERS = TableDefinition(
    "data.players",
    "day",
    {
        "day": "DATE",
        "name": "STRING",
        "runs": "INT64",
        "share": "FLOAT64",
        "minutes": "NUMERIC",
        "dnp": "BOOL",
        "written": "TIMESTAMP",
    },
)
DEFINITIONS = {PLAYERS.name: PLAYERS}


def test_every_table_of_the_incident_files_is_shipped() -> None:
    definitions = shipped_definitions()

    assert len([name for name in definitions if name.startswith("nba_")]) == 17
    assert definitions["nba_analytics.player_game_summary"].partition == "game_date"
    assert definitions["nba_analytics.player_game_summary"].columns["is_dnp"] == "BOOL"


def test_two_tables_may_share_one_definition() -> None:
    definitions = shipped_definitions()

    in_code = definitions["nba_reference.processor_run_history"]
    in_seed = definitions["nba_orchestration.processor_run_history"]

    assert in_code.columns == in_seed.columns
    assert in_code.name != in_seed.name


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "tables: must be a mapping, not a list"),
        ({"players": {}}, "tables: a table is named dataset.table or project.dataset.table, in the letters"),
        ({"d.täglich": {}}, "tables: a table is named dataset.table or project.dataset.table, in the letters"),
        ({"example.com:p.d.t": {}}, "tables: a table is named dataset.table or project.dataset.table, in the letters"),
        ({"d.t": {"partition": "day"}}, 'tables."d.t": has the keys columns and partition, not partition'),
        ({"d.t": {"columns": {}}}, 'tables."d.t".columns: is empty: name at least the date column and its type'),
        ({"d.t": {"columns": {"day": "DATE"}, "colour": 1}}, 'tables."d.t": has the keys columns and partition, not'),
        (
            {"d.t": {"partition": "day", "columns": {"day": "DATE", "n o": "INT64"}}},
            'tables."d.t".columns: "n o" is no column name',
        ),
        ({"d.t": {"columns": {"_PARTITIONDATE": "DATE"}}}, 'tables."d.t".columns: "_PARTITIONDATE" is no column name'),
        ({"d.t": {"columns": {"day": "DAY"}}}, 'tables."d.t".columns.day: must be one of STRING, BYTES, INT64'),
        ({"d.t": {"columns": {"day": 7}}}, 'tables."d.t".columns.day: must be one of STRING, BYTES, INT64'),
        (
            {"d.t": {"partition": "name", "columns": {"day": "DATE", "name": "STRING"}}},
            'tables."d.t".partition: must be a column of type DATE or DATETIME or TIMESTAMP, not "name"',
        ),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place(document: object, message: str) -> None:
    with pytest.raises(TableDataError) as refused:
        read_definitions(document)

    assert str(refused.value).startswith(message)


def test_a_group_without_repeat_is_one_row() -> None:
    rows = expand_rows(DEFINITIONS, {"data.players": [{"name": "a"}, {"name": "b"}]})

    assert rows == {"data.players": [{"name": "a"}, {"name": "b"}]}


def test_a_group_is_repeated_and_its_rows_are_numbered_from_one() -> None:
    rows = expand_rows(DEFINITIONS, {"data.players": [{"repeat": 3, "name": "p{n}", "dnp": True}]})

    assert rows["data.players"] == [
        {"dnp": True, "name": "p1"},
        {"dnp": True, "name": "p2"},
        {"dnp": True, "name": "p3"},
    ]


def test_the_numbers_start_again_in_the_next_group() -> None:
    rows = expand_rows(DEFINITIONS, {"data.players": [{"repeat": 2, "name": "a{n}"}, {"repeat": 1, "name": "b{n}"}]})

    assert [row["name"] for row in rows["data.players"]] == ["a1", "a2", "b1"]


@pytest.mark.parametrize("groups", [None, {}, {"data.players": []}, {"data.players": [{"repeat": 0, "name": "a"}]}])
def test_no_groups_are_no_rows(groups: object) -> None:
    assert sum(len(rows) for rows in expand_rows(DEFINITIONS, groups).values()) == 0


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        ("day", date(2026, 1, 31), "2026-01-31"),
        ("day", "2026-01-31", "2026-01-31"),
        ("day", None, None),
        ("name", "Zoë", "Zoë"),
        ("runs", 9_007_199_254_740_993, "9007199254740993"),
        ("runs", "12", "12"),
        ("share", 1, 1.0),
        ("share", "0.5", 0.5),
        ("minutes", 24, "24"),
        ("minutes", 0.1, "0.1"),
        ("minutes", "1e3", "1000"),
        ("dnp", False, False),
        ("written", datetime(2026, 2, 1, 15, 0, 48, 123456, tzinfo=UTC), "2026-02-01T15:00:48.123456+00:00"),
        ("written", datetime(2026, 2, 1, 10, 0, tzinfo=timezone(timedelta(hours=-5))), "2026-02-01T15:00:00+00:00"),
        ("written", datetime(2026, 2, 1, 15, 0), "2026-02-01T15:00:00+00:00"),  # noqa: DTZ001 - as YAML reads one
        ("written", "2026-02-01T15:00:48Z", "2026-02-01T15:00:48+00:00"),
    ],
)
def test_a_value_is_written_by_its_columns_type(column: str, value: object, written: object) -> None:
    rows = expand_rows(DEFINITIONS, {"data.players": [{column: value}]})

    assert rows["data.players"] == [{column: written}]


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("day", datetime(2026, 1, 31, tzinfo=UTC), "a date as in 2026-01-31"),
        ("day", "31.1.2026", "a date as in 2026-01-31"),
        ("name", 22500123, "text (in quotes, where it looks like a number or a date)"),
        ("runs", True, "a whole number"),
        ("runs", "many", "a whole number"),
        ("share", [], "a number"),
        ("minutes", "half", "a number"),
        ("minutes", float("nan"), "a number"),
        ("minutes", True, "a number"),
        ("dnp", "yes", "true or false"),
        ("written", date(2026, 1, 31), "a timestamp as in 2026-01-31T15:00:00Z"),
        ("written", "noon", "a timestamp as in 2026-01-31T15:00:00Z"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(column: str, value: object, wanted: str) -> None:
    with pytest.raises(TableDataError) as refused:
        expand_rows(DEFINITIONS, {"data.players": [{}, {column: value}]})

    assert str(refused.value).startswith(f'bigquery."data.players"[1].{column}: must be {wanted}, not ')


def test_a_numbered_value_of_another_type_is_refused_as_it_became() -> None:
    with pytest.raises(TableDataError, match=r'\[0\]\.runs: must be a whole number, not "x1"'):
        expand_rows(DEFINITIONS, {"data.players": [{"runs": "x{n}"}]})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], "bigquery: must be a mapping, not a list"),
        (
            {"data.player": []},
            'bigquery: there is no table "data.player" (did you mean data.players?): define it under `tables`',
        ),
        ({7: []}, "bigquery: there is no table 7"),
        ({"data.players": "all"}, 'bigquery."data.players": must be a list of groups of rows, not "all"'),
        ({"data.players": ["a"]}, 'bigquery."data.players"[0]: must be a mapping, not "a"'),
        ({"data.players": [{"nam": "a"}]}, 'bigquery."data.players"[0]: data.players has no column "nam"'),
        ({"data.players": [{1: "a"}]}, 'bigquery."data.players"[0]: data.players has no column 1'),
        ({"data.players": [{"repeat": -1}]}, 'bigquery."data.players"[0].repeat: must be a whole number from 0 to'),
        ({"data.players": [{"repeat": True}]}, 'bigquery."data.players"[0].repeat: must be a whole number from 0 to'),
        ({"data.players": [{"repeat": 10**9}]}, 'bigquery."data.players"[0].repeat: must be a whole number from 0 to'),
    ],
)
def test_invalid_groups_are_refused_with_their_place(groups: object, message: str) -> None:
    with pytest.raises(TableDataError) as refused:
        expand_rows(DEFINITIONS, groups)

    assert str(refused.value).startswith(message)


def test_a_place_other_than_the_files_top_is_named() -> None:
    with pytest.raises(TableDataError, match=r"^then\[2\]\.bigquery: there is no table"):
        expand_rows(DEFINITIONS, {"data.other": []}, ("then", 2, "bigquery"))

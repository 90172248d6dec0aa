"""The local BigQuery under the real client: its tables, and the SQL that the exporter counts on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter
from google.cloud.bigquery.retry import DEFAULT_RETRY

from exporter.emulators.bigquery.emulator import local_client
from exporter.emulators.bigquery.gate import BigQueryFault, BigQueryGate
from exporter.emulators.bigquery.loopback import LoopbackServer, json_answer
from exporter.incidents.loading import add_rows, drop_table, insert_rows, load_tables, reset
from exporter.incidents.tables import TableDataError, TableDefinition, shipped_definitions
from testing.local_tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from google.cloud import bigquery

    from exporter.emulators.bigquery.emulator import BigQueryEmulator
    from exporter.incidents.local import LocalSources

PROJECT = "nba-props-platform"
SATURDAY, SUNDAY = date(2026, 1, 31), date(2026, 2, 1)
PLAYERS = "nba_analytics.player_game_summary"
SCHEDULE = "nba_reference.nba_schedule"
RUNS = "nba_reference.processor_run_history"
DATES = [ArrayQueryParameter("dates", "DATE", [SATURDAY, SUNDAY])]
ONCE = DEFAULT_RETRY.with_predicate(lambda _: False)


@pytest.fixture(scope="module")
def emulator(_running: LocalSources) -> BigQueryEmulator:
    reset(_running.bigquery.client(PROJECT))
    return _running.bigquery


@pytest.fixture(scope="module")
def shared_client(emulator: BigQueryEmulator) -> bigquery.Client:
    return emulator.client(PROJECT)


@pytest.fixture
def client(shared_client: bigquery.Client) -> Iterator[bigquery.Client]:
    yield shared_client
    reset(shared_client)


@pytest.fixture(scope="module")
def definitions() -> Mapping[str, TableDefinition]:
    return shipped_definitions()


def ask(
    client: bigquery.Client,
    sql: str,
    parameters: list[ArrayQueryParameter] | list[ScalarQueryParameter] | None = None,
) -> list[tuple[object, ...]]:
    config = QueryJobConfig(query_parameters=parameters or [])
    job = client.query(sql, job_config=config, timeout=30, retry=ONCE, job_retry=None)
    return [tuple(row.values()) for row in job.result(timeout=30, retry=ONCE, job_retry=None)]


def count(client: bigquery.Client, table: str) -> object:
    return ask(client, f"SELECT COUNT(*) FROM `{PROJECT}.{table}`")[0][0]


def rows_by_date(definitions: dict[str, TableDefinition]) -> str:
    """One query over all tables, as the exporter's."""
    return "\nUNION ALL\n".join(
        f"SELECT {part} AS part, {table.partition} AS day, COUNT(*) AS n FROM `{PROJECT}.{table.name}`"
        f" WHERE {table.partition} IN UNNEST(@dates) GROUP BY {table.partition}"
        for part, table in enumerate(definitions.values())
    )


# What it is asked twice


@pytest.mark.parametrize(
    ("sql", "answers"),
    [
        ("SELECT * FROM t.a ORDER BY 1", [[(1,), (2,)], [(Decimal("0.5"), "x")], [("y",)]]),
        ("SELECT MIN(n) FROM t.a", [[(1,)], [(Decimal("0.5"),)], [("y",)]]),
        ("SELECT AVG(n) FROM t.a", [[(1.5,)], [(Decimal("0.5"),)], None]),
    ],
)
def test_a_query_asked_again_is_of_the_columns_that_its_table_has_now(
    sql: str, answers: list[list[tuple[object, ...]] | None], client: bigquery.Client
) -> None:
    client.create_dataset("t")
    tables: Sequence[tuple[dict[str, str], list[dict[str, object]]]] = (
        ({"n": "INT64"}, [{"n": 1}, {"n": 2}]),
        ({"n": "NUMERIC", "s": "STRING"}, [{"n": "0.5", "s": "x"}]),
        ({"n": "STRING"}, [{"n": "y"}]),
    )
    for (columns, rows), answer in zip(tables, answers, strict=True):
        make_table(client, "t.a", columns, rows)
        for _ in range(2):
            if answer is None:
                with pytest.raises(exceptions.GoogleAPICallError):
                    ask(client, sql)
            else:
                assert ask(client, sql) == answer
        client.delete_table(f"{PROJECT}.t.a")


# Its tables


def test_every_defined_table_exists_and_is_empty_where_nothing_fills_it(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {})

    assert {name: count(client, name) for name in definitions} == dict.fromkeys(definitions, 0)
    table = client.get_table(f"{PROJECT}.{PLAYERS}")
    assert table.time_partitioning.field == "game_date"
    assert {field.name: field.field_type for field in table.schema}["minutes_played"] == "NUMERIC"


def test_rows_are_read_back_as_they_were_written(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    written = datetime(2026, 2, 1, 15, 0, 48, 123456, tzinfo=UTC)
    row = {"game_date": SATURDAY, "is_dnp": False, "minutes_played": 24, "processed_at": written}

    load_tables(client, definitions, {PLAYERS: [{"repeat": 2, "player_lookup": "p{n}", **row}, {"is_dnp": None}]})

    sql = f"SELECT player_lookup, game_date, is_dnp, minutes_played, processed_at FROM `{PROJECT}.{PLAYERS}` ORDER BY 1"
    assert ask(client, sql) == [
        (None, None, None, None, None),
        ("p1", SATURDAY, False, 24, written),
        ("p2", SATURDAY, False, 24, written),
    ]


def test_rows_by_the_thousand_are_all_there(client: bigquery.Client, definitions: dict[str, TableDefinition]) -> None:
    load_tables(client, definitions, {PLAYERS: [{"repeat": 12_001, "game_date": SATURDAY}]})

    assert count(client, PLAYERS) == 12_001


def test_an_absent_table_is_not_found_and_its_data_set_is_there(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {}, absent=["nba_precompute.player_daily_cache", "nba_precompute.nonesuch"])

    with pytest.raises(exceptions.NotFound, match=r"Table nba-props-platform.nba_precompute.player_daily_cache"):
        count(client, "nba_precompute.player_daily_cache")
    assert count(client, "nba_precompute.player_composite_factors") == 0


def test_rows_of_an_absent_table_are_refused_before_anything_is_created(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    with pytest.raises(TableDataError, match="has rows here and is listed as absent"):
        load_tables(client, definitions, {PLAYERS: [{"game_date": SATURDAY}]}, absent=[PLAYERS])

    assert list(client.list_datasets()) == []


def test_rows_may_be_added_later(client: bigquery.Client, definitions: dict[str, TableDefinition]) -> None:
    load_tables(client, definitions, {PLAYERS: [{"repeat": 2, "game_date": SATURDAY}]})

    add_rows(client, definitions, {PLAYERS: [{"repeat": 3, "game_date": SATURDAY}]})

    assert count(client, PLAYERS) == 5


def test_a_table_may_vanish_while_it_is_being_watched(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {PLAYERS: [{"game_date": SATURDAY}]})
    assert count(client, PLAYERS) == 1

    drop_table(client, PLAYERS)
    drop_table(client, PLAYERS)

    with pytest.raises(exceptions.NotFound, match="player_game_summary"):
        count(client, PLAYERS)


def test_after_a_reset_the_same_project_takes_another_day(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {PLAYERS: [{"repeat": 2, "game_date": SATURDAY}]})
    assert count(client, PLAYERS) == 2

    reset(client)
    load_tables(client, definitions, {SCHEDULE: [{"game_date": SUNDAY}]})

    assert count(client, PLAYERS) == 0
    assert count(client, SCHEDULE) == 1


def test_rows_that_the_server_refuses_are_an_error() -> None:
    refusal = {"insertErrors": [{"index": 0, "errors": [{"reason": "invalid", "location": "game_date"}]}]}
    with LoopbackServer(lambda _: json_answer(refusal)) as server:
        client = local_client(server.address, PROJECT)
        with pytest.raises(TableDataError, match=r"refused rows.*game_date"):
            insert_rows(client, {PLAYERS: [{"game_date": "2026-01-31"}]})
        client.close()


# Its SQL


def test_one_query_counts_the_rows_of_all_tables_by_date(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    groups = {
        PLAYERS: [{"repeat": 3, "game_date": SATURDAY}, {"repeat": 2, "game_date": SUNDAY}],
        "nba_precompute.player_daily_cache": [{"repeat": 4, "cache_date": SUNDAY}, {"cache_date": date(2025, 1, 1)}],
    }
    load_tables(client, definitions, groups)

    rows = ask(client, rows_by_date(definitions), DATES)

    parts = list(definitions)
    cache = parts.index("nba_precompute.player_daily_cache")
    assert sorted(rows) == sorted(
        [(parts.index(PLAYERS), SATURDAY, 3), (parts.index(PLAYERS), SUNDAY, 2), (cache, SUNDAY, 4)]
    )


@pytest.mark.parametrize("whole_data_set", [False, True])
def test_one_missing_table_spoils_the_query_over_all_and_is_named(
    client: bigquery.Client, definitions: dict[str, TableDefinition], *, whole_data_set: bool
) -> None:
    load_tables(client, definitions, {})
    if whole_data_set:
        client.delete_dataset("nba_precompute", delete_contents=True)
    else:
        drop_table(client, "nba_precompute.player_daily_cache")

    with pytest.raises(exceptions.NotFound) as missing:
        ask(client, rows_by_date(definitions), DATES)

    name = "Dataset nba-props-platform:nba_precompute" if whole_data_set else "nba_precompute.player_daily_cache"
    assert missing.value.errors[0]["reason"] == "notFound"
    assert name in missing.value.errors[0]["message"]


def test_an_unknown_column_is_an_invalid_query_that_names_it(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {})

    with pytest.raises(exceptions.BadRequest, match="nonesuch") as invalid:
        ask(client, f"SELECT MAX(nonesuch) FROM `{PROJECT}.{PLAYERS}`")

    assert invalid.value.errors[0]["reason"] == "invalidQuery"


def test_coverage_leaves_out_who_did_not_play_and_what_is_unmarked(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    groups = [
        {"repeat": 4, "game_date": SATURDAY, "is_dnp": False, "minutes_played": 24},
        {"repeat": 2, "game_date": SATURDAY, "is_dnp": False},
        {"repeat": 3, "game_date": SATURDAY, "is_dnp": True},
        {"game_date": SATURDAY},
    ]
    load_tables(client, definitions, {PLAYERS: groups})

    rows = ask(
        client,
        "SELECT COUNT(*), COUNTIF(is_dnp = FALSE), COUNTIF((is_dnp = FALSE) AND (minutes_played > 0)),"
        f" COUNTIF(is_dnp IS NULL) FROM `{PROJECT}.{PLAYERS}` WHERE game_date BETWEEN @first AND @last",
        [ScalarQueryParameter("first", "DATE", SATURDAY), ScalarQueryParameter("last", "DATE", SUNDAY)],
    )

    assert rows == [(10, 6, 4, 1)]


def test_the_calendar_counts_games_once_and_no_other_events(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    games = [{"game_id": name, "game_date": SATURDAY} for name in ("0021", "0021", "0041", "0031")]
    load_tables(client, definitions, {SCHEDULE: games})

    rows = ask(
        client,
        f"SELECT game_date, COUNT(DISTINCT game_id) FROM `{PROJECT}.{SCHEDULE}` WHERE game_date IN UNNEST(@dates)"
        " AND (game_id LIKE '002%' OR game_id LIKE '004%') GROUP BY game_date",
        DATES,
    )

    assert rows == [(SATURDAY, 2)]


def test_the_rows_of_one_run_are_reduced_to_one(
    client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    run = {"processor_name": "P", "run_id": "r", "phase": "phase_3_analytics", "data_date": SATURDAY}
    ended = datetime(2026, 2, 1, 15, 0, tzinfo=UTC)
    load_tables(
        client,
        definitions,
        {RUNS: [{**run, "status": "running"}, {**run, "status": "success", "processed_at": ended}]},
    )

    rows = ask(
        client,
        "SELECT processor_name, run_id, LOGICAL_OR(status = 'success'),"
        " STRING_AGG(DISTINCT status, ',' ORDER BY status), MAX(processed_at)"
        f" FROM `{PROJECT}.{RUNS}` WHERE data_date IN UNNEST(@dates)"
        " GROUP BY processor_name, run_id, data_date, phase",
        DATES,
    )

    assert rows == [("P", "r", True, "running,success", ended)]


def test_a_gate_puts_faults_between_client_and_emulator(
    emulator: BigQueryEmulator, client: bigquery.Client, definitions: dict[str, TableDefinition]
) -> None:
    load_tables(client, definitions, {PLAYERS: [{"repeat": 2, "game_date": SATURDAY}]})
    with BigQueryGate(emulator.address) as gate:
        gated = local_client(gate.address, PROJECT)
        assert count(gated, PLAYERS) == 2

        gate.fault = BigQueryFault.QUOTA
        with pytest.raises(exceptions.Forbidden, match="Quota exceeded"):
            count(gated, PLAYERS)

        gate.fault = None
        assert count(gated, PLAYERS) == 2
        gated.close()


def test_sql_of_an_incident_file_reads_no_file_of_the_machine(client: bigquery.Client, tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("private", encoding="utf-8")

    with pytest.raises(exceptions.GoogleAPICallError, match="disabled"):
        ask(client, f"SELECT content FROM read_text('{private}')")

"""The BigQuery adapter, its real client talking to the local BigQuery: what its SQL means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from google.cloud import bigquery

from exporter.config.resolved import (
    CalendarConfig,
    CoverageConfig,
    PhaseLogConfig,
    RunHistoryConfig,
    TableRef,
)
from exporter.emulators.bigquery.gate import BigQueryFault, BigQueryGate
from exporter.incidents.loading import add_rows, drop_table, load_tables
from exporter.incidents.tables import TableDefinition, shipped_definitions
from exporter.model import CoverageCounts, ErrorKind, RowCount, Run, UnusableField
from exporter.sources.ports import ContextRequest, Deadline, Estimate, RunHistoryRequest, SourceError, Window
from testing.local_tables import NOON, make_table
from testing.real_day import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.incidents.local import LocalSources
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.bigquery import BigQueryWarehouse

FRIDAY, SATURDAY, SUNDAY = date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)
WINDOW = Window(FRIDAY, SUNDAY)
ONE = datetime(2026, 2, 1, 13, tzinfo=UTC)
NO_ROWS = dict.fromkeys((FRIDAY, SATURDAY, SUNDAY), RowCount(0))

PLAYERS = TableRef("nba_analytics.player_game_summary", "game_date", "processed_at")
OFFENSE = TableRef("nba_analytics.team_offense_game_summary", "game_date", "processed_at")
ZONES = TableRef("nba_precompute.team_defense_zone_analysis", "analysis_date", "processed_at")
CACHE = TableRef("nba_precompute.player_daily_cache", "cache_date", "processed_at")
TABLES = (PLAYERS, OFFENSE, ZONES, CACHE)
SCHEDULE = TableRef("nba_reference.nba_schedule", "game_date")
HISTORY = TableRef("nba_reference.processor_run_history", "data_date", "processed_at")
LOG = TableRef("nba_orchestration.phase_execution_log", "game_date", "execution_timestamp")

Groups = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def definitions() -> Mapping[str, TableDefinition]:
    return shipped_definitions()


@pytest.fixture
def gate(local: LocalSources) -> BigQueryGate:
    return local.gate


def counts(warehouse: BigQueryWarehouse, *tables: TableRef) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
    return warehouse.row_counts(tables or TABLES, WINDOW, Deadline(30))


def kinds(found: Mapping[TableRef, object]) -> dict[TableRef, ErrorKind]:
    return {table: error.kind for table, error in found.items() if isinstance(error, SourceError)}


def test_all_tables_are_counted_by_date_in_one_job(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    gate: BigQueryGate,
    warehouse: BigQueryWarehouse,
    telemetry: Telemetry,
) -> None:
    load_tables(
        client,
        definitions,
        {
            PLAYERS.name: [
                {"repeat": 212, "game_date": SATURDAY, "processed_at": NOON},
                {"repeat": 3, "game_date": SUNDAY, "processed_at": NOON},
                {"repeat": 1, "game_date": SUNDAY, "processed_at": ONE},
                {"repeat": 9, "game_date": date(2026, 1, 29), "processed_at": NOON},
                {"repeat": 9, "game_date": date(2026, 2, 2), "processed_at": NOON},
            ],
            ZONES.name: [{"repeat": 30, "analysis_date": FRIDAY, "processed_at": None}],
        },
    )
    before = gate.calls["jobs.insert"]

    found = counts(warehouse)

    assert found == {
        PLAYERS: {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(4, ONE)},
        OFFENSE: NO_ROWS,
        ZONES: {**NO_ROWS, FRIDAY: RowCount(30)},
        CACHE: NO_ROWS,
    }
    assert gate.calls["jobs.insert"] - before == 1
    assert telemetry.total("jobs") == 1


@pytest.mark.parametrize(
    ("kind", "written", "found_at", "unusable"),
    [
        ("TIMESTAMP", "2026-02-01T12:00:00Z", NOON, ()),
        ("TIMESTAMP", "2026-02-01T12:00:00.123456Z", NOON.replace(microsecond=123_456), ()),
        ("DATETIME", "2026-02-01T07:00:00", NOON, ()),
        ("DATETIME", "2026-11-01T01:30:00", None, (UnusableField("written", 'text "2026-11-01 01:30:00"'),)),
        ("STRING", "2026-02-01T12:00:00Z", NOON, ()),
        ("STRING", "2026-02-01 07:00:00", NOON, ()),
        ("STRING", "yesterday", None, (UnusableField("written", 'text "yesterday"'),)),
        ("DATE", "2026-02-01", None, (UnusableField("written", 'text "2026-02-01"'),)),
        ("INT64", "1769947200", NOON, ()),
        ("INT64", "212", None, (UnusableField("written", 'text "212"'),)),
        ("BOOL", True, None, (UnusableField("written", 'text "true"'),)),
        ("TIME", "12:00:00", None, (UnusableField("written", 'text "12:00:00"'),)),
    ],
)
def test_a_write_time_of_any_type_is_the_right_moment_or_is_named_as_unusable(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    warehouse: BigQueryWarehouse,
    kind: str,
    written: object,
    found_at: datetime | None,
    unusable: tuple[UnusableField, ...],
) -> None:
    odd = TableRef("nba_analytics.odd", "game_date", "written")
    load_tables(client, definitions, {OFFENSE.name: [{"game_date": SUNDAY, "processed_at": NOON}]})
    make_table(
        client, odd.name, {"game_date": "DATE", "written": kind}, [{"game_date": "2026-02-01", "written": written}]
    )

    found = counts(warehouse, OFFENSE, odd)

    assert found[OFFENSE] == {**NO_ROWS, SUNDAY: RowCount(1, NOON)}
    assert found[odd] == {**NO_ROWS, SUNDAY: RowCount(1, found_at, unusable=unusable)}


def test_a_table_that_is_missing_is_unknown_and_the_others_are_counted(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    load_tables(
        client, definitions, {PLAYERS.name: [{"repeat": 5, "game_date": SUNDAY, "processed_at": NOON}]}, [ZONES.name]
    )
    nowhere = TableRef("no_such_dataset.rows", "game_date")
    wrong = TableRef(OFFENSE.name, "game_date", "no_such_column")

    found = counts(warehouse, *TABLES, nowhere, wrong)

    assert found[PLAYERS] == {**NO_ROWS, SUNDAY: RowCount(5, NOON)}
    assert found[OFFENSE] == found[CACHE] == NO_ROWS
    assert kinds(found) == {
        ZONES: ErrorKind.NOT_FOUND,
        nowhere: ErrorKind.NOT_FOUND,
        wrong: ErrorKind.INVALID,
    }


def test_a_table_that_vanishes_and_comes_back_costs_little_and_is_counted_again(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    warehouse: BigQueryWarehouse,
    telemetry: Telemetry,
) -> None:
    load_tables(client, definitions, {})

    def reading() -> tuple[dict[TableRef, ErrorKind], int]:
        before = telemetry.total("jobs")
        found = counts(warehouse)
        return kinds(found), int(telemetry.total("jobs") - before)

    healthy = reading()
    drop_table(client, ZONES.name)
    vanished, _ = reading()
    gone = reading()
    table = bigquery.Table(
        f"{PROJECT}.{ZONES.name}",
        [bigquery.SchemaField("analysis_date", "DATE"), bigquery.SchemaField("processed_at", "TIMESTAMP")],
    )
    client.create_table(table)
    back = reading()
    after = reading()

    assert healthy == ({}, 1)
    assert vanished == {ZONES: ErrorKind.NOT_FOUND}
    assert gone == ({ZONES: ErrorKind.NOT_FOUND}, 2)
    assert back == ({}, 2)
    assert after == ({}, 1)


def test_calendar_runs_log_and_coverage_are_one_job(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    warehouse: BigQueryWarehouse,
    telemetry: Telemetry,
) -> None:
    load_tables(client, definitions, day_of_everything())

    answer = warehouse.context(context(), WINDOW, Deadline(30))

    assert answer.units == {"nba": {FRIDAY: 0, SATURDAY: 6, SUNDAY: 0}}
    assert answer.runs == {
        "nba": (
            Run("Defense", "", "failed", SATURDAY, "phase_3_analytics", NOON, NOON),
            Run("Defense", "", "success", SATURDAY, "phase_3_analytics", ONE, ONE),
            Run("Player", "r1", "success", SATURDAY, "phase_3_analytics", NOON, ONE),
            Run("Zones", "r3", "running", SATURDAY, None, NOON, None, backfill=True),
        )
    }
    assert answer.phase_log == {
        "nba": {
            (day, name): 2 if (day, name) == (SATURDAY, "phase2_to_phase3") else 0
            for day in (FRIDAY, SATURDAY, SUNDAY)
            for name in ("phase2_to_phase3", "phase3_to_phase4")
        }
    }
    nothing = CoverageCounts(0, 0, 0, {"dnp": 0, "unmarked": 0})
    assert answer.coverage == {
        ("nba", "minutes"): {
            FRIDAY: nothing,
            SATURDAY: CoverageCounts(215, 118, 116, {"dnp": 94, "unmarked": 3}),
            SUNDAY: nothing,
        }
    }
    assert telemetry.total("jobs") == 1


def test_a_missing_table_spoils_only_its_part_of_the_context(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    groups = day_of_everything()
    del groups[HISTORY.name]
    load_tables(client, definitions, groups, [HISTORY.name])

    answer = warehouse.context(context(), WINDOW, Deadline(30))

    error = answer.runs["nba"]
    assert isinstance(error, SourceError)
    assert error.kind is ErrorKind.NOT_FOUND
    assert "run history of nba (table nba_reference.processor_run_history)" in error.detail
    assert answer.units["nba"] == {FRIDAY: 0, SATURDAY: 6, SUNDAY: 0}
    assert not isinstance(answer.phase_log["nba"], SourceError)
    assert not isinstance(answer.coverage["nba", "minutes"], SourceError)


def test_an_operators_condition_that_makes_no_sense_spoils_only_its_part(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    load_tables(client, definitions, day_of_everything())
    request = ContextRequest(
        calendars={
            "nba": CalendarConfig(SCHEDULE, "COUNT(DISTINCT game_id)"),
            "mlb": CalendarConfig(SCHEDULE, "COUNT(DISTINCT no_such_column)"),
        }
    )

    answer = warehouse.context(request, WINDOW, Deadline(30))

    assert answer.units["nba"] == {FRIDAY: 0, SATURDAY: 7, SUNDAY: 0}
    error = answer.units["mlb"]
    assert isinstance(error, SourceError)
    assert error.kind is ErrorKind.INVALID


def test_no_context_is_no_job(warehouse: BigQueryWarehouse, telemetry: Telemetry) -> None:
    answer = warehouse.context(ContextRequest(), WINDOW, Deadline(30))

    assert (answer.units, answer.runs, answer.phase_log, answer.coverage) == ({}, {}, {}, {})
    assert telemetry.total("jobs") == 0


def test_runs_of_nothing_are_no_runs(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    load_tables(client, definitions, day_of_everything())
    request = ContextRequest(run_history={"nba": RunHistoryRequest(RunHistoryConfig(HISTORY, "processed_at"), ())})

    assert warehouse.context(request, WINDOW, Deadline(30)).runs == {"nba": ()}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (BigQueryFault.UNREACHABLE, ErrorKind.UNREACHABLE),
        (BigQueryFault.PERMISSION_DENIED, ErrorKind.PERMISSION_DENIED),
        (BigQueryFault.TIMEOUT, ErrorKind.TIMEOUT),
        (BigQueryFault.QUOTA, ErrorKind.QUOTA),
        (BigQueryFault.RATE_LIMIT, ErrorKind.QUOTA),
        (BigQueryFault.SERVER_ERROR, ErrorKind.UNREACHABLE),
    ],
)
def test_an_outage_has_its_kind_and_is_over_when_it_is_over(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    gate: BigQueryGate,
    warehouse: BigQueryWarehouse,
    fault: BigQueryFault,
    kind: ErrorKind,
) -> None:
    load_tables(client, definitions, {})
    gate.fault = fault

    with pytest.raises(SourceError) as caught:
        warehouse.row_counts(TABLES, WINDOW, Deadline(3))
    gate.fault = None

    assert caught.value.kind is kind
    assert kinds(counts(warehouse)) == {}


def test_dry_runs_find_what_a_reading_would_find(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    load_tables(client, definitions, {}, [ZONES.name])

    sizes = warehouse.dry_run_row_counts(TABLES, WINDOW, Deadline(30))
    beside = warehouse.dry_run_context(context(), WINDOW, Deadline(30))

    assert kinds(sizes) == {ZONES: ErrorKind.NOT_FOUND}
    assert sizes[PLAYERS] == Estimate(0, exact=False, location="US")
    assert [*beside] == [
        "calendar of nba (table nba_reference.nba_schedule)",
        "run history of nba (table nba_reference.processor_run_history)",
        "phase log of nba (table nba_orchestration.phase_execution_log)",
        "coverage minutes of nba (table nba_analytics.player_game_summary)",
    ]
    assert set(beside.values()) == {Estimate(0, exact=False, location="US")}


def test_rows_that_come_later_are_seen(
    client: bigquery.Client, definitions: Mapping[str, TableDefinition], warehouse: BigQueryWarehouse
) -> None:
    load_tables(client, definitions, {})
    before = counts(warehouse, OFFENSE)

    add_rows(client, definitions, {OFFENSE.name: [{"repeat": 12, "game_date": SUNDAY, "processed_at": NOON}]})

    assert before == {OFFENSE: NO_ROWS}
    assert counts(warehouse, OFFENSE) == {OFFENSE: {**NO_ROWS, SUNDAY: RowCount(12, NOON)}}


def day_of_everything() -> Groups:
    def logged(name: str, run_id: str | None, status: str, at: datetime, **other: object) -> dict[str, object]:
        return {
            "processor_name": name,
            "run_id": run_id,
            "status": status,
            "phase": "phase_3_analytics",
            "data_date": SATURDAY,
            "started_at": at,
            "processed_at": at,
            "backfill_mode": False,
            **other,
        }

    return {
        SCHEDULE.name: [
            {"repeat": 6, "game_id": "0022500{n}", "game_date": SATURDAY, "game_status": 3},
            {"game_id": "0012500001", "game_date": SATURDAY, "game_status": 3},
        ],
        HISTORY.name: [
            logged("Player", "r1", "failed", NOON),
            logged("Player", "r1", "success", NOON, processed_at=ONE),
            logged("Defense", None, "failed", NOON),
            logged("Defense", None, "success", ONE),
            logged("Zones", "r3", "running", NOON, phase=None, backfill_mode=True),
            logged("Stranger", "r4", "success", NOON, phase="phase_9"),
            logged("Player", "r0", "success", NOON, data_date=date(2026, 1, 1)),
        ],
        LOG.name: [
            {"repeat": 2, "execution_timestamp": NOON, "phase_name": "phase2_to_phase3", "game_date": SATURDAY},
            {"execution_timestamp": NOON, "phase_name": "phase9_to_phase10", "game_date": SATURDAY},
        ],
        PLAYERS.name: [
            {"repeat": 116, "game_date": SATURDAY, "is_dnp": False, "minutes_played": 24, "processed_at": NOON},
            {"repeat": 1, "game_date": SATURDAY, "is_dnp": False, "minutes_played": 0, "processed_at": NOON},
            {"repeat": 1, "game_date": SATURDAY, "is_dnp": False, "minutes_played": None, "processed_at": NOON},
            {"repeat": 94, "game_date": SATURDAY, "is_dnp": True, "minutes_played": None, "processed_at": NOON},
            {"repeat": 3, "game_date": SATURDAY, "is_dnp": None, "minutes_played": 10, "processed_at": NOON},
        ],
    }


def context() -> ContextRequest:
    return ContextRequest(
        calendars={
            "nba": CalendarConfig(SCHEDULE, "COUNT(DISTINCT game_id)", "game_id LIKE '002%' OR game_id LIKE '004%'")
        },
        run_history={
            "nba": RunHistoryRequest(RunHistoryConfig(HISTORY, "processed_at"), ("Zones", "Defense", "Player"))
        },
        phase_log={"nba": PhaseLogConfig(LOG, ("phase2_to_phase3", "phase3_to_phase4"), -1)},
        coverage={
            ("nba", "minutes"): CoverageConfig(
                name="minutes",
                table=PLAYERS,
                data_date_offset=-1,
                eligible="is_dnp = FALSE",
                covered="minutes_played > 0",
                excluded={"dnp": "is_dnp = TRUE", "unmarked": "is_dnp IS NULL"},
                target=0.95,
                warn=0.9,
                critical=0.8,
            )
        },
    )

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporter.config.resolved import (
    CalendarConfig,
    CoverageConfig,
    HaltsConfig,
    PhaseLogConfig,
    RunHistoryConfig,
    TableRef,
)
from exporter.sources.dates import DateColumns
from exporter.sources.ports import RunHistoryRequest, Window
from exporter.sources.queries import (
    CONTEXT,
    PROBE,
    Parameter,
    Part,
    Query,
    calendar_part,
    coverage_part,
    halts_part,
    phase_log_part,
    row_count_part,
    run_history_part,
)

PROJECT = "nba-props-platform"
WINDOW = Window(date(2026, 1, 30), date(2026, 2, 2))
DATES = (Parameter("first", "DATE", date(2026, 1, 30)), Parameter("last", "DATE", date(2026, 2, 2)))
PLAYERS = TableRef("nba_analytics.player_game_summary", "game_date", "processed_at")
HISTORY = RunHistoryConfig(TableRef("nba_reference.processor_run_history", "data_date"), "processed_at")


def union(parts: list[Part], window: Window) -> Query:
    return DateColumns(ZoneInfo("America/New_York")).union(parts, window)


def sql(part: Part) -> str:
    return union([part], WINDOW).sql


def aliases(part: Part) -> list[str]:
    return re.findall(r" AS (\w+)(?=, |\nFROM)", sql(part))


def source(part: Part) -> str:
    """What comes after the columns."""
    return sql(part).partition("\nFROM ")[2]


def test_all_row_counts_are_one_query_over_partitions_and_query_parameters() -> None:
    zones = TableRef("another-project.nba_precompute.zones", "analysis_date")

    query = union([row_count_part(PLAYERS, PROJECT), row_count_part(zones, PROJECT)], WINDOW)

    assert query.sql == (
        "SELECT 0 AS part, `game_date` AS day, COUNT(*) AS counted,"
        " CAST(MAX(`processed_at`) AS STRING) AS written,"
        " CAST(NULL AS STRING) AS units, CAST(NULL AS INT64) AS duplicates\n"
        "FROM `nba-props-platform.nba_analytics.player_game_summary`\n"
        "WHERE `game_date` BETWEEN @first AND @last\n"
        "GROUP BY `game_date`\n"
        "UNION ALL\n"
        "SELECT 1 AS part, `analysis_date` AS day, COUNT(*) AS counted, CAST(NULL AS STRING) AS written,"
        " CAST(NULL AS STRING) AS units, CAST(NULL AS INT64) AS duplicates\n"
        "FROM `another-project.nba_precompute.zones`\n"
        "WHERE `analysis_date` BETWEEN @first AND @last\n"
        "GROUP BY `analysis_date`"
    )
    assert query.parameters == DATES
    assert query.tables == 2


@pytest.mark.parametrize(
    ("table", "quoted"),
    [
        ("data.rows", "`nba-props-platform.data.rows`"),
        ("other.data.rows", "`other.data.rows`"),
        ("example.com:other.data.rows", "`example.com:other.data.rows`"),
        ("data.rows of 'today'-x", "`nba-props-platform.data.rows of 'today'-x`"),
    ],
)
def test_a_table_is_quoted_and_belongs_to_the_project_unless_it_names_one(table: str, quoted: str) -> None:
    assert source(row_count_part(TableRef(table, "day"), PROJECT)).startswith(f"{quoted}\n")


def test_a_calendar_counts_its_units_where_the_operator_says() -> None:
    calendar = CalendarConfig(
        TableRef("nba_reference.nba_schedule", "game_date"),
        "COUNT(DISTINCT game_id)",
        "game_id LIKE '002%' OR game_id LIKE '004%'",
    )

    part = calendar_part("nba", calendar, PROJECT)

    assert part.subject == "calendar of nba (table nba_reference.nba_schedule)"
    assert "CAST((COUNT(DISTINCT game_id)) AS STRING) AS units, " in sql(part)
    name = "IF(game_id LIKE '002%' OR game_id LIKE '004%', NULL, 'outside')"
    assert f"{name} AS name" in sql(part)
    assert source(part) == (
        "`nba-props-platform.nba_reference.nba_schedule`\n"
        "WHERE `game_date` BETWEEN DATE_SUB(@first, INTERVAL 400 DAY) AND DATE_ADD(@last, INTERVAL 400 DAY)\n"
        f"GROUP BY `game_date`, {name}"
    )


def test_a_calendar_without_a_filter_counts_all_rows() -> None:
    part = calendar_part("nba", CalendarConfig(TableRef("a.b", "day"), "COUNT(*)"), PROJECT)

    assert " IF(TRUE, NULL, 'outside') AS name" in sql(part)


def test_run_history_is_asked_for_its_processors_one_row_a_status_and_category() -> None:
    part = run_history_part("nba", 2, RunHistoryRequest(HISTORY, ("PlayerGameSummaryProcessor",)), PROJECT)

    assert source(part) == (
        "`nba-props-platform.nba_reference.processor_run_history`\n"
        "WHERE `data_date` BETWEEN @first AND @last AND `processor_name` IN UNNEST(@processors_2)\n"
        "GROUP BY `data_date`, `processor_name`, `run_id`, `phase`, `status`, `failure_category`,"
        " IF(`run_id` IS NULL, `started_at`, NULL), IF(`run_id` IS NULL, `processed_at`, NULL)"
    )
    assert part.parameters == (Parameter("processors_2", "STRING", ("PlayerGameSummaryProcessor",)),)
    assert "CAST(MIN(`started_at`) AS STRING) AS started" in sql(part)
    assert "CAST(MAX(`processed_at`) AS STRING) AS finished" in sql(part)
    assert "MAX(LOWER(CAST(`backfill_mode` AS STRING))) AS backfill" in sql(part)
    assert "CAST(`run_id` AS STRING) AS run" in sql(part)
    assert "`failure_category` AS category" in sql(part)


def test_run_history_of_nobody_has_no_row() -> None:
    assert "@last AND FALSE\nGROUP BY" in sql(run_history_part("nba", 0, RunHistoryRequest(HISTORY, ()), PROJECT))


def test_a_column_that_a_table_lacks_is_not_asked_for() -> None:
    part = run_history_part("nba", 0, RunHistoryRequest(HISTORY, ("A",)), PROJECT)

    selected = part.select(0, "`data_date`", "TRUE", {"failure_category"})

    assert "failure_category" not in selected
    assert "CAST(NULL AS STRING) AS category" in selected


def test_a_unit_that_was_moved_counts_on_its_last_date() -> None:
    part = calendar_part("nba", CalendarConfig(PLAYERS, "COUNT(*)", "status != 9", "game_id"), PROJECT)

    assert "IF((status != 9) AND NOT orchestration_moved, NULL, 'outside') AS name" in sql(part)
    assert (
        "`game_id` IS NOT NULL AND `game_date` < MAX(`game_date`) OVER (PARTITION BY `game_id`) AS orchestration_moved"
    ) in sql(part)


def test_halts_are_asked_for_by_date_and_reason() -> None:
    halts = HaltsConfig(TableRef("a.halts", "day", "written_at"), "halted", "sport = 'nba'", "why")

    part = halts_part(halts, PROJECT)

    name = "IF(halted, IFNULL(`why`, ''), 'outside')"
    assert f"{name} AS name" in sql(part)
    assert "CAST(MAX(`written_at`) AS STRING) AS finished" in sql(part)
    assert "AND (sport = 'nba')\nGROUP BY" in sql(part)


def test_units_and_duplicates_are_counted_with_the_rows() -> None:
    table = TableRef("a.rows", "day", key=("game_id", "player"), units="COUNT(DISTINCT game_id)")

    asked = sql(row_count_part(table, PROJECT))

    assert "CAST((COUNT(DISTINCT game_id)) AS STRING) AS units" in asked
    assert (
        "COUNTIF(`game_id` IS NOT NULL AND `player` IS NOT NULL) - COUNT(DISTINCT IF(`game_id` IS NOT NULL AND `player`"
        " IS NOT NULL, TO_JSON_STRING([TO_JSON_STRING(`game_id`), TO_JSON_STRING(`player`)]), NULL)) AS duplicates"
    ) in asked


def test_the_end_of_a_run_is_in_the_column_that_the_configuration_names() -> None:
    history = RunHistoryConfig(TableRef("a.runs", "data_date"), "ended_at")

    assert "MAX(`ended_at`)" in sql(run_history_part("nba", 0, RunHistoryRequest(history, ("A",)), PROJECT))


def test_the_phase_log_is_counted_by_date_and_transition() -> None:
    log = PhaseLogConfig(TableRef("nba_orchestration.phase_execution_log", "game_date"), ("phase2_to_phase3",), -1)

    part = phase_log_part("nba", 1, log, PROJECT)

    assert "`phase_name` AS name" in sql(part)
    assert source(part) == (
        "`nba-props-platform.nba_orchestration.phase_execution_log`\n"
        "WHERE `game_date` BETWEEN @first AND @last AND `phase_name` IN UNNEST(@transitions_1)\n"
        "GROUP BY `game_date`, `phase_name`"
    )
    assert part.parameters == (Parameter("transitions_1", "STRING", ("phase2_to_phase3",)),)


def test_coverage_counts_every_bucket_in_one_pass() -> None:
    part = coverage_part("nba", coverage(), PROJECT)

    assert part.subject == "coverage minutes of nba (table nba_analytics.player_game_summary)"
    assert (
        "[COUNT(*), COUNTIF(is_dnp = FALSE), COUNTIF((is_dnp = FALSE) AND (minutes_played > 0)),"
        " COUNTIF(is_dnp = TRUE), COUNTIF(is_dnp IS NULL)] AS counts\n"
    ) in sql(part)


def test_everything_beside_the_row_counts_has_one_shape() -> None:
    parts = [
        calendar_part("nba", CalendarConfig(PLAYERS, "COUNT(*)"), PROJECT),
        run_history_part("nba", 0, RunHistoryRequest(HISTORY, ("A",)), PROJECT),
        phase_log_part("nba", 0, PhaseLogConfig(PLAYERS, ("a",), 0), PROJECT),
        coverage_part("nba", coverage(), PROJECT),
        halts_part(HaltsConfig(PLAYERS, "halted"), PROJECT),
    ]

    assert [aliases(part) for part in parts] == [list(CONTEXT)] * 5
    assert union(parts, WINDOW).parameters == (
        *DATES,
        Parameter("processors_0", "STRING", ("A",)),
        Parameter("transitions_0", "STRING", ("a",)),
    )


def test_the_probe_reads_no_table() -> None:
    assert (PROBE.sql, PROBE.parameters, PROBE.tables) == ("SELECT 1 AS part", (), 0)


def coverage() -> CoverageConfig:
    return CoverageConfig(
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

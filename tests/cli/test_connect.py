"""`config check --connect`: every read is tried, said in a line, added up and held against the limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.connect import connect_report
from exporter.cli.output import wrapped
from exporter.config.load import load
from exporter.emulators.firestore import FirestoreServer
from exporter.incidents.incident import parse_incident
from exporter.sources.factory import opener
from testing.bigquery_rest import BigQueryRest, Outcome, Rows, invalid_query, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.local import LocalSources

DAY = "title: t\nclock: 2026-02-01T18:00:00Z\n"
NOW = datetime(2026, 2, 1, 18, tzinfo=UTC)
MIB, GIB = 2**20, 2**30
ENTRY = {"status": "success", "completed_at": datetime(2026, 1, 31, 15, tzinfo=UTC), "record_count": 1}


def _report(local: LocalSources, more: str = "", overlay: dict[str, object] | None = None) -> tuple[list[str], int]:
    loaded = load(preset="nba", overlay=overlay, environ={})
    local.load(parse_incident(DAY + more, "day"), loaded.config.project)
    text, code = connect_report(loaded, lambda found, telemetry: local.open(found.config, telemetry), NOW)
    return text.splitlines(), code


# --- on the local sources -----------------------------------------------------------------------------------------


def test_a_good_configuration_gives_a_line_for_each_read_and_the_daily_cost(local: LocalSources) -> None:
    document = "firestore: {phase3_completion/2026-01-31: {player_game_summary: {status: success}}}\n"
    lines, code = _report(local, document)

    assert code == 0
    assert "ok      collection phase3_completion" in lines
    assert "ok      rows of table nba_analytics.player_game_summary" in lines
    # 12 tables counted, and calendar, halts, run history, phase log and coverage: 17 times the least that is billed.
    assert lines[-1] == ("BigQuery bills about 170 MiB a run, 23.9 GiB a day: within the daily budget of 40.0 GiB")


def test_the_season_s_readings_are_part_of_what_a_day_costs(local: LocalSources) -> None:
    lines, _ = _report(local, overlay={"collect": {"season": {"past": 60, "every": "1h"}}})

    assert lines[-1] == (
        "BigQuery bills about 170 MiB a run, 27.9 GiB a day with the season, about 170 MiB a reading:"
        " within the daily budget of 40.0 GiB"
    )


def test_a_table_that_is_missing_is_named_and_leaves_the_cost_unknown(local: LocalSources) -> None:
    lines, code = _report(local, "absent: [nba_predictions.ml_feature_store_v2]\n")

    assert code == 2
    failed = [line for line in lines if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "nba_predictions.ml_feature_store_v2: not_found" in failed[0]
    assert lines[-1] == "The cost is unknown: 1 of 17 reads could not be tried"


def test_a_source_that_is_not_reached_says_why_once(local: LocalSources) -> None:
    lines, code = _report(local, "faults: {bigquery: unreachable, firestore: unreachable}\n")

    assert code == 2
    assert sum(": unreachable: Firestore" in line for line in lines) == 1
    assert sum(": unreachable: BigQuery" in line for line in lines) == 1
    assert sum(line.endswith(": the same") for line in lines) == 2 + 16


def test_a_source_that_refuses_fails_every_read_of_it(local: LocalSources) -> None:
    lines, code = _report(local, "faults: {bigquery: permission_denied}\n")

    assert code == 2
    assert sum(line.startswith("FAILED") for line in lines) == 17
    assert lines[-1] == "The cost is unknown: 17 of 17 reads could not be tried"


# --- what BigQuery says of bytes, and what Firestore holds --------------------------------------------------------


@pytest.fixture(name="firestore")
def _firestore(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreServer]:
    with FirestoreServer(project="nba-props-platform") as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.address)
        yield server


@pytest.fixture(name="bigquery")
def _bigquery(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRest]:
    with BigQueryRest() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)
        server.answer(Rows(bytes_processed=MIB, accuracy="PRECISE"))
        yield server


def tried(**warehouse: str) -> tuple[list[str], int]:
    loaded = load(preset="nba", overlay={"collect": {"warehouse": warehouse}}, environ={})
    text, code = connect_report(loaded, opener(lambda: NOW), NOW)
    return text.splitlines(), code


def of(lines: list[str], subject: str) -> str:
    return next(line for line in lines if subject in line)


def test_collections_that_answer_and_are_empty_say_so_and_whether_they_hold_anything(
    firestore: FirestoreServer, bigquery: BigQueryRest
) -> None:
    firestore.put("phase4_completion/2025-12-31", {"ml_feature_store": ENTRY}, project="nba-props-platform")

    lines, code = tried()

    assert of(lines, "phase3_completion") == (
        "empty   collection phase3_completion: holds no document for these dates (2026-01-29 to 2026-02-02);"
        " nor any other: check its name and the Firestore database"
    )
    assert of(lines, "phase4_completion") == (
        "empty   collection phase4_completion: holds no document for these dates (2026-01-29 to 2026-02-02);"
        " 1 others are there"
    )
    assert of(lines, "processor_heartbeats") == (
        "empty   collection processor_heartbeats: holds no heartbeat that the configuration names;"
        " nor any other: check its name and the Firestore database"
    )
    assert code == 0
    assert bigquery.queries


@pytest.mark.usefixtures("firestore")
@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (
            Rows(accuracy="PRECISE"),
            "empty   {}: holds no row for these dates (2026-01-28 to 2026-02-02); if it should, check the",
        ),
        (Rows(accuracy="UPPER_BOUND"), "empty   {}: holds no row for these dates"),
        (Rows(accuracy="LOWER_BOUND"), "ok      {}"),
        (Rows(accuracy="UNKNOWN"), "ok      {}"),
        (Rows(bytes_processed=3 * MIB, accuracy="PRECISE"), "ok      {}  3.0 MiB"),
        (Rows(hides_cost=True, hides_estimate=True), "ok      {}: BigQuery does not say how much it would read"),
        (
            Rows(bytes_processed=5 * GIB, accuracy="PRECISE"),
            "ABOVE   {}: would bill 5.0 GiB, more than one job may (maximum_bytes_billed: 1.0 GiB), so it stays",
        ),
        (not_found("p:d.t"), "FAILED  {}: not_found: "),
    ],
)
@pytest.mark.parametrize(
    ("subject", "table"),
    [
        ("rows of table nba_precompute.player_daily_cache", "player_daily_cache"),
        ("calendar of nba (table nba_reference.nba_schedule)", "nba_schedule"),
        ("run history of nba (table nba_reference.processor_run_history)", "processor_run_history"),
        ("phase log of nba (table nba_orchestration.phase_execution_log)", "phase_execution_log"),
    ],
)
def test_a_table_is_ok_empty_above_its_limit_or_failed(
    bigquery: BigQueryRest, subject: str, table: str, outcome: Outcome, line: str
) -> None:
    bigquery.answer(outcome, when=table)

    lines, code = tried()

    assert of(lines, subject).startswith(line.format(subject))
    assert code == {"ok": 0, "empty": 0, "ABOVE": 1, "FAILED": 2}[line.split(maxsplit=1)[0]]
    assert all(query.dry_run for query in bigquery.queries)


@pytest.mark.usefixtures("firestore")
@pytest.mark.parametrize(
    ("table", "key"), [("processor_run_history", "run_history.columns"), ("phase_execution_log", "phase_log.columns")]
)
def test_a_record_whose_columns_have_other_names_says_which_key_names_them(
    bigquery: BigQueryRest, table: str, key: str
) -> None:
    bigquery.answer(invalid_query(), when=table)

    lines, code = tried()

    assert of(lines, table).endswith(f"; `{key}` names its columns")
    assert code == 2


@pytest.mark.usefixtures("firestore", "bigquery")
def test_a_budget_that_does_not_last_the_day_is_reported_and_sets_the_exit_code() -> None:
    lines, code = tried(daily_budget="20GiB")

    assert lines[-2:] == [
        "BigQuery bills about 170 MiB a run, 23.9 GiB a day: ABOVE the daily budget of 20.0 GiB",
        (
            "The budget lasts about 20.1 hours of each day: raise collect.warehouse.daily_budget, or collect less often"
            " (collect.warehouse.every)"
        ),
    ]
    assert code == 1


@pytest.mark.usefixtures("firestore")
def test_a_table_above_the_limit_of_a_job_is_no_part_of_what_a_day_costs(bigquery: BigQueryRest) -> None:
    bigquery.answer(Rows(bytes_processed=5 * GIB), when="player_daily_cache")

    lines, _ = tried()

    assert lines[-1] == "BigQuery bills about 160 MiB a run, 22.5 GiB a day: within the daily budget of 40.0 GiB"


@pytest.mark.usefixtures("firestore")
def test_an_unknown_size_leaves_the_cost_unknown(bigquery: BigQueryRest) -> None:
    bigquery.answer(Rows(hides_estimate=True), when="player_daily_cache")

    lines, _ = tried()

    assert lines[-1] == "The cost is unknown: 1 of 17 reads do not say their size"


@pytest.mark.usefixtures("firestore")
def test_the_command_s_exit_code_is_the_report_s(bigquery: BigQueryRest) -> None:
    asked = ["config", "check", "--connect", "--preset", "nba"]
    well = CliRunner().invoke(main, asked)
    bigquery.answer(Rows(bytes_processed=5 * GIB), when="player_daily_cache")
    above = CliRunner().invoke(main, asked)
    bigquery.answer(not_found("p:d.t"), when="nba_schedule")
    failed = CliRunner().invoke(main, asked)

    assert (well.exit_code, above.exit_code, failed.exit_code) == (0, 1, 2)


@pytest.mark.usefixtures("bigquery")
def test_the_wrong_preset_is_found_by_what_the_documents_say(firestore: FirestoreServer) -> None:
    # Named after the games: what works on the games of a date is completed on the morning after.
    for day in (29, 30, 31):
        done = datetime(2026, 1, day, 15, tzinfo=UTC).replace(day=day) if day < 31 else None
        morning = datetime(2026, 2, 1, 15, tzinfo=UTC) if done is None else done.replace(day=day + 1)
        names = ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
        entries = {name: {**ENTRY, "completed_at": morning} for name in names}
        firestore.put(f"phase3_completion/2026-01-{day}", entries, project="nba-props-platform")

    lines, code = tried()

    found = [line for line in lines if line.startswith("MISREAD")]
    assert len(found) == 1
    assert "9 of 9 entries in 3 documents of past days were completed on the day after the document's date" in found[0]
    assert "preset nba-game-date or data_date_offset 0 and due +1d 11:30 for player_game_summary" in found[0]
    assert code == 1


def test_the_command_keeps_to_eighty_columns_and_breaks_no_word() -> None:
    long = f"FAILED  rows of table nba.{'x' * 90}: refused; grant roles/bigquery.dataViewer on the dataset of the table"

    lines = wrapped(long, indent=8).splitlines()

    assert [line for line in lines if len(line) > 80 and "x" * 90 not in line] == []
    assert all(line.startswith("        ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(long.split())

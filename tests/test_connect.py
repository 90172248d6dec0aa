"""`config check --connect`: every read is tried, said in a line, and added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.load import load
from exporter.connect import connect_report
from exporter.scenario.incident import parse_incident

if TYPE_CHECKING:
    from exporter.scenario.local import LocalSources

DAY = "title: t\nclock: 2026-02-01T18:00:00Z\n"


def _report(local: LocalSources, more: str = "") -> tuple[list[str], bool]:
    loaded = load(preset="nba", environ={})
    local.load(parse_incident(DAY + more, "day"), loaded.config.project)
    text, reached = connect_report(loaded, lambda found, telemetry: local.open(found.config, telemetry))
    return text.splitlines(), reached


def test_all_well_is_a_line_a_read_and_the_cost_of_a_day(local: LocalSources) -> None:
    lines, reached = _report(local)

    assert reached
    assert "ok      collection phase3_completion" in lines
    assert "ok      rows of table nba_analytics.player_game_summary" in lines
    # 11 tables counted, and calendar, run history, phase log and coverage: 15 times the least that is billed.
    assert lines[-1] == ("BigQuery bills about 150 MiB a run, 21.1 GiB a day: within the daily budget of 40.0 GiB")


def test_a_table_that_is_missing_is_named_and_leaves_the_cost_unknown(local: LocalSources) -> None:
    lines, reached = _report(local, "absent: [nba_predictions.ml_feature_store_v2]\n")

    assert not reached
    failed = [line for line in lines if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "nba_predictions.ml_feature_store_v2: not_found" in failed[0]
    assert lines[-1] == "The cost is unknown: 1 of 15 reads could not be tried"


def test_a_source_that_is_not_reached_says_why_once(local: LocalSources) -> None:
    lines, reached = _report(local, "faults: {bigquery: unreachable, firestore: unreachable}\n")

    assert not reached
    assert sum(": unreachable: Firestore" in line for line in lines) == 1
    assert sum(": unreachable: BigQuery" in line for line in lines) == 1
    assert sum(line.endswith(": the same") for line in lines) == 2 + 14


def test_a_source_that_refuses_fails_every_read_of_it(local: LocalSources) -> None:
    lines, reached = _report(local, "faults: {bigquery: permission_denied}\n")

    assert not reached
    assert sum(line.startswith("FAILED") for line in lines) == 15
    assert lines[-1] == "The cost is unknown: 15 of 15 reads could not be tried"

"""The explanations as they are printed."""

from __future__ import annotations

import pytest

from exporter.model import CoverageCounts
from exporter.present.explanations import explain_json, explain_text
from exporter.present.over import after
from exporter.reconcile import reconcile
from exporter.shipped.alerts import alert_of
from testing.builders import DAY, OFFENSE, ONE_DAY, PLAYER, entry, on
from testing.reports import overwritten, reported, triggered
from tests.reconcile.scene import Scene


def test_every_missing_registration_is_explained_with_both_sides() -> None:
    scene = Scene(entry=None, others={"upcoming": entry("15:04:29")})
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    text = " ".join(explain_text(report).split())

    assert text.startswith(
        f"nba phase3 {DAY} {OFFENSE}: unregistered since 15:00:44 UTC (10:00:44 EST)"
        " - due 16:30 UTC (11:30 EST); data of 2026-01-31"
    )
    assert (
        "1. likely: its entry was never written - for: the table has 12 rows of 2026-01-31, and no entry says" in text
    )
    assert "- against: to lose it, the write at 15:04:29Z (upcoming) would have had to" in text
    assert text.endswith(
        f"- first: register, do not run again - after the repair: {after('unregistered')}"
        f" - runbook: {alert_of('unregistered').runbook}"
    )


def test_every_fault_is_explained_with_its_hints_and_its_runbook() -> None:
    scene = Scene(rows=24)
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    assert explain_text(report) == (
        f"nba phase3 {DAY} {OFFENSE}: duplicated since 15:00:50 UTC\n"
        "(10:00:50 EST)\n"
        "  - due 16:30 UTC (11:30 EST); data of 2026-01-31\n"
        "  - 24 rows for 6 games: twice the 12 expected\n"
        "  - first: group by the table's key and remove what is there twice\n"
        "  - after the repair: shown good within 13 min, alert closed within 50 min\n"
        f"  - runbook: {alert_of('duplicated').runbook}\n"
        "\n"
    )


def test_low_coverage_is_explained_with_the_query_for_its_rows() -> None:
    scene = triggered()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 80, {"dnp": 94})}

    text = " ".join(explain_text(reported(scene)).split())

    assert "- first: list the uncovered rows, then run the processor again" in text
    assert "- the rows: SELECT * FROM `nba.player_game_summary` WHERE game_date = '2026-01-31' AND (" in text
    assert "IS NOT TRUE" in text


@pytest.mark.parametrize("scene", [Scene(entry=None, others={"upcoming": entry("15:04:29")}), Scene(rows=24), Scene()])
def test_no_line_is_wider_than_eighty_columns(scene: Scene) -> None:
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    assert max(map(len, explain_text(report).splitlines())) <= 80


def test_the_json_has_verdict_hints_and_explanations_by_processor() -> None:
    scene = Scene(entry=None)
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    (said,) = explain_json(report).values()

    assert said.keys() == {"verdict", "hints", "explanations"}
    assert said["explanations"][0]["cause"] == "never_written"
    assert explain_json(report, "another") == {}


def test_explain_says_if_nothing_is_missing_and_what_could_not_be_read() -> None:
    scene = Scene()
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    assert explain_text(report, unread={"warehouse": "timeout"}) == (
        "Not all of BigQuery could be read (timeout) since 17:55 UTC (12:55 EST). After\n"
        "the repair: shown good within 10 min, alert closed within 17 min.\n\n"
        "Nothing to explain: no discrepancy.\n"
    )
    assert explain_text(report, OFFENSE).startswith(f"Nothing to explain of {OFFENSE}: ")


def test_a_restored_entry_is_reported_even_if_nothing_is_missing() -> None:
    report = reported(overwritten())

    text = explain_text(report)
    said = explain_json(report)

    assert text.startswith(f"nba phase3 {DAY}: overwritten and restored\n  - {PLAYER}: its entry was there at")
    (found,) = said[f"nba/phase3/{DAY}"]["overwritten"]
    assert (found["processor"], found["missed_at"], found["back_at"]) == (
        PLAYER,
        "2026-02-01T15:05:00Z",
        "2026-02-01T15:06:00Z",
    )
    assert f"- {found['text']}" in " ".join(text.split())
    assert explain_json(report, PLAYER) == said
    assert (explain_json(report, OFFENSE), "overwritten" in explain_text(report, OFFENSE)) == ({}, False)

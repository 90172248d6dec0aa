"""The explanations as they are printed."""

from __future__ import annotations

from exporter.present.explanations import explain_json, explain_text
from exporter.reconcile import reconcile
from testing.builders import DAY, OFFENSE, PLAYER, entry, on
from testing.reports import overwritten, reported
from tests.reconcile.scene import Scene


def test_every_missing_registration_is_explained_with_both_sides() -> None:
    scene = Scene(entry=None, others={"upcoming": entry("15:04:29")})
    report = reconcile(scene.config(), scene.snapshot(), on("18:00"))

    text = explain_text(report)

    assert text.startswith(
        f"nba phase3 {DAY} {OFFENSE}: unregistered\n  due 16:30 UTC (11:30 EST); data of 2026-01-31\n"
    )
    assert (
        "  1. likely: its entry was never written\n       + the table has 12 rows of 2026-01-31, and no entry says so\n"
        in text
    )
    assert "       - to lose it, the write at 15:04:29Z (upcoming) would have had to" in text


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
        "No registration is missing without a reason that its verdict gives.\n\n"
        "Not everything could be read: warehouse (timeout).\n"
    )
    assert explain_text(report, OFFENSE).startswith(f"No registration of {OFFENSE} is missing")


def test_a_restored_entry_is_reported_even_if_nothing_is_missing() -> None:
    report = reported(overwritten())

    text = explain_text(report)
    said = explain_json(report)

    assert text.startswith(
        "No registration is missing without a reason that its verdict gives.\n\n"
        f"nba phase3 {DAY}: overwritten and restored\n"
        f"  - {PLAYER}: its entry was there at 15:04:00Z and gone at 15:05:00Z: "
    )
    (found,) = said[f"nba/phase3/{DAY}"]["overwritten"]
    assert (found["processor"], found["missed_at"], found["back_at"]) == (
        PLAYER,
        "2026-02-01T15:05:00Z",
        "2026-02-01T15:06:00Z",
    )
    assert f"  - {found['text']}\n" in text
    assert explain_json(report, PLAYER) == said
    assert (explain_json(report, OFFENSE), "overwritten" in explain_text(report, OFFENSE)) == ({}, False)

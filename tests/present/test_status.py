"""The report as JSON, which scripts rely on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from exporter.model import CoverageCounts, Document, ErrorKind
from exporter.present.history import History
from exporter.present.status import discrepancies, stamp, status, status_json
from exporter.present.summary import summarize
from exporter.sources.ports import SourceError
from exporter.web.status_schema import STATUS
from testing.builders import DAY, OFFENSE, ONE_DAY, PHASE3, PLAYER, beat, entry, heartbeat_name, on
from testing.collecting import PHASE3_DOCUMENT, Scene, healthy
from testing.reports import explained, overwritten, reported, seed_like

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return healthy()


def said(scene: Scene) -> dict[str, Any]:
    scene.collectors.run_all()
    content: dict[str, Any] = json.loads(status_json(scene.reports[-1]))
    return content


def test_a_processor_is_described_by_all_records(scene: Scene) -> None:
    name = heartbeat_name(OFFENSE)
    scene.memory.store.beats = {name: beat("completed", "15:00:51", document=name)}

    assert said(scene)["processors"][f"nba/phase3/{DAY}/{OFFENSE}"] == {
        "verdict": "ok",
        "registered": True,
        "record_count": 12,
        "table_rows": 12,
        "record_count_delta": 0,
        "heartbeat": "completed",
        "heartbeat_state": "completed",
        "heartbeat_data_date": "2026-01-31",
        "heartbeat_at": "2026-02-01T15:00:51Z",
        "hints": [],
        "explanations": [],
        "critical": False,
        "expected": True,
        "data_date": "2026-01-31",
        "due": "2026-02-01T16:30:00Z",
        "since": None,
        "since_after": None,
        "first": None,
        "after": None,
        "owner": None,
        "job": None,
        "logs": None,
        "completed_at": "2026-02-01T15:00:50Z",
        "table": "nba.team_offense_game_summary",
        "written_at": "2026-02-01T15:00:00Z",
        "rows_expected": [12, 12],
        "rows_due": "2026-02-01T16:30:00Z",
        "units": 6,
        "table_units": None,
        "duplicate_rows": None,
        "rows_read_at": "2026-02-01T18:00:00Z",
        "document_read_at": "2026-02-01T18:00:00Z",
    }


def test_a_phase_is_described_by_its_document_and_its_trigger(scene: Scene) -> None:
    scene.memory.store.held[PHASE3_DOCUMENT] = Document(
        entries={name: entry() for name in (*PHASE3, "Retired")},
        completed_count=4,
        triggered=True,
        triggered_at=on("15:10"),
        trigger_reason="all_complete",
    )

    assert said(scene)["phases"][f"nba/phase3/{DAY}"] == {
        "expected": 5,
        "registered": 5,
        "unexpected": 1,
        "mode": "daily",
        "trigger_state": "triggered",
        "trigger_hints": ["triggered: all_complete"],
        "overwritten": [],
        "completed_count": 4,
        "entries": 6,
        "triggered_at": "2026-02-01T15:10:00Z",
        "due": "2026-02-01T16:30:00Z",
        "then": {"phase": "phase4", "due": "2026-02-01T17:30:00Z"},
        "since": None,
        "since_after": None,
        "first": None,
        "after": None,
        "log_source": "rows",
    }


def test_what_is_unknown_is_null_and_never_zero(scene: Scene) -> None:
    for name in ("completion", "heartbeats", "warehouse"):
        scene.orders(name).fail(ErrorKind.UNREACHABLE)

    content = said(scene)

    processor, phase = content["processors"][f"nba/phase3/{DAY}/{PLAYER}"], content["phases"][f"nba/phase3/{DAY}"]
    assert (processor["registered"], processor["table_rows"], processor["record_count_delta"]) == (None, None, None)
    assert (phase["expected"], phase["registered"], phase["unexpected"]) == (None, None, None)
    assert content["unknown"] == len(content["processors"])
    assert content["discrepancies"] == 0
    assert content["coverage"] == {f"nba/minutes_played/{DAY}": None}


def test_coverage_is_shown_beside_the_processors(scene: Scene) -> None:
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0})}

    assert said(scene)["coverage"][f"nba/minutes_played/{DAY}"] == {
        "rows": 212,
        "eligible": 118,
        "covered": 118,
        "excluded": {"dnp": 94, "unmarked": 0},
    }


def test_processors_and_triggers_count_as_discrepancies(scene: Scene) -> None:
    scene.register(*PHASE3[1:4])
    scene.collectors.run_all()

    # Two that are not registered, and the trigger that waits for them.
    assert discrepancies(scene.reports[-1]) == 3
    assert status(scene.reports[-1])["discrepancies"] == 3


def test_the_json_has_the_sentence_and_the_unread_collectors(scene: Scene) -> None:
    scene.collectors.run_all()

    content = status(scene.reports[-1], {"heartbeats": "timeout"})

    assert content["unread"] == {"heartbeats": "timeout"}
    assert content["summary"] == str(summarize(scene.reports[-1], {"heartbeats": "timeout"}))


def test_explanations_are_shown_with_the_evidence_for_and_against() -> None:
    [first, *_] = status(explained(reported(seed_like())))["processors"][f"nba/phase3/{DAY}/{PLAYER}"]["explanations"]

    assert first == {
        "cause": "lost_update",
        "standing": "likely",
        "supports": ["entries of one second stand beside it"],
        "contradicts": ["older entries are still there"],
    }


def test_the_history_has_the_keys_of_phases_and_processors(scene: Scene) -> None:
    scene.collectors.run_all()
    report = scene.reports[-1]

    content = json.loads(status_json(report, None, History().after(report)))

    assert set(content["history"]) <= set(content["phases"]) | set(content["processors"])
    first = {"at": "2026-02-01T18:00:00Z", "how": None}
    (stuck,) = content["history"][f"nba/phase3/{DAY}"]
    assert content["history"][f"nba/phase3/{DAY}/{PLAYER}"] == [{**first, "state": "ok", "since": None}]
    assert stuck == {**first, "state": "stuck", "since": content["phases"][f"nba/phase3/{DAY}"]["since"]}


def test_without_a_history_the_json_has_no_history(scene: Scene) -> None:
    assert "history" not in said(scene)


def test_a_restored_entry_is_listed_at_its_phase() -> None:
    content = status(reported(overwritten()))

    (found,) = content["phases"][f"nba/phase3/{DAY}"]["overwritten"]
    assert {name: found[name] for name in ("processor", "kind", "last_seen_at", "missed_at", "back_at")} == {
        "processor": PLAYER,
        "kind": "stale_write",
        "last_seen_at": "2026-02-01T15:04:00Z",
        "missed_at": "2026-02-01T15:05:00Z",
        "back_at": "2026-02-01T15:06:00Z",
    }
    assert content["processors"][f"nba/phase3/{DAY}/{PLAYER}"]["verdict"] == "ok"


@pytest.mark.parametrize("make", [healthy, seed_like, overwritten])
def test_every_key_of_the_json_is_in_the_schema(make: Callable[[], Scene]) -> None:
    report = explained(reported(make()))

    jsonschema.validate(json.loads(status_json(report, {"warehouse": "quota"}, History().after(report))), STATUS)


def test_names_and_hints_with_odd_characters_stay_valid_json(scene: Scene) -> None:
    odd = 'quote " newline \n escape \x1b surrogate \ud800 end'
    scene.memory.warehouse.units = SourceError(ErrorKind.INVALID, odd)

    hints = said(scene)["processors"][f"nba/phase3/{DAY}/{PLAYER}"]["hints"]

    assert any(odd.replace("\ud800", "?") in hint for hint in hints)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None),
        (datetime(2026, 2, 1, 15, 0, 13, 999_999, UTC), "2026-02-01T15:00:13Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(2026, 2, 1, 15, tzinfo=timezone(timedelta(0))), "2026-02-01T15:00:00Z"),
    ],
)
def test_times_are_written_in_utc_to_the_second(moment: datetime | None, text: str | None) -> None:
    assert stamp(moment) == text

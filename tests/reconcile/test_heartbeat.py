"""Heartbeats that carry no date, or no status: the time decides what they speak for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from exporter.model import HeartbeatState, Verdict
from testing.builders import beat, on
from tests.reconcile.scene import Scene

if TYPE_CHECKING:
    from exporter.config.resolved import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare(Scene):
    """A scene whose heartbeats lack some fields, as the configuration says."""

    lacking: tuple[str, ...] = ("data_date",)

    def config(self) -> Config:
        found = Scene.config(self)
        pipeline = found.pipelines["nba"]
        assert pipeline.heartbeats is not None
        fields = {**pipeline.heartbeats.fields, **dict.fromkeys(self.lacking, ())}
        changed = replace(pipeline, heartbeats=replace(pipeline.heartbeats, fields=fields))
        return replace(found, pipelines={"nba": changed})


def bare(at: str, status: str | None = "running", started: str | None = None, **keys: object) -> Bare:
    one = replace(beat(status, at, None), started_at=on(started) if started else None)
    return replace(Bare(entry=None, rows=0, beats=[one]), **keys)  # type: ignore[arg-type]  # a scene's own fields


@pytest.mark.parametrize(
    ("at", "started", "state"),
    [
        # The work is due on 1 February in New York, whose day begins at 05:00 UTC.
        ("17:59", None, HeartbeatState.RUNNING),
        ("05:00", None, HeartbeatState.DEAD),
        ("04:59:59", None, HeartbeatState.OTHER_DATE),
        ("17:59", "04:59:59", HeartbeatState.OTHER_DATE),
        ("17:59", "05:00", HeartbeatState.RUNNING),
    ],
)
def test_a_beat_without_a_date_speaks_for_the_work_due_on_the_day_of_its_run(
    at: str, started: str | None, state: HeartbeatState
) -> None:
    assert bare(at, started=started).report().heartbeat.state is state


def test_a_beat_of_another_day_is_said_to_be_one() -> None:
    hints = [hint.text for hint in bare("04:59:59").report().hints]

    assert "heartbeat at 04:59:59Z is of another day than this work" in hints


@pytest.mark.parametrize(("at", "verdict"), [("17:59", Verdict.RUNNING), ("17:50", Verdict.MISSING)])
def test_a_beat_without_a_status_means_running_while_it_is_fresh_and_then_nothing(at: str, verdict: Verdict) -> None:
    scene = bare(at, status=None, lacking=("status", "data_date"))

    assert scene.report().verdict is verdict


@pytest.mark.parametrize(("now", "verdict"), [("17:29:59", Verdict.UNKNOWN), ("17:30", Verdict.MISSING)])
@pytest.mark.parametrize("ahead", [None, "23:00"])
def test_a_heartbeat_that_shows_nothing_excuses_an_empty_table_for_an_hour_after_the_deadline(
    ahead: str | None, now: str, verdict: Verdict
) -> None:
    one = replace(beat("running", "17:00"), beat_at=on(ahead) if ahead else None)
    scene = Scene(entry=None, rows=0, written=None, beats=[one], now=now, counted="17:29", read="17:29")

    found = scene.report()

    assert (found.verdict, found.heartbeat.state) == (verdict, HeartbeatState.UNKNOWN)
    assert any(hint.text.startswith("heartbeat ") for hint in found.hints)


@pytest.mark.parametrize(("now", "verdict"), [("17:29:59", Verdict.UNKNOWN), ("17:30", Verdict.UNREGISTERED)])
@pytest.mark.parametrize("ahead", [None, "23:00"])
def test_a_heartbeat_that_shows_nothing_excuses_a_missing_entry_for_an_hour_after_the_deadline(
    ahead: str | None, now: str, verdict: Verdict
) -> None:
    one = replace(beat("running", "17:00"), beat_at=on(ahead) if ahead else None)
    scene = Scene(entry=None, beats=[one], now=now, counted="17:29", read="17:29")

    found = scene.report()

    assert (found.verdict, found.heartbeat.state) == (verdict, HeartbeatState.UNKNOWN)
    assert any(hint.text.startswith("heartbeat ") for hint in found.hints)

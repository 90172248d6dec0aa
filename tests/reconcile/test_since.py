"""Since when a fault has been there, by the records themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exporter.model import HeartbeatState, Since, TriggerState, Verdict
from exporter.reconcile.since import of_processor, of_trigger
from testing.builders import beat, loss, on, run
from tests.reconcile.scene import Scene

BEAT = on("14:00")


def since(verdict: Verdict, **changes: Any) -> Since | None:  # noqa: ANN401 - any field
    """Of a processor with rows of 15:00:44, an entry of 15:00:50 and a heartbeat of 14:00, due at 16:30."""
    phase = Scene().phase()
    (one,) = phase.processors
    heartbeat = replace(one.heartbeat, state=HeartbeatState.DEAD, beat_at=BEAT)
    return of_processor(replace(one, verdict=verdict, **{"heartbeat": heartbeat, **changes}), None)


@pytest.mark.parametrize(
    ("verdict", "at"),
    [
        (Verdict.UNREGISTERED, "15:00:44"),
        (Verdict.WRONG_DATE, "15:00:44"),
        (Verdict.STALLED, "14:00"),
        (Verdict.FAILED, "14:00"),
        (Verdict.MISSING, "16:30"),
        (Verdict.PHANTOM, "15:00:50"),
        (Verdict.PARTIAL, "15:00:50"),
        (Verdict.DUPLICATED, "15:00:50"),
        (Verdict.COUNT_MISMATCH, "15:00:50"),
    ],
)
def test_it_is_the_time_of_the_record_that_shows_the_fault(verdict: Verdict, at: str) -> None:
    assert since(verdict) == Since(on(at))


def test_a_lost_entry_was_lost_between_the_last_reading_with_it_and_the_first_without() -> None:
    scene = Scene(entry=None, loss=loss())

    assert scene.report().since == Since(on("15:05"), after=on("15:01"))


def test_a_failed_run_failed_when_it_ended() -> None:
    scene = Scene(entry=None, rows=0, written=None, runs=[run("failed", "15:20")])

    assert (scene.report().verdict, scene.report().since) == (Verdict.FAILED, Since(on("15:20")))


def test_a_stalled_run_has_stood_still_since_its_last_beat() -> None:
    scene = Scene(entry=None, rows=0, written=None, beats=[beat("running", "15:00")])

    assert (scene.report().verdict, scene.report().since) == (Verdict.STALLED, Since(on("15:00")))


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.UNKNOWN, Verdict.RUNNING, Verdict.NOT_DUE, Verdict.BACKFILL])
def test_what_is_no_fault_has_no_time(verdict: Verdict) -> None:
    assert since(verdict) is None


@pytest.mark.parametrize(("verdict", "at"), [(Verdict.FAILED, "16:30"), (Verdict.UNREGISTERED, None)])
def test_a_heartbeat_of_another_date_says_nothing_of_this_one(verdict: Verdict, at: str | None) -> None:
    (one,) = Scene().phase().processors
    other = replace(one.heartbeat, state=HeartbeatState.OTHER_DATE, beat_at=on("15:00"))

    assert since(verdict, written_at=None, heartbeat=other) == (Since(on(at)) if at else None)


@pytest.mark.parametrize("state", TriggerState)
def test_a_trigger_is_at_fault_since_its_rule_is_met(state: TriggerState) -> None:
    phase = replace(Scene().phase(), trigger_state=state, rule_met_at=on("15:00"))
    at_fault = state in {TriggerState.STUCK, TriggerState.BLOCKED}

    assert of_trigger(phase) == (Since(on("15:00")) if at_fault else None)
    assert of_trigger(replace(phase, rule_met_at=None)) is None


def test_nothing_is_at_fault_since_a_time_to_come() -> None:
    report = Scene(entry=None, now="18:00").report()

    assert report.since is not None
    assert report.since.at <= on("18:00") + timedelta(minutes=2)

"""Entries that were lost and restored: what is said of them, and of which nothing is said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.memory.losses import watch
from exporter.model import LOST, Document, RemovalKind, Sighting, Verdict
from exporter.reconcile import reconcile
from exporter.reconcile.removals import MOST, overwritten
from testing.builders import DAY, OFFENSE, PLAYER, RULE, UPCOMING_TEAM, entry, loss, on, without
from testing.collecting import PHASE3_DOCUMENT
from testing.reports import overwritten as overwritten_scene
from testing.reports import reported
from tests.reconcile.scene import OWN, Scene

if TYPE_CHECKING:
    from exporter.config.resolved import Config
    from exporter.model import Entry, Watched

NOW = on("18:00")
A, B, C = entry("14:58:00", 1), entry("14:59:00", 2), entry("15:03:00", 3)
ALL = {"a": A, "b": B}
HOUR = timedelta(hours=1)
RESET = replace(loss(), kind=RemovalKind.RESET, missed_at=on("17:05"))


def seen(*readings: tuple[str, dict[str, Entry]], created: str = "06:00") -> Watched:
    """What is remembered after these readings, each of a write of its own."""
    known: dict[object, Watched] = {}
    for at, entries in readings:
        document = Document(
            entries=entries, create_time=on(created) if entries else None, exists=bool(entries), update_time=on(at)
        )
        known = dict(
            watch(known, {PHASE3_DOCUMENT: document}, ("a", "b", "c"), on(at), longest_gap=HOUR)  # type: ignore[arg-type] # one key
        )
    return known[PHASE3_DOCUMENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggering(Scene):
    """A scene of a phase whose trigger has a grace of half an hour."""

    def config(self) -> Config:
        found = Scene.config(self)
        (pipeline,) = found.pipelines.values()
        phases = {name: replace(phase, trigger=RULE) for name, phase in pipeline.phases.items()}
        return replace(found, pipelines={"nba": replace(pipeline, phases=phases)})


@pytest.mark.parametrize(
    ("now", "written", "verdict"),
    [
        ("17:06", "15:00:44", Verdict.NOT_DUE),
        ("17:34:59", "15:00:44", Verdict.NOT_DUE),
        ("17:35", "15:00:44", Verdict.UNREGISTERED),
        ("17:15", "17:04:59", Verdict.NOT_DUE),
        ("17:15", "17:05", Verdict.UNREGISTERED),
    ],
)
def test_what_was_done_before_a_reset_has_the_grace_to_register_again(now: str, written: str, verdict: Verdict) -> None:
    report = Triggering(entry=None, loss=RESET, written=written, now=now, read=now).report()

    assert report.verdict is verdict
    assert (verdict is Verdict.NOT_DUE) == (
        "the document was reset at 17:05:00Z: what was done before has until 17:35:00Z to register again"
        in {hint.text for hint in report.hints}
    )


@pytest.mark.parametrize(("now", "verdict"), [("18:04:59", Verdict.NOT_DUE), ("18:05", Verdict.UNREGISTERED)])
def test_a_phase_without_a_trigger_has_an_hour_after_a_reset(now: str, verdict: Verdict) -> None:
    assert Scene(entry=None, loss=RESET, now=now, read=now).report().verdict is verdict


@pytest.mark.parametrize(
    ("came", "now", "verdict"),
    [
        ("17:25", "17:54:59", Verdict.NOT_DUE),
        ("17:25", "17:55", Verdict.UNREGISTERED),
        # An entry from before the reset, as in a document that one processor has begun again.
        ("17:01", "17:35", Verdict.UNREGISTERED),
    ],
)
def test_each_entry_that_comes_after_a_reset_gives_the_others_the_grace_again(
    came: str, now: str, verdict: Verdict
) -> None:
    scene = Triggering(entry=None, now=now, read=now)
    watched = replace(without({OFFENSE: RESET}), entries={"other": Sighting(entry(), b"", on(came), None)})

    (report,) = reconcile(scene.config(), replace(scene.snapshot(), watched={OWN: watched}), on(now)).processors

    assert report.verdict is verdict


@pytest.mark.parametrize("kind", sorted({*RemovalKind} - {RemovalKind.RESET} - LOST))
def test_only_a_reset_gives_time_to_register_again(kind: RemovalKind) -> None:
    removed = replace(loss(), kind=kind, missed_at=on("17:05"))

    assert Scene(entry=None, loss=removed, now="17:06").report().verdict is Verdict.UNREGISTERED


def test_a_restored_entry_is_reported_with_how_and_when_it_was_overwritten() -> None:
    (said,) = overwritten(seen(("15:00", ALL), ("15:01", {"a": A, "c": C}), ("15:02", {**ALL, "c": C})), NOW)

    assert (said.processor, said.kind) == ("b", RemovalKind.STALE_WRITE)
    assert (said.last_seen_at, said.missed_at, said.back_at) == (on("15:00"), on("15:01"), on("15:02"))
    assert said.text == (
        "b: its entry was there at 15:00:00Z and gone at 15:01:00Z: a write of a stale copy took away what had come"
        " since it was read; the write at 15:01:00Z took it away, which changed c; it is restored since 15:02:00Z;"
        " mend what wrote it: the next time nobody may write the entry again"
    )


def test_an_entry_that_is_not_restored_is_left_to_its_verdict() -> None:
    assert overwritten(seen(("15:00", ALL), ("15:01", {"a": A})), NOW) == ()
    assert overwritten(None, NOW) == ()


@pytest.mark.parametrize(
    "readings",
    [
        pytest.param([("15:00", ALL), ("15:01", {}), ("15:02", ALL)], id="reset"),
        pytest.param([("15:00", ALL), ("15:01", {"a": entry("15:01:00", 9), "b": B})], id="registered again"),
        pytest.param(
            [("15:00", {"a": A, "b": entry("14:59:00", 2, manual=True)}), ("15:01", {"a": A}), ("15:02", ALL)],
            id="by hand",
        ),
    ],
)
def test_an_entry_that_was_not_lost_was_not_overwritten(readings: list[tuple[str, dict[str, Entry]]]) -> None:
    assert overwritten(seen(*readings), NOW) == ()


def test_an_entry_that_came_back_after_a_reset_is_restored_since_then() -> None:
    (said,) = overwritten(
        seen(("15:00", ALL), ("15:01", {"a": A}), ("15:02", {}), ("15:03", {"a": A}), ("15:04", ALL)), NOW
    )

    assert (said.missed_at, said.back_at) == (on("15:01"), on("15:04"))


def test_each_loss_has_its_own_return_and_the_last_one_is_first() -> None:
    less, more = {"a": A}, {"a": A, "b": entry("14:59:30", 2)}
    said = overwritten(
        seen(("15:00", ALL), ("15:01", less), ("15:02", ALL), ("15:03", less), ("15:04", ALL), ("15:05", more)), NOW
    )

    assert [(one.missed_at, one.back_at) for one in said] == [
        (on("15:03"), on("15:04")),
        (on("15:01"), on("15:02")),
    ]


def test_only_the_last_losses_of_an_entry_that_is_often_overwritten_are_reported() -> None:
    readings = [(f"15:{minute:02}", {"a": A} if minute % 2 else ALL) for minute in range(2 * MOST + 5)]

    said = overwritten(seen(*readings), NOW)

    assert len(said) == MOST
    assert said[0].back_at == on(f"15:{2 * MOST + 4:02}")


def test_a_restored_entry_is_reported_at_its_phase_and_changes_no_verdict() -> None:
    report = reported(overwritten_scene())

    phase = next(phase for phase in report.phases if phase.phase == "phase3" and phase.run_date == DAY)
    assert [one.processor for one in phase.overwritten] == [PLAYER]
    assert {one.processor: one.verdict for one in phase.processors}[PLAYER] is Verdict.OK
    assert UPCOMING_TEAM not in {one.processor for one in phase.overwritten}

"""Runs that hang, are stopped, or meet an error that nobody foresaw."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from exporter.collect import collectors as collection
from exporter.model import ErrorKind, TriggerState, Verdict
from testing.builders import by_processing_date
from testing.collecting import COLLECTORS, Scene, healthy
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testing.memory import Orders


@pytest.fixture(name="scene")
def _scene() -> Iterator[Scene]:
    scene = healthy()
    yield scene
    scene.memory.release()


@pytest.fixture(name="hanging")
def _hanging(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Orders:
    """The completion collector, whose source hangs in spite of its deadline."""
    monkeypatch.setattr(collection, "LAST_WORDS", 0.05)
    scene.shorten(0.05)
    orders = scene.orders("completion")
    orders.hang()
    return orders


def _reads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"read-{name}"]


def test_a_run_that_ignores_its_deadline_is_given_up_as_timed_out(scene: Scene, hanging: Orders) -> None:
    scene.collectors.run("completion")

    failure = scene.collectors.snapshot.documents.failure
    assert failure is not None
    assert (failure.kind, failure.detail) == (
        ErrorKind.TIMEOUT,
        "collector completion did not end within 0.05 s",
    )
    assert hanging.calls == 1
    assert len(scene.reports) == 1


def test_while_a_run_hangs_the_next_ones_are_counted_as_skipped(scene: Scene, hanging: Orders) -> None:
    scene.collectors.run("completion")

    scene.collectors.run("completion")
    scene.collectors.run("completion")

    state = scene.telemetry.collectors()["completion"]
    assert (state.runs, state.skipped, hanging.calls) == (1, {"busy": 2}, 1)


def test_a_result_after_the_deadline_is_discarded(scene: Scene, hanging: Orders) -> None:
    scene.collectors.run("completion")
    before = scene.collectors.snapshot

    hanging.release()
    until(lambda: not _reads("completion"), "the run that was left behind")

    assert scene.collectors.snapshot is before
    assert scene.collectors.snapshot.watched == {}


def test_a_collector_runs_again_when_the_run_that_hung_has_ended(scene: Scene, hanging: Orders) -> None:
    scene.collectors.run("completion")
    hanging.release()
    until(lambda: not _reads("completion"), "the run that was left behind")

    scene.collectors.run("completion")

    assert scene.collectors.snapshot.documents.value
    assert scene.telemetry.collectors()["completion"].runs == 2


def test_a_stop_ends_a_hanging_run_at_once_and_publishes_nothing_more(scene: Scene) -> None:
    scene.shorten(3600)
    orders = scene.orders("completion")
    orders.hang()
    running = threading.Thread(target=scene.collectors.run, args=["completion"])
    running.start()
    assert orders.entered.wait(30)

    scene.collectors.stop()
    running.join(30)

    assert not running.is_alive()
    orders.release()
    until(lambda: not _reads("completion"), "the run that was left behind")
    scene.collectors.conclude()
    assert scene.reports == []
    assert scene.telemetry.collectors()["completion"].runs == 0
    assert scene.collectors.snapshot.documents.value is None


def test_after_a_stop_no_source_is_read(scene: Scene) -> None:
    scene.collectors.stop()

    scene.collectors.run("completion")

    assert scene.orders("completion").calls == 0


# --- all of them ------------------------------------------------------------------------------------------------


def test_all_collectors_run_at_the_same_time(scene: Scene) -> None:
    for name in ("completion", "warehouse"):
        scene.orders(name).hang()
    running = threading.Thread(target=scene.collectors.run_all)
    running.start()

    both = [scene.orders(name).entered.wait(30) for name in ("completion", "warehouse")]
    scene.memory.release()
    running.join(30)

    assert both == [True, True]
    assert not running.is_alive()
    assert set(scene.verdicts().values()) == {Verdict.OK}


def test_waiting_for_all_publishes_nothing_before_every_collector_has_run() -> None:
    scene = Scene(by_processing_date(), wait_for_all=True)
    published = []
    for name in COLLECTORS:
        scene.collectors.run(name)
        published.append((len(scene.reports), scene.collectors.waiting_for))

    assert published == [(0, COLLECTORS[1:]), (0, COLLECTORS[2:]), (0, COLLECTORS[3:]), (1, ())]


def test_an_unexpected_error_is_raised_and_does_not_delay_other_collectors() -> None:
    scene = Scene(by_processing_date(), wait_for_all=True)
    scene.orders("completion").error = ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        scene.collectors.run("completion")
    for name in COLLECTORS[1:]:
        scene.collectors.run(name)

    assert len(scene.reports) == 1
    assert scene.reports[-1].phases[0].trigger_state in {TriggerState.UNKNOWN, TriggerState.NOT_EXPECTED}


def test_an_unexpected_error_ends_a_run_of_all_collectors(scene: Scene) -> None:
    scene.orders("completion").hang()
    scene.orders("heartbeats").error = ZeroDivisionError("a bug")
    scene.orders("completion").hang()

    with pytest.raises(ZeroDivisionError):
        scene.collectors.run_all()

"""Days with one fault each, minute by minute as the collectors see them: when it is said, and that it stays said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import TableRef
from exporter.model import Document, DocumentId, Entry, TriggerState, Verdict
from exporter.reconcile import reconcile
from testing.builders import DAY, DEFENSE, OFFENSE, ONE_DAY, PLAYER, UPCOMING_PLAYER, by_processing_date, on
from tests.reconcile.days import GAMES, Job, processing_day
from tests.reconcile.world import Offsets, Step, World, clock, watched_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from exporter.model import Report

Work = list[Job | Step]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and the verdict on a processor (or the trigger's state, if None) that must say so in time."""

    change: Callable[[Work], Work]
    shown: Verdict | TriggerState
    processor: str | None
    first: str
    last: str


def is_job(item: Job | Step, name: str) -> bool:
    return isinstance(item, Job) and item.name == name and item.data_date >= DAY - ONE_DAY


def changed(name: str, **changes: object) -> Callable[[Work], Work]:
    """The job of that processor differs."""

    def change(work: Work) -> Work:
        return [
            replace(item, **changes) if isinstance(item, Job) and is_job(item, name) else item  # type: ignore[arg-type] # fields of Job by name
            for item in work
        ]

    return change


def without(*names: str) -> Callable[[Work], Work]:
    """These processors do not run at all."""
    return lambda work: [item for item in work if not any(is_job(item, name) for name in names)]


def untriggered(work: Work) -> Work:
    return [
        item
        for item in work
        if isinstance(item, Job) and item.name not in {"zone_analysis", "daily_cache", "feature_store"}
    ]


def instead(name: str, *steps: Step) -> Callable[[Work], Work]:
    """In place of the processor's job, these steps."""
    return lambda work: [*without(name)(work), *steps]


def beats(name: str, *times: str) -> list[Step]:
    def beat(when: datetime) -> Step:
        return Step(when, lambda world: world.beat(name, "running", DAY - ONE_DAY, when))

    return [beat(on(time)) for time in times]


def overwrite(world: World) -> None:
    """A write without merge leaves only the entry of the one who wrote."""
    key = DocumentId("phase3_completion", DAY)
    old = world.documents[key]
    entries = {UPCOMING_PLAYER: old.entries[UPCOMING_PLAYER]}
    world.documents[key] = replace(old, entries=entries, update_time=on("15:05:10"))


def register_nothing(world: World) -> None:
    world.register(PLAYER, DAY, on("15:00:50"), 0)


def register_by_yesterday(world: World) -> None:
    key = DocumentId("phase3_completion", DAY - ONE_DAY)
    old = world.documents.get(key, Document())
    entry = Entry("success", on("15:00:50"), 245)
    world.documents[key] = replace(old, entries={**old.entries, PLAYER: entry})


FAULTS = {
    "it never runs": Fault(without(PLAYER), Verdict.MISSING, PLAYER, "16:30", "16:40"),
    "its entry is never written": Fault(
        changed(PLAYER, registered=None), Verdict.UNREGISTERED, PLAYER, "15:00:44", "15:12"
    ),
    "the entry of a critical one is never written": Fault(
        lambda work: untriggered(changed(PLAYER, registered=None)(work)),
        TriggerState.BLOCKED,
        None,
        "15:34:29",
        "15:36",
    ),
    "nobody triggers": Fault(untriggered, TriggerState.STUCK, None, "15:34:29", "15:36"),
    "it stops beating": Fault(
        instead(PLAYER, *beats(PLAYER, "14:52", "14:53", "14:54")), Verdict.STALLED, PLAYER, "15:09", "15:11"
    ),
    "it registers without a row": Fault(
        instead(PLAYER, Step(on("15:00:50"), register_nothing)), Verdict.PHANTOM, PLAYER, "16:30", "16:32"
    ),
    "it registers yesterday's document": Fault(
        lambda work: [*changed(PLAYER, registered=None)(work), Step(on("15:00:50"), register_by_yesterday)],
        Verdict.WRONG_DATE,
        PLAYER,
        "15:00:44",
        "15:12",
    ),
    "it writes rows for five of seven games": Fault(
        changed(PLAYER, rows=5 * 35), Verdict.PARTIAL, PLAYER, "15:00:44", "15:12"
    ),
    "it writes every row twice": Fault(changed(OFFENSE, rows=28), Verdict.DUPLICATED, OFFENSE, "15:00:10", "15:12"),
    "its entry is overwritten": Fault(
        lambda work: [*work, Step(on("15:05:10"), overwrite)], Verdict.LOST_UPDATE, DEFENSE, "15:05:10", "15:06:20"
    ),
}


def reports(fault: Fault) -> Iterator[Report]:
    healthy: Work = [item for item in processing_day(DAY) if item is not None]
    work = [item for item in fault.change(healthy) if not isinstance(item, Job) or item.written < on("18:00")]
    steps = [step for item in work for step in (item.steps() if isinstance(item, Job) else [item])]
    world = World(by_processing_date(), units=dict(GAMES))
    start = clock(DAY, "14:00:00")
    for step in sorted((step for step in steps if step.when < start), key=lambda step: step.when):
        step.act(world)
    later = [step for step in steps if step.when >= start]
    moments = [on(text) for text in ("15:10", "15:35", "16:30")]
    return watched_days(world, later, start, on("17:30"), Offsets(7, 22, 90), moments)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_reported_in_time_and_stays_reported(name: str) -> None:
    fault = FAULTS[name]
    shown: list[datetime] = []
    last: Verdict | TriggerState | None = None

    for report in reports(fault):
        phase = report.phases[0]
        verdicts = {item.processor: item.verdict for item in phase.processors}
        last = phase.trigger_state if fault.processor is None else verdicts[fault.processor]
        if last is fault.shown:
            shown.append(report.at)

    assert on(fault.first) <= shown[0] <= on(fault.last)
    assert last is fault.shown


def test_a_table_that_cannot_be_read_hides_only_its_own_processor() -> None:
    world = World(by_processing_date(), units=dict(GAMES))
    for item in processing_day(DAY):
        for step in item.steps() if isinstance(item, Job) else [item]:
            if step is not None:
                step.act(world)
    snapshot = world.snapshot(on("19:00"))
    lost = TableRef(f"nba.{DEFENSE}", "game_date", "processed_at")
    rows = {table: reading for table, reading in snapshot.rows.items() if table != lost}

    found = {
        item.processor: item.verdict
        for item in reconcile(world.config, replace(snapshot, rows=rows), on("19:00")).processors
    }

    assert {name for name, verdict in found.items() if verdict is not Verdict.OK} == {DEFENSE}
    assert found[DEFENSE] is Verdict.UNKNOWN

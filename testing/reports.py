"""Reports for tests of the presentation: days over sources in memory, and changes to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.model import Cause, Explanation, Report, RowCount, Snapshot, Standing
from exporter.reconcile import reconcile
from exporter.reconcile.season import Season
from testing.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    PHASE3,
    beat,
    config,
    heartbeat_name,
    on,
    phase,
    pipeline,
    processor,
)
from testing.collecting import PHASE3_DOCUMENT, Scene, healthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.resolved import Config
    from exporter.model import PhaseReport, ProcessorReport, Verdict

EXPLANATIONS = (
    Explanation(
        Cause.LOST_UPDATE,
        Standing.LIKELY,
        ("entries of one second stand beside it",),
        ("older entries are still there",),
    ),
    Explanation(Cause.NEVER_WRITTEN, Standing.POSSIBLE, ("no trace of a write",)),
    Explanation(Cause.BACKFILL, Standing.RULED_OUT, (), ("the newest run was no backfill",)),
)


def reported(scene: Scene) -> Report:
    """The report that the collectors conclude now."""
    scene.collectors.run_all()
    return scene.reports[-1]


def well() -> Scene:
    """Phase 3 alone with one processor, all well."""
    only = pipeline([phase("phase3", [processor(OFFENSE, offset=-1)])])
    scene = Scene(config(only))
    scene.register(OFFENSE)
    scene.memory.warehouse.rows = {DAY - ONE_DAY: RowCount(12, on("15:00"))}
    scene.memory.warehouse.units = {DAY - ONE_DAY: 6}
    return scene


def triggered() -> Scene:
    """A day on which everything is there, and the next phase was triggered."""
    scene = healthy()
    document = scene.memory.store.held[PHASE3_DOCUMENT]
    scene.memory.store.held[PHASE3_DOCUMENT] = replace(document, triggered=True, trigger_reason="all_complete")
    return scene


def overwritten() -> Scene:
    """A day on which all is well, and one entry was overwritten at 15:05 and written again at 15:06."""
    scene = triggered()
    whole = scene.memory.store.held[PHASE3_DOCUMENT]
    less = {name: entry for name, entry in whole.entries.items() if name != PHASE3[0]}
    for at, entries in (("15:04", whole.entries), ("15:05", less), ("15:06", whole.entries)):
        scene.clock.now = on(at)
        document = replace(whole, entries=entries, update_time=on(at))
        scene.memory.store.held[PHASE3_DOCUMENT] = document
        scene.collectors.run("completion")
    scene.clock.now = on("18:00")
    return scene


def seed_like() -> Scene:
    """Two of five never registered, one of them with a heartbeat for the day before."""
    scene = healthy()
    scene.register(*PHASE3[1:4])
    name = heartbeat_name(PHASE3[4])
    scene.memory.store.beats = {name: beat("completed", "11:00", DAY - ONE_DAY, document=name)}
    return scene


def changed(
    report: Report,
    *,
    of_phase: Callable[[PhaseReport], PhaseReport] = lambda phase: phase,
    of_processor: Callable[[ProcessorReport], ProcessorReport] = lambda processor: processor,
) -> Report:
    """The report with each of its phases and processors changed by these functions."""

    def changed_phase(one: PhaseReport) -> PhaseReport:
        return of_phase(replace(one, processors=tuple(map(of_processor, one.processors))))

    return replace(
        report,
        pipelines=tuple(
            replace(pipeline, phases=tuple(map(changed_phase, pipeline.phases))) for pipeline in report.pipelines
        ),
    )


def a_season(*names: str, verdict: Callable[[ProcessorReport], Verdict], gone: bool = False) -> Season:
    """Sixty days of these processors, each day with the verdict that the function gives."""
    dates = tuple(DAY - ONE_DAY * number for number in reversed(range(60)))
    of = config(pipeline([phase("phase3", [processor(name) for name in names])], bare=True), only=dates)
    report = reconcile(of, Snapshot(), on("18:00"))
    (judged,) = report.pipelines
    phases = tuple(
        replace(one, processors=tuple(replace(two, verdict=verdict(two)) for two in one.processors))
        for one in judged.phases
    )
    early = frozenset(("nba", "phase3", day) for day in dates[:30]) if gone else frozenset()
    return Season(replace(report, pipelines=(replace(judged, phases=phases),)), early)


def explained(report: Report) -> Report:
    """The report with explanations of everything that is not registered."""
    return changed(report, of_processor=lambda one: one if one.registered else replace(one, explanations=EXPLANATIONS))


def empty(of: Config) -> Report:
    """The report before anything was read."""
    return reconcile(of, Snapshot(), on("18:00"))

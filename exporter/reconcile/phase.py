"""One phase of one run date: what the records say of each processor, its verdict, and the trigger."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

from exporter.model import DocumentId, ErrorKind, Failure, Matter, PhaseReport, ProcessorReport, Verdict
from exporter.reconcile.evidence import (
    CALENDAR,
    DOCUMENT,
    HALTS,
    HEARTBEAT,
    PATIENCE,
    RUN_HISTORY,
    Evidence,
    Neighbour,
    countings,
    newest,
    registered,
    row_bounds,
    too_early,
)
from exporter.reconcile.explain import Scene, explanations, standing_entries
from exporter.reconcile.heartbeat import heartbeat_of
from exporter.reconcile.hints import hints
from exporter.reconcile.ran import log_source, succeeded_runs
from exporter.reconcile.removals import last_entry, last_reset, lately, overwritten
from exporter.reconcile.renamed import renamed
from exporter.reconcile.since import of_processor, of_trigger
from exporter.reconcile.trigger import WORST, Judged, trigger_of
from exporter.reconcile.units import noun_of
from exporter.reconcile.verdict import judge, too_few, too_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import PhaseConfig, PipelineConfig
    from exporter.model import (
        Document,
        Doubt,
        Entry,
        Explanation,
        Heartbeat,
        Hint,
        Removal,
        RowCount,
        Snapshot,
        Watched,
    )
    from exporter.reconcile.expectations import Obligation, PhaseDay
    from exporter.reconcile.runs import History
    from exporter.reconcile.units import UnitsOf


@dataclass(frozen=True)
class Shared:
    """Values that all processors of a phase share for one run date.

    `documents`: its completion document and those of the days before and after it, as far as they are known.
    `history`, `beats`: the pipeline's run history and heartbeats, if known. `calendar_doubt`: why the calendar may be
    wrong. `failures`: the result of `failures_of`.
    """

    snapshot: Snapshot
    run_date: date
    now: datetime
    documents: Mapping[date, Document]
    documents_read_at: datetime | None
    watched: Watched | None
    history: History | None
    beats: Mapping[str, Heartbeat | None] | None
    units: UnitsOf
    failures: Mapping[str, Failure | None]
    calendar_doubt: str | None = None

    @cached_property
    def losses(self) -> Mapping[str, Removal]:
        """The entries of the document that are lost and not restored, by name."""
        return self.watched.losses if self.watched else {}

    @cached_property
    def reset(self) -> tuple[datetime, datetime] | None:
        """When the document was last reset, and when the last sign of a run since came: the newest entry."""
        reset_at = last_reset(self.watched)
        return None if reset_at is None else (reset_at, max(reset_at, last_entry(self.watched) or reset_at))

    def again(self, phase: PhaseConfig, entry: Entry | None) -> tuple[datetime, datetime] | None:
        """From when and by when a processor without an entry registers again after a reset; None without one."""
        if entry is not None or self.reset is None:
            return None
        reset_at, last_sign = self.reset
        return reset_at, last_sign + (phase.trigger.grace if phase.trigger else PATIENCE)

    @cached_property
    def scene(self) -> Scene:
        """What explanations and the trigger look at besides single processors."""
        document, read = self.documents.get(self.run_date), self.snapshot
        standing = standing_entries(document)
        return Scene(self.now, document, self.watched, standing, read.followed_since, read.gaps, read.remembers)

    def entry(self, run_date: date, name: str) -> Entry | None:
        """The entry of this name in the document of this date."""
        document = self.documents.get(run_date)
        return document.entries.get(name) if document else None


class Processors:
    """The processors of a phase for one run date, and how each was judged last.

    For as long as nothing else changes (also not whether the run date's document can be read), one is judged again only
    if the documents say something else of it.
    """

    def __init__(self) -> None:
        """None was judged yet."""
        self._judged: Sequence[Judged] = ()
        self._scene: Scene | None = None

    def judge(self, pipeline: PipelineConfig, day: PhaseDay, shared: Shared) -> Sequence[Judged]:
        """Judge each, in the order of the obligations of `day`, which are always the same ones."""
        scene, losses = shared.scene, shared.losses
        entries, changed = scene.document.entries if scene.document else {}, scene != self._scene

        def same(e: Evidence) -> bool:
            """Whether the documents say of this processor what they said when it was judged."""
            name = e.obligation.processor.name
            entry = entries.get(name)
            return (
                (entry is e.entry or entry == e.entry)
                and (entry is not None or losses.get(name) == e.loss)
                and shared.again(day.phase, entry) == e.again
                and not (e.neighbours and any(one.entry != shared.entry(one.run_date, name) for one in e.neighbours))
            )

        def judged(obligation: Obligation, last: Judged | None) -> Judged:
            if last is None or not same(last.evidence):
                of_tables = [gather(pipeline, day.phase, one, shared) for one in obligation.of_each_table]
                return _worst(pipeline, day, of_tables, scene)
            said = explanations(last.evidence, last.verdict, scene) if changed else last.report.explanations
            if said == last.report.explanations:
                return last
            return Judged(last.evidence, last.verdict, replace(last.report, explanations=said))

        self._judged, self._scene = [*map(judged, day.obligations, self._judged or repeat(None))], scene
        return self._judged


def gather(pipeline: PipelineConfig, phase: PhaseConfig, obligation: Obligation, shared: Shared) -> Evidence:
    """Collect what the snapshot knows about this obligation."""
    snapshot, now, processor, dates = shared.snapshot, shared.now, obligation.processor, obligation.dates
    reading = snapshot.rows.get(processor.table)
    of_dates = reading.known(now) if reading else None
    rows = of_dates.get(dates.data_date) if of_dates is not None else None
    units = shared.units.of(obligation)
    runs = None if shared.history is None else shared.history.of(phase, obligation)
    has_document, document = phase.collection is not None, shared.documents.get(dates.run_date)
    entry = document.entries.get(processor.name) if document else None
    heartbeat, heartbeat_error = heartbeat_of(shared.beats, pipeline, obligation, entry, runs, now)
    # For a phase without completion documents, rows take the place of the entry.
    by_rows = None if rows is None else rows.rows > 0
    by_entry = registered(document, entry) if has_document else by_rows
    done = by_entry if obligation.asked else by_rows
    counts_agree = entry is None or rows is None or entry.record_count in {None, rows.rows}
    # Of several tables one evidence is kept for all: it shows what the documents say to any of them.
    unsuspicious = by_entry and done and counts_agree and not processor.more
    return Evidence(
        obligation=obligation,
        now=now,
        noun=noun_of(pipeline, processor),
        has_document=has_document,
        units=units.owed,
        document_known=document is not None,
        document_read_at=shared.documents_read_at,
        entry=entry,
        loss=shared.losses.get(processor.name) if entry is None else None,
        again=shared.again(phase, entry),
        heartbeat=heartbeat,
        heartbeat_error=heartbeat_error,
        rows=rows,
        rows_read_at=reading.read_at if reading else None,
        runs=runs,
        newest_run=newest([run for run in runs if not too_early(run.finished_at or run.started_at, obligation)], now)
        if runs
        else None,
        neighbours=() if unsuspicious else _neighbours(obligation, shared, of_dates or {}),
        dates=of_dates or {},
        nothing_owed=units.why_none,
        halts_known=units.halts_known,
        left_out=units.left_out,
        row_bounds=row_bounds(processor, units.owed, units.left_out),
        registered=by_entry,
        done=done,
        failures=shared.failures,
        rows_failure=reading.failure if reading else None,
        doubts=_doubts(snapshot, pipeline, phase, obligation) if snapshot.doubts else {},
        calendar_doubt=shared.calendar_doubt,
    )


def _neighbours(obligation: Obligation, shared: Shared, rows: Mapping[date, RowCount]) -> tuple[Neighbour, ...]:
    name = obligation.processor.name
    return tuple(
        [
            Neighbour(run_date, data_date, shared.entry(run_date, name), rows.get(data_date))
            for run_date, data_date in obligation.dates.neighbours
        ]
    )


def failures_of(
    snapshot: Snapshot, pipeline: PipelineConfig, phase: PhaseConfig, document: Document | None, now: datetime
) -> Mapping[str, Failure | None]:
    """Why the last attempts to read what decides whether and where a phase's processors register failed, by record.

    `document`: that of the run date, which can be there and have no entries that can be read.
    """
    if document and document.unreadable:
        unreadable: Failure | None = Failure(ErrorKind.INVALID, f"{document.unreadable} should hold the entries", now)
    else:
        unreadable = snapshot.documents.failure
    readings = {
        CALENDAR: snapshot.units.get(pipeline.name),
        HALTS: snapshot.halts.get(phase.halts) if phase.halts else None,
    }
    return {
        DOCUMENT: unreadable,
        **{record: reading.failure if reading else None for record, reading in readings.items()},
    }


def _doubts(
    snapshot: Snapshot, pipeline: PipelineConfig, phase: PhaseConfig, obligation: Obligation
) -> Mapping[str, Doubt]:
    """The records of this work that do not count, because a reading found less than before."""
    processor, data_date = obligation.processor, obligation.data_date
    keys: list[tuple[str, Matter, object]] = [
        (CALENDAR, Matter.UNITS, (pipeline.name, data_date)),
        (DOCUMENT, Matter.DOCUMENT, DocumentId(phase.collection or "", obligation.run_date)),
        (f"table {processor.table.name}", Matter.ROWS, (processor.table, data_date)),
        (RUN_HISTORY, Matter.RUNS, (pipeline.name, data_date)),
    ]
    if pipeline.heartbeats:
        collection = pipeline.heartbeats.collection
        keys += [(HEARTBEAT, Matter.HEARTBEAT, (collection, name)) for name in processor.heartbeats]
    return {record: snapshot.doubts[matter, key] for record, matter, key in keys if (matter, key) in snapshot.doubts}


def phase_report(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    following: PhaseDay | None,
    day: PhaseDay,
    judged: Sequence[Judged],
    scene: Scene,
) -> PhaseReport:
    """The phase's document of that day, and all its processors. `following`: the phase that it starts."""
    phase, now, document, watched = day.phase, scene.now, scene.document, scene.watched
    asked = [item.evidence for item in judged if item.evidence.obligation.asked]
    expected = None if any(e.units is None for e in asked) else [e for e in asked if e.units]
    trigger = trigger_of(snapshot, following, day, judged, scene)
    succeeded = succeeded_runs(judged)
    known = pipeline.registering(phase)
    others = known - phase.processors.keys()
    new_names = renamed(document, known, judged)
    back = tuple(one for one in overwritten(watched, now) if one.processor not in others)
    report = PhaseReport(
        pipeline=pipeline.name,
        phase=phase.name,
        run_date=day.run_date,
        mode=day.mode.name,
        modes=tuple(mode.name for mode in phase.modes),
        expected=None if expected is None else len(expected),
        registered=None if expected is None or document is None else sum(1 for e in expected if e.registered),
        unexpected=sum(name not in known for name in document.entries) if document else None,
        entries=len(document.entries) if document else None,
        completed_count=document.completed_count if document else None,
        countings=countings(document.entries, known) if document else (),
        removals=tuple(one for one in watched.removals if one.name not in others) if watched else (),
        malformed=_malformed(document),
        triggered=document.triggered if document else None,
        triggered_at=document.triggered_at if document else None,
        trigger_state=trigger.state if trigger else None,
        trigger_hints=trigger.hints if trigger else (),
        rule_met_at=trigger.rule_met_at if trigger else None,
        due=max((e.obligation.due for e in asked if e.units != 0), default=None),
        run_history_processors=None if succeeded is None else len({run.processor for run in succeeded}),
        log_source=log_source(snapshot, pipeline, day, [item.evidence for item in judged], succeeded, now),
        written_at=document.update_time if document else None,
        has_document=phase.collection is not None,
        completion=phase.completion,
        watched=watched is not None,
        processors=tuple([_named(item.report, new_names) for item in judged]),
        overwritten=back,
        overwritten_lately=len(lately(back, now)),
    )
    return replace(report, since=of_trigger(report))


def _worst(pipeline: PipelineConfig, day: PhaseDay, of_tables: Sequence[Evidence], scene: Scene) -> Judged:
    """What counts for a processor, of the evidence by each of its tables."""
    judged = [(judge(evidence), evidence) for evidence in of_tables]
    verdict, evidence = judged[0] if len(judged) == 1 else min(judged, key=lambda one: WORST.index(one[0]))
    report = _processor(pipeline, day, evidence, verdict, explanations(evidence, verdict, scene))
    since = of_processor(report, evidence.loss)
    return Judged(evidence, verdict, report if since is None else replace(report, since=since))


def _malformed(document: Document | None) -> int | None:
    if document is None:
        return None
    return len(document.malformed) + sum(len(entry.malformed) for entry in document.entries.values())


def _expected(evidence: Evidence) -> bool | None:
    if not evidence.obligation.asked:
        return False
    return None if evidence.units is None else evidence.units > 0


def _processor(
    pipeline: PipelineConfig, day: PhaseDay, e: Evidence, verdict: Verdict, said: tuple[Explanation, ...]
) -> ProcessorReport:
    obligation = e.obligation
    bounds = None if verdict is Verdict.NOT_EXPECTED and not obligation.asked else e.row_bounds
    return ProcessorReport(
        pipeline=pipeline.name,
        phase=day.phase.name,
        run_date=day.run_date,
        processor=obligation.processor.name,
        data_date=obligation.data_date,
        critical=obligation.processor.critical,
        due=obligation.due,
        rows_due=obligation.rows_due,
        expected=_expected(e),
        verdict=verdict,
        hints=hints(e, verdict),
        registered=e.registered if e.has_document else None,
        entry=e.entry,
        table=obligation.processor.table.name,
        table_rows=e.rows.rows if e.rows else None,
        written_at=e.rows.written_at if e.rows else None,
        rows_minimum=bounds[0] if bounds and e.covered is None else None,
        rows_maximum=int(bounds[1]) if bounds and math.isfinite(bounds[1]) else None,
        noun=e.noun,
        units=e.units,
        table_units=e.covered,
        duplicate_rows=e.rows.duplicates if e.rows else None,
        too_few=too_few(e),
        too_many=too_many(e),
        record_count_possible=e.record_count_possible,
        heartbeat=e.heartbeat,
        rows_read_at=e.rows_read_at,
        explanations=said,
        failed_at=(run.finished_at or run.started_at) if (run := e.newest_run) and run.status == "failed" else None,
        care=obligation.processor.care,
    )


def _named(report: ProcessorReport, new_names: Mapping[str, Hint]) -> ProcessorReport:
    """The report with the hint at the entry that may be of this processor, if there is one."""
    hint = new_names.get(report.processor)
    return report if hint is None else replace(report, hints=(hint, *report.hints))

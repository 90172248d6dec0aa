"""Snapshot in, report out: every exposed phase and processor judged at one moment. Pure and total."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from exporter.model import (
    AHEAD,
    CoverageReport,
    DocumentId,
    NextDue,
    PhaseLogReport,
    PipelineReport,
    Record,
    Report,
    Verdict,
)
from exporter.reconcile.calendar import calendar_of, relied_on
from exporter.reconcile.conditions import conditions_of, phase_conditions
from exporter.reconcile.expectations import NEIGHBOURS, kinds_of, phase_after, phase_day, run_dates
from exporter.reconcile.parts import Parts, Same
from exporter.reconcile.phase import Processors, Shared, failures_of, phase_report
from exporter.reconcile.runs import History
from exporter.reconcile.units import UnitsOf, units_of_pipeline
from exporter.reconcile.unusable import in_document, unusable_elsewhere
from exporter.reconcile.upcoming import near_dates, next_due

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig, PhaseLogConfig, PipelineConfig
    from exporter.model import Heartbeat, PhaseReport, Run, Snapshot, Watched
    from exporter.reconcile.conditions import PhaseAnswers
    from exporter.reconcile.expectations import Kinds, Obligation, PhaseDay
    from exporter.reconcile.parts import Part, Round

    Beats = Mapping[str, Heartbeat | None]

T = TypeVar("T")


def reconcile(config: Config, snapshot: Snapshot, now: datetime) -> Report:
    """Judge everything the snapshot holds, at `now`, for the run dates that are exposed then."""
    return Reconciler().reconcile(config, snapshot, now)


class Reconciler:
    """Reconciles one snapshot after another, each time only the parts that are not as they were the last time.

    A part is a phase of one run date. Its report is the same object as long as nothing of it changes.
    """

    def __init__(self) -> None:
        """There was no report yet."""
        self._parts = Parts()
        self._turns_at: datetime | None = None

    @property
    def turns_at(self) -> datetime | None:
        """When the last report turns into another one by time alone: a deadline passes, a heartbeat goes stale."""
        return self._turns_at

    def reconcile(self, config: Config, snapshot: Snapshot, now: datetime) -> Report:
        """Judge everything the snapshot holds, at `now`, for the run dates that are exposed then."""
        made = self._parts.begin(now, snapshot.documents.read_at)
        days = run_dates(config, now)
        pipelines = [_Pipeline(config, one, snapshot, made).report(days) for one in config.pipelines.values()]
        self._parts.end(made)
        self._turns_at = made.turns_at
        return Report(
            at=now,
            timezone=config.timezone.key,
            pipelines=tuple(pipelines),
            remembers=snapshot.remembers,
            every_state=config.every_state,
        )


class _Pipeline:
    """One pipeline in one round."""

    def __init__(self, config: Config, pipeline: PipelineConfig, snapshot: Snapshot, made: Round) -> None:
        now = made.now
        calendar = calendar_of(config, pipeline, snapshot, now)
        if pipeline.name in snapshot.units:
            relied = relied_on(snapshot.units[pipeline.name], calendar)
            snapshot = replace(snapshot, units={**snapshot.units, pipeline.name: relied})
        beats, runs = snapshot.heartbeats.get(pipeline.name), snapshot.runs.get(pipeline.name)
        self.config, self.pipeline, self.snapshot, self.calendar = config, pipeline, snapshot, calendar
        self.round, self.now = made, now
        self.documents = snapshot.documents.known(now)
        self.beats = beats.known(now) if beats else None
        self.runs = runs.known(now) if runs else None
        self.kinds: dict[str, Kinds] = self._part("kinds", (Same(config),), lambda _: {})
        self.days: dict[tuple[str, date], PhaseDay] = {}
        self.history = self._part("history", (Same(self.runs),), lambda _: _history(self.runs))
        self.common = self._part("common", self._behind_every_phase(), lambda _: Same(object()))

    def _part(self, key: Hashable, inputs: tuple[object, ...], make: Callable[[datetime], T]) -> T:
        return self._made(key, inputs, make).value

    def _made(self, key: Hashable, inputs: tuple[object, ...], make: Callable[[datetime], T]) -> Part[T]:
        part: Part[T] = self.round.part((self.pipeline.name, key), inputs)
        if not part.made:
            part.value, part.made = make(part.now), True
        return part

    def _behind_every_phase(self) -> tuple[object, ...]:
        """All that the report on a phase depends on, but for its documents and heartbeats."""
        read, name = self.snapshot, self.pipeline.name
        return (
            Same(self.config),
            Same(self.history),
            Same(read.rows),
            Same(read.halts),
            read.runs.get(name),
            read.phase_log.get(name),
            read.units,
            read.left_out,
            read.doubts,
            read.documents.failure,
            read.followed_since,
            read.gaps,
            read.remembers,
            self.calendar,
        )

    def report(self, days: Sequence[date]) -> PipelineReport:
        """The report on the pipeline for these run dates."""
        pipeline, snapshot, now = self.pipeline, self.snapshot, self.now
        in_use = [phase for phase in pipeline.phases.values() if _in_use(phase, snapshot, now)]
        judged = [self._phase(phase, run_date) for run_date in days for phase in in_use]
        heartbeats, units = pipeline.heartbeats, _units(snapshot, pipeline, now)
        beats_reading, count_reading = (
            snapshot.heartbeats.get(pipeline.name),
            snapshot.heartbeat_documents.get(pipeline.name),
        )
        data_dates = sorted({data_date for one in judged for data_date in one.data_dates})
        report = PipelineReport(
            pipeline=pipeline.name,
            phases=tuple(one.report for one in judged),
            coverage=_coverage(snapshot, pipeline, days, now),
            phase_log=_phase_log(snapshot, pipeline, pipeline.phase_log, days, now) if pipeline.phase_log else (),
            units={day: units.get(day) for day in data_dates} if pipeline.calendar else {},
            heartbeat_documents=count_reading.known(now) if count_reading else None,
            heartbeat_documents_warn=heartbeats.documents_warn if heartbeats else None,
            heartbeat_documents_critical=heartbeats.documents_critical if heartbeats else None,
            heartbeat_stale_after=heartbeats.stale_after if heartbeats else None,
            heartbeat_silent_after=heartbeats.silent_after if heartbeats else None,
            heartbeats_known=self.beats is not None,
            last_heartbeat_at=self._part("last beat", (Same(self.beats),), lambda at: _last_beat(self.beats, at)),
            run_history_known=self.runs is not None if pipeline.run_history else None,
            last_run_at=self._part("last run", (self.common,), lambda at: _last_run(pipeline, self.runs, at)),
            heartbeats_read_at=beats_reading.read_at if beats_reading else None,
            heartbeats_counted_at=count_reading.read_at if count_reading else None,
            documents_read_at=snapshot.documents.read_at,
            unusable=self._unusable(days),
            calendar=self.calendar,
            next_due=self._next_due(in_use),
        )
        return replace(report, conditions=conditions_of(report, now, [one.conditions for one in judged]))

    def _day(self, phase: PhaseConfig, run_date: date, name: str | None = None) -> PhaseDay:
        """What is expected of a phase. `name`: what this pipeline calls it, if it is one of another pipeline."""
        name, zone = name or phase.name, self.config.timezone

        def make(now: datetime) -> PhaseDay:
            kinds = self.kinds.get(name) or self.kinds.setdefault(name, kinds_of(phase))
            return phase_day(phase, run_date, now, zone, kinds)

        if (key := (name, run_date)) not in self.days:
            self.days[key] = self._part(("day", *key), (Same(self.config),), make)
        return self.days[key]

    def _phase(self, phase: PhaseConfig, run_date: date) -> _Judged:
        """A phase's report for one run date, made again only if anything that it depends on has changed."""
        day, collection = self._day(phase, run_date), phase.collection
        following = phase_after(self.config, self.pipeline, phase)
        then = None if following is None else self._day(following, run_date, phase.next)
        around = [run_date, *(run_date + shift for shift in NEIGHBOURS)]
        read = self.documents if self.documents and collection else {}
        found = {one: read.get(DocumentId(collection or "", one)) for one in around}
        documents = {one: document for one, document in found.items() if document and not document.unreadable}
        watched = self.snapshot.watched.get(DocumentId(collection, run_date)) if collection else None
        beats = self._part(
            ("beats", phase.name), (self.common, Same(self.beats)), lambda _: _own_beats(phase, self.beats)
        )

        own = found[run_date]
        behind = self.common, Same(day), beats, own is None, own and own.unreadable
        processors = self._made(("processors", phase.name, run_date), behind, lambda _: Processors())

        def make(now: datetime) -> _Judged:
            self.round.go_on(processors)
            shared = Shared(
                snapshot=self.snapshot,
                run_date=run_date,
                now=processors.now,
                documents=documents,
                documents_read_at=processors.read_at if collection else None,
                watched=watched,
                history=self.history,
                beats=beats,
                units=UnitsOf(self.snapshot, self.pipeline, phase, processors.now),
                failures=failures_of(self.snapshot, self.pipeline, phase, own, processors.now),
                calendar_doubt=self.calendar.why_unknown if self.calendar else None,
            )
            judged = processors.value.judge(self.pipeline, day, shared)
            report = phase_report(self.snapshot, self.pipeline, then, day, judged, replace(shared.scene, now=now))
            name = f"{self.config.firestore_root}/{collection}/{run_date}" if collection else None
            report = replace(report, then=self._deadline(then, now), document=name)
            return _Judged(report, phase_conditions(report, now), frozenset(one.data_date for one in report.processors))

        inputs = (Same(processors.value), Same(then), found, _remembered(watched))
        return self._part(("phase", phase.name, run_date), inputs, make)

    def _deadline(self, day: PhaseDay | None, now: datetime) -> NextDue | None:
        """When the phase is due in full for its run date; None if document and schedule ask for nothing."""
        if day is None:
            return None
        dues = [one.due for one in day.obligations if one.owed and one.processor.schedule.asks(day.run_date)]
        if not dues:
            return None
        due = max(dues)
        return NextDue(self.pipeline.name, day.phase.name, day.run_date, due, past=due <= now)

    def _unusable(self, days: Sequence[date]) -> Mapping[Record, tuple[str, ...]]:
        """Each unusable field and where it is, by kind of record. A kind that is unknown is left out."""
        found: dict[Record, tuple[str, ...]] = {}
        if self.documents is not None:
            collections = dict.fromkeys(one.collection for one in self.pipeline.phases.values() if one.collection)
            each = [self._in_document(DocumentId(collection, day)) for collection in collections for day in days]
            found[Record.DOCUMENTS] = tuple(text for of_document, _ in each for text in of_document)
            found[Record.ENTRIES] = tuple(text for _, of_entries in each for text in of_entries)
        others = self._part(
            "unusable",
            (self.common, Same(self.beats), tuple(days)),
            lambda now: unusable_elsewhere(self.snapshot, self.pipeline, self.beats, days, now),
        )
        return {**found, **others}

    def _in_document(self, key: DocumentId) -> tuple[list[str], list[str]]:
        document = (self.documents or {}).get(key)
        if document is None:
            return [], []
        return self._part(("unusable", key), (document,), lambda _: in_document(key, document))

    def _next_due(self, in_use: Sequence[PhaseConfig]) -> NextDue | None:
        snapshot, pipeline = self.snapshot, self.pipeline
        near = [self._day(phase, day) for day in near_dates(self.config, self.now) for phase in in_use]

        def make(now: datetime) -> NextDue | None:
            units = {phase.name: UnitsOf(snapshot, pipeline, phase, now) for phase in in_use}

            def owed(phase: PhaseConfig, one: Obligation) -> int | None:
                return units[phase.name].of(one).owed

            return next_due(self.config, pipeline, in_use, near, owed, now)

        return self._part("next", (self.common, *map(Same, near)), make)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A phase of one run date: its report, the conditions that it decides, and its processors' data dates."""

    report: PhaseReport
    conditions: PhaseAnswers
    data_dates: frozenset[date]


def _history(runs: Iterable[Run] | None) -> History | None:
    return None if runs is None else History(runs)


def _own_beats(phase: PhaseConfig, beats: Beats | None) -> Beats | None:
    """The heartbeats of the phase's processors."""
    if beats is None:
        return None
    names = [name for processor in phase.processors.values() for name in processor.heartbeats]
    return {name: beats[name] for name in names if name in beats}


def _remembered(watched: Watched | None) -> tuple[object, ...] | None:
    """What a report says of the memory of a document: not when it was last seen."""
    if watched is None:
        return None
    removed = {removal.name: watched.entries.get(removal.name) for removal in watched.removals}
    return watched.first_seen_at, watched.removals, removed


def _last_beat(beats: Beats | None, now: datetime) -> datetime | None:
    return _latest((beat.beat_at for beat in (beats or {}).values() if beat), now)


def _last_run(pipeline: PipelineConfig, runs: Iterable[Run] | None, now: datetime) -> datetime | None:
    # Processors of another pipeline can write into the same history.
    processors = (processor for phase in pipeline.phases.values() for processor in phase.processors.values())
    own = {name for processor in processors for name in processor.runs_as}
    return _latest((run.finished_at or run.started_at for run in runs or () if run.processor in own), now)


def _in_use(phase: PhaseConfig, snapshot: Snapshot, now: datetime) -> bool:
    """Whether the deployment has this phase. It has not if all tables of the phase are optional and unused."""
    for processor in (each for one in phase.processors.values() for each in one.of_each_table):
        reading = snapshot.rows.get(processor.table)
        rows = reading.known(now) if reading else None
        if not processor.table.optional or rows is None or any(counted.rows for counted in rows.values()):
            return True
    return False


def _latest(moments: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The latest moment that is not ahead of the clock. One ahead of it would hide all others until then."""
    known, limit = [moment for moment in moments if moment is not None], now + AHEAD
    latest = max(known, default=None)
    if latest is None or latest <= limit:
        return latest
    return max((moment for moment in known if moment <= limit), default=None)


def _phase_log(
    snapshot: Snapshot, pipeline: PipelineConfig, config: PhaseLogConfig, days: Sequence[date], now: datetime
) -> tuple[PhaseLogReport, ...]:
    reading = snapshot.phase_log.get(pipeline.name)
    log = reading.known(now) if reading else None

    def owed(run_date: date, transition: str) -> int | None:
        if not _leads_on(pipeline, transition, run_date):
            return 0
        known = units_of_pipeline(snapshot, pipeline, config, run_date, now, pipeline.schedule)
        return None if known is None else int(known > 0)

    return tuple(
        PhaseLogReport(
            pipeline=pipeline.name,
            run_date=day,
            transition=transition,
            rows=log.get((data_date, transition)) if log is not None else None,
            expected=owed(day, transition),
        )
        for day in days
        for data_date in (config.data_date(day),)
        for transition in config.transitions
    )


def _leads_on(pipeline: PipelineConfig, transition: str, run_date: date) -> bool:
    """Whether the phase that a transition leaves is scheduled on the run date, as far as its name tells."""
    left = [phase for phase in pipeline.phases.values() if transition.startswith(f"{phase.name}_to_")]
    return not left or any(phase.asks(run_date) for phase in left)


def _units(snapshot: Snapshot, pipeline: PipelineConfig, now: datetime) -> Mapping[date, int]:
    reading = snapshot.units.get(pipeline.name)
    return (reading.known(now) if reading else None) or {}


def _coverage(
    snapshot: Snapshot, pipeline: PipelineConfig, days: Sequence[date], now: datetime
) -> tuple[CoverageReport, ...]:
    found = []
    for check in pipeline.coverage.values():
        reading = snapshot.coverage.get((pipeline.name, check.name))
        counts = reading.known(now) if reading else None
        for day in days:
            data_date = check.data_date(day)
            found.append(
                CoverageReport(
                    pipeline=pipeline.name,
                    run_date=day,
                    data_date=data_date,
                    check=check,
                    counts=counts.get(data_date) if counts is not None else None,
                    expected=None
                    if (known := units_of_pipeline(snapshot, pipeline, check, day, now, check.schedule)) is None
                    else known > 0,
                )
            )
    return tuple(found)


DISCREPANCIES = (
    Verdict.LOST_UPDATE,
    Verdict.STALLED,
    Verdict.FAILED,
    Verdict.MISSING,
    Verdict.PHANTOM,
    Verdict.UNREGISTERED,
    Verdict.PARTIAL,
    Verdict.DUPLICATED,
    Verdict.COUNT_MISMATCH,
    Verdict.WRONG_DATE,
)
"""Verdicts that say something is wrong, worst first."""

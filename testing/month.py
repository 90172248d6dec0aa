"""A month of a pipeline with random incidents: what is written when follows from the seed alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from exporter.config.load import load
from exporter.model import (
    DocumentId,
    Entry,
    Run,
)
from exporter.reconcile.expectations import ONE_DAY, due_at
from testing.month_world import AWAY, BY_HAND, EARLIER, FIRST, GAMES, MINUTE, Incident, Kind, Work, World

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import date

    from exporter.config.resolved import PhaseConfig, ProcessorConfig
    from exporter.model import DocumentId as Key


class Month:
    """The month of one seed: what is written when, and what goes wrong."""

    def __init__(self, chance: random.Random, days: int) -> None:
        self.days = days
        self.config = load(preset="nba", environ={}).config
        self.incidents: list[Incident] = []
        self.plan: list[tuple[datetime, int, Callable[[World], None]]] = []
        self._numbers = count()
        self._chance = chance
        self._zone = self.config.timezone
        (self._pipeline,) = self.config.pipelines.values()
        free = {FIRST + ONE_DAY * number for number in range(days) if number % 9 == 5}
        self.units = {
            FIRST + ONE_DAY * number: 0 if FIRST + ONE_DAY * number in free else GAMES
            for number in range(-EARLIER - 3, days + 4)
        }
        for number in range(-EARLIER, days):
            self._day(FIRST + ONE_DAY * number)

    @property
    def start(self) -> datetime:
        """Midnight of its first day."""
        return self._local(FIRST, 0)

    def _local(self, day: date, hours: float) -> datetime:
        return datetime.combine(day, datetime.min.time(), self._zone).astimezone(UTC) + timedelta(hours=hours)

    def _at(self, moment: datetime, write: Callable[[World], None]) -> None:
        self.plan.append((moment, next(self._numbers), write))

    def _any_hour(self, day: date) -> datetime:
        return self._local(day, 0) + timedelta(seconds=self._chance.randrange(1200, 85_000))

    def _day(self, day: date) -> None:
        kind = self._chance.choice(list(Kind)) if day >= FIRST + ONE_DAY else None
        works = bool(self.units[day] and self.units[day - ONE_DAY])
        of = [
            (phase, processor)
            for phase in self._pipeline.phases.values()
            for processor in phase.processors.values()
            if _suits(kind, phase, processor)
        ]
        phase, faulty = self._chance.choice(of)
        if day + ONE_DAY >= FIRST + self.days * ONE_DAY or not works:
            kind = None
        for each in self._pipeline.phases.values():
            self._phase(each, day, kind if each is phase and kind not in BY_HAND else None, faulty)
        if kind in BY_HAND and kind is not None:
            self._by_hand(kind, day, phase, faulty)
        self._background(day)

    def _background(self, day: date) -> None:
        """What goes on in any case: the table of halts, the schedule during the games, another sport's runs."""
        halts = self._pipeline.all_halts[0].table.name
        calendar = self._pipeline.calendar
        history = self._pipeline.run_history
        assert calendar
        assert history

        def halt(world: World) -> None:
            world.halts_at = world.now
            world.changed(halts)

        self._at(self._local(day, 4), halt)
        for hour in range(24):
            self._at(self._local(day, hour + 0.1), lambda world: world.changed(calendar.table.name))
        for number in range(0 if self.units[day] else 99, 54):
            self._at(self._local(day, 19 + number / 12), lambda world: world.changed(calendar.table.name))
        for number in range(48):
            self._at(self._local(day, 8 + number / 3), lambda world: _streams(world, history.table.name))

    def _phase(self, phase: PhaseConfig, day: date, kind: Kind | None, faulty: ProcessorConfig) -> None:
        if not (self.units[day] and self.units[day - ONE_DAY]):
            # With games on one of the two days alone, some processors have work: leave it at whole days.
            self._partly(phase, day)
            return
        last = self._local(day, 0)
        for processor in phase.processors.values():
            mine = kind if processor is faulty else None
            last = max(last, self._run(phase, processor, day, mine))
        if phase.trigger and phase.collection:
            key = DocumentId(phase.collection, day)
            at = last + MINUTE * self._chance.uniform(1, 6)
            if kind is Kind.NOT_TRIGGERED:
                self._note(kind, at, day, phase, faulty)
            else:
                self._at(at, lambda world: world.change(key, triggered=True, triggered_at=world.now))

    def _partly(self, phase: PhaseConfig, day: date) -> None:
        for processor in phase.processors.values():
            if self.units[processor.data_date(day)]:
                self._run(phase, processor, day, None)
        if phase.trigger and phase.collection:
            key = DocumentId(phase.collection, day)
            at = due_at(next(iter(phase.processors.values())).due, day, self._zone)
            self._at(at, lambda world: world.change(key, triggered=True, triggered_at=world.now))

    def _run(self, phase: PhaseConfig, processor: ProcessorConfig, day: date, kind: Kind | None) -> datetime:
        """One processor's work on one day; returns when it ends."""
        due = due_at(processor.due, day, self._zone)
        end = due - MINUTE * self._chance.uniform(30, 150)
        start = end - MINUTE * self._chance.uniform(6, 25)
        data_date = processor.data_date(day)
        if self._chance.random() < 0.3:
            early = start - MINUTE * self._chance.uniform(60, 150)
            self._work(Work(processor, data_date, early, early + 7 * MINUTE, "failed"), phase, "failed")
        if kind is Kind.NOT_RUN:
            self._note(kind, due, day, phase, processor)
            return end
        if kind is Kind.FAILED:
            self._work(Work(processor, data_date, start, end, "failed"), phase, "failed")
            self._note(kind, end, day, phase, processor)
            return end
        if kind is Kind.HANGS:
            stops = start + MINUTE * self._chance.uniform(0, 20)
            self._work(Work(processor, data_date, start, None, beats_until=stops), phase, None)
            self._note(kind, start, day, phase, processor)
            return end
        self._work(Work(processor, data_date, start, end), phase, "success")
        rows = 0 if kind is Kind.NO_ROWS else _rows(processor, partial=kind is Kind.PARTIAL)
        if rows:
            self._at(end, lambda world: world.write(processor.table, data_date, rows))
        if phase.collection and kind is not Kind.NOT_REGISTERED:
            self._register(DocumentId(phase.collection, day), processor.name, end, rows)
        if kind in {Kind.NOT_REGISTERED, Kind.NO_ROWS, Kind.PARTIAL}:
            self._note(kind, due, day, phase, processor)
        if kind in {Kind.OVERWRITTEN, Kind.OVERWRITTEN_UNFOLLOWED}:
            self._overwrite(kind, phase, processor, day, due + MINUTE * self._chance.uniform(5, 600))
        return end

    def _work(self, work: Work, phase: PhaseConfig, status: str | None) -> None:
        processor, history = work.processor, self._pipeline.run_history
        assert history

        def start(world: World) -> None:
            for name in processor.heartbeats[:1]:
                world.work[name].append(work)

        def end(world: World) -> None:
            if processor.runs_as and status:
                run_id = f"{processor.runs_as[0]}-{work.start.timestamp()}"
                run = Run(
                    processor.runs_as[0], run_id, status, work.data_date, phase.run_history_phase, work.start, work.end
                )
                world.runs = (*(one for one in world.runs if one.data_date >= work.data_date - 9 * ONE_DAY), run)
                _streams(world, history.table.name)

        self._at(work.start, start)
        if work.end:
            self._at(work.end, end)

    def _register(self, key: Key, name: str, at: datetime, rows: int) -> None:
        def register(world: World) -> None:
            held = world.documents.get(key)
            entry = Entry("success", at, rows)
            entries = {**(held.entries if held else {}), name: entry}
            contents = {**(held.contents if held else {}), name: f"{name} {at}".encode()}
            world.change(key, entries=entries, contents=contents)

        self._at(at, register)

    def _overwrite(self, kind: Kind, phase: PhaseConfig, processor: ProcessorConfig, day: date, at: datetime) -> None:
        key = DocumentId(phase.collection or "", day)

        def overwrite(world: World) -> None:
            held = world.documents[key]
            entries = {name: entry for name, entry in held.entries.items() if name != processor.name}
            contents = {name: content for name, content in held.contents.items() if name != processor.name}
            world.change(key, entries=entries, contents=contents)

        self._at(at, overwrite)
        if kind is Kind.OVERWRITTEN_UNFOLLOWED:
            self._at(at - 7 * MINUTE, lambda world: world.listen(hears=False))
            self._at(at + 9 * MINUTE, lambda world: world.listen(hears=True))
        self._note(kind, at, day, phase, processor)

    def _by_hand(self, kind: Kind, day: date, phase: PhaseConfig, processor: ProcessorConfig) -> None:
        data_date = processor.data_date(day)
        at = self._any_hour(day + ONE_DAY)
        if kind in AWAY:
            at = self._any_hour(day)
            self._at(at, lambda world: world.leave(AWAY[kind], away=True))
            self._at(at + 35 * MINUTE, lambda world: world.leave(AWAY[kind], away=False))
        elif kind is Kind.DELETED_BY_HAND:
            self._at(at, lambda world: world.write(processor.table, data_date, 0))
        elif kind is Kind.NIGHT_RUN_HANGS:
            self._work(Work(processor, data_date, at, None, beats_until=at + 2 * MINUTE), phase, None)
        else:
            if kind is Kind.DOUBLED_BY_A_RUN:
                self._work(Work(processor, data_date, at - 12 * MINUTE, at), phase, "success")
            rows = 2 * _rows(processor, partial=False)
            self._at(at, lambda world: world.write(processor.table, data_date, rows, doubled=True))
        self._note(kind, at, day, phase, processor)

    def _note(self, kind: Kind, at: datetime, day: date, phase: PhaseConfig, processor: ProcessorConfig) -> None:
        self.incidents.append(Incident(kind, at, day, phase.name, processor.name))


def _suits(kind: Kind | None, phase: PhaseConfig, processor: ProcessorConfig) -> bool:
    """Whether this kind of fault can be one of this processor."""
    if kind in {Kind.NOT_REGISTERED, Kind.NO_ROWS, Kind.DELETED_BY_HAND}:
        return phase.collection is not None and phase.trigger is None
    if kind in {Kind.HANGS, Kind.NIGHT_RUN_HANGS, Kind.FAILED}:
        return bool(processor.heartbeats)
    if kind in {Kind.OVERWRITTEN, Kind.OVERWRITTEN_UNFOLLOWED}:
        return phase.collection is not None
    if kind is Kind.NOT_TRIGGERED:
        return phase.trigger is not None
    if kind in {Kind.PARTIAL, Kind.DOUBLED_BY_HAND, Kind.DOUBLED_BY_A_RUN}:
        counted = kind is Kind.PARTIAL and processor.table.units
        return bool(processor.table.key) and processor.rows_per_unit is not None and not counted
    return True


def _rows(processor: ProcessorConfig, *, partial: bool) -> int:
    each = round(processor.rows_per_unit.minimum) if processor.rows_per_unit else 3
    return GAMES * each // 2 if partial else GAMES * each


def _streams(world: World, table: str) -> None:
    world.changed(table)
    world.streamed_at[table] = world.now

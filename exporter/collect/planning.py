"""Keeps what the next reading of each collector is planned by: what the readings found, and when they began."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from exporter.collect.pace import (
    Plan,
    Situation,
    next_midnight,
    plan,
    quiet_interval,
    running,
)
from exporter.reconcile.moments import Now, Stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from datetime import datetime

    from exporter.collect.collector import Board, Collector
    from exporter.collect.pace import Readings, Seen
    from exporter.metrics.telemetry import Telemetry

BILLED = "bytes_billed"
_MOST_KNOWN = 100
"""How many times as many faults as there are now are remembered."""


class Planner:
    """The plans of the collectors of one configuration. `clock` is theirs."""

    def __init__(
        self, board: Board, collectors: Mapping[str, Collector], telemetry: Telemetry, clock: Callable[[], datetime]
    ) -> None:
        self._board = board
        self._collectors = collectors
        self._telemetry = telemetry
        self._clock = clock
        self._config = board.config
        self._adapts = board.config.collect.adapts
        self._began: dict[str, datetime] = {}
        self._billed: dict[str, float] = {}
        self._cost: dict[str, float] = {}
        self._running: tuple[Readings, Stretch, bool | None] | None = None
        self._deadlines: frozenset[datetime] = frozenset()
        self._faults: frozenset[Hashable] | None = None
        self._disagreed_at: datetime | None = None

    def begin(self, name: str, now: datetime) -> None:
        """A reading begins. Its values are to count until the next one by what is known before it."""
        self._began[name] = now
        self._collectors[name].interval = self._now(name, now, began=now).interval
        self._billed[name] = self._telemetry.total(BILLED)

    def end(self, name: str) -> None:
        """A reading has ended."""
        self._cost[name] = self._telemetry.total(BILLED) - self._billed[name]

    def concluded(self, at: datetime, seen: Seen, *, everything: bool) -> None:
        """Learn from a report: what is due, and its faults.

        `everything`: every collector had its turn, so that a fault that is new has just begun.
        """
        self._deadlines, faults = seen.due, seen.faults
        if self._faults is not None and not faults <= self._faults:
            self._disagreed_at = at
        if everything:
            # A fault that comes and goes is read again once.
            known = self._faults or frozenset()
            self._faults = faults | known if len(known) < _MOST_KNOWN * (len(faults) + 1) else faults

    @property
    def intervals(self) -> Mapping[str, timedelta]:
        """Every collector's interval in force: its next reading begins no later than this after its last one."""
        return {name: collector.interval for name, collector in self._collectors.items()}

    def interval_at(self, name: str) -> timedelta:
        """The interval at which a collector would go on by what is known now."""
        now = self._clock()
        return self._now(name, now, began=now).interval

    def next_at(self, name: str) -> datetime | None:
        """When the collector reads next, by what is known now; None before its first reading."""
        began = self._began.get(name)
        if began is None:
            return None
        planned = self._now(name, self._clock(), began=began, longest=self._collectors[name].interval).at
        again = self.repeat_at(name)
        return planned if again is None or again <= began else min(planned, again)

    def repeat_at(self, name: str) -> datetime | None:
        """When this collector has to read again before its turn, because it found less than before."""
        return self._board.settling.repeat_at(self._collectors[name].matters)

    def due(self, name: str) -> bool:
        """Whether the collector is to read now."""
        at = self.next_at(name)
        return at is None or at <= self._clock()

    def _now(self, name: str, now: datetime, *, began: datetime, longest: timedelta = timedelta.max) -> Plan:
        """The plan by what is known at `now` of a collector whose last reading began at `began`."""
        every = self._collectors[name].settings.every
        known = Situation(
            now=now,
            every=every,
            quiet=quiet_interval(self._config, name, every),
            began=began,
            adapts=self._adapts,
            failing=bool(self._telemetry.collectors()[name].failing),
            followed=self._board.snapshot.followed_since is not None,
            running=self._runs(now),
            deadlines=self._deadlines,
            midnight=next_midnight(self._config, began),
            disagreed_at=self._disagreed_at,
            left=self._telemetry.value("budget_remaining"),
            cost=self._cost.get(name, 0.0),
        )
        return plan(name, known, longest)

    def _runs(self, now: datetime) -> bool | None:
        """Whether any heartbeat says that something runs: asked again when they were read again, or time changes it."""
        readings = self._board.snapshot.heartbeats
        if self._running is None or self._running[0] is not readings or not self._running[1].holds(now):
            stretch = Stretch(now)
            self._running = readings, stretch, running(self._config, readings, Now.of(now, stretch))
        return self._running[2]

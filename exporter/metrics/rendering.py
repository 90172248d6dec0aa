"""Renders one report after another. What the reports have in common is rendered and compressed once.

The bytes are kept in pieces: for each phase of each run date, and for each family, the lines of its samples. A phase
that did not change is the same object in the next report, and its pieces are used again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.metrics.catalogue import (
    REPORT_FAMILIES,
    heartbeat_ages,
    phase_samples,
    pipeline_samples,
)
from exporter.metrics.exposition import Rendered, header, lines
from exporter.metrics.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime

    from exporter.metrics.catalogue import Out
    from exporter.metrics.samples import Family
    from exporter.model import PhaseReport, Report


T = TypeVar("T")
A = TypeVar("A")


class PerPhase(Generic[A, T]):
    """Makes a value of each phase of each run date; again only if its report or what comes with it is another one."""

    def __init__(self, make: Callable[[PhaseReport, A], T]) -> None:
        """`make`: the value of a phase's report and of what comes with it, which is compared by value."""
        self._make = make
        self._kept: dict[tuple[str, str, date], tuple[PhaseReport, A, T]] = {}

    def of(self, phases: Iterable[tuple[PhaseReport, A]]) -> list[T]:
        """The values of these phases in their order. Those of others are forgotten."""
        made: dict[tuple[str, str, date], tuple[PhaseReport, A, T]] = {}
        for phase, beside in phases:
            key = phase.pipeline, phase.phase, phase.run_date
            one = self._kept.get(key)
            if one is None or one[0] is not phase or one[1] != beside:
                one = phase, beside, self._make(phase, beside)
            made[key] = one
        self._kept = made
        return [value for _, _, value in made.values()]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The lines of some samples by family, and how many they are."""

    lines: Mapping[Family, bytes]
    series: int

    @classmethod
    def of(cls, add: Callable[[Out], None], before: Pieces | None = None) -> Pieces:
        """Those of the samples that `add` adds. A piece that is equal to that of `before` is the same object."""
        out: defaultdict[Family, list[tuple[str, float]]] = defaultdict(list)
        add(out)
        made = {family: lines(family, samples) for family, samples in out.items()}
        if before is not None:
            made = {family: old if (old := before.lines.get(family)) == new else new for family, new in made.items()}
        return cls(made, sum(map(len, out.values())))


class Renderer:
    """Renders reports, and keeps the pieces of the last one."""

    def __init__(self) -> None:
        """Nothing was rendered yet."""
        self._packer = Packer()
        self._pipelines: dict[str, Pieces] = {}
        self._phases = PerPhase(_pieces)
        self._ages = PerPhase(_ages)

    def render(self, report: Report) -> Rendered:
        """The same bytes as those of all samples of the report, in time that grows with what has changed."""
        self._pipelines = {
            one.pipeline: Pieces.of(
                partial(pipeline_samples, pipeline=one, zone=report.timezone), self._pipelines.get(one.pipeline)
            )
            for one in report.pipelines
        }
        form = report.every_state, report.timezone
        read = [(phase, one.heartbeats_read_at) for one in report.pipelines for phase in one.phases]
        pieces = [
            *self._pipelines.values(),
            *self._phases.of((phase, form) for phase, _ in read),
            *self._ages.of(read),
        ]
        families = [
            [header(family), *(one.lines[family] for one in pieces if family in one.lines)]
            for family in REPORT_FAMILIES
        ]
        return Rendered.of(families, sum(one.series for one in pieces), self._packer)


def _pieces(phase: PhaseReport, form: tuple[bool, str]) -> Pieces:
    every_state, zone = form
    return Pieces.of(partial(phase_samples, phase=phase, zone=zone, every_state=every_state))


def _ages(phase: PhaseReport, read_at: datetime | None) -> Pieces:
    return Pieces.of(partial(heartbeat_ages, phase=phase, read_at=read_at))

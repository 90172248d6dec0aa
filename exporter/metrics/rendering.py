"""Renders one report after another. What the reports have in common is rendered and compressed once.

The bytes are kept in pieces: for each phase of each run date, and for each family, the lines of its samples. A phase
that did not change is the same object in the next report, and its pieces are used again. Of one that did, only the
families are rendered again that have other samples now.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.metrics.catalogue import (
    REPORT_FAMILIES,
    heartbeat_ages,
    owner_samples,
    phase_samples,
    pipeline_samples,
)
from exporter.metrics.exposition import Rendered, header, lines
from exporter.metrics.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from exporter.metrics.samples import Family, Out, Samples
    from exporter.model import PhaseReport, Report

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Kept(Generic[A, T]):
    """What was made of a phase's report and of what came with it."""

    phase: PhaseReport
    beside: A
    value: T


class PerPhase(Generic[A, T]):
    """Makes a value of each phase of each run date; again only if its report or what comes with it is another one."""

    def __init__(self, make: Callable[[PhaseReport, A, Kept[A, T] | None], T]) -> None:
        """`make`: the value of a phase's report and of what comes with it, which is compared by value.

        It is also given what was made last of this phase and run date.
        """
        self._make = make
        self._kept: dict[tuple[str, str, date], Kept[A, T]] = {}

    def of(self, phases: Iterable[tuple[PhaseReport, A]]) -> list[T]:
        """The values of these phases in their order. Those of others are forgotten."""
        made: dict[tuple[str, str, date], Kept[A, T]] = {}
        for phase, beside in phases:
            key = phase.pipeline, phase.phase, phase.run_date
            one = self._kept.get(key)
            if one is None or one.phase is not phase or one.beside != beside:
                one = Kept(phase, beside, self._make(phase, beside, one))
            made[key] = one
        self._kept = made
        return [one.value for one in made.values()]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The lines of some samples by family, and how many they are."""

    lines: Mapping[Family, bytes]
    series: int

    @classmethod
    def of(cls, samples: Samples, before: Pieces | None = None) -> Pieces:
        """Those of these samples. A piece that is equal to that of `before` is the same object."""
        made = {family: lines(family, found) for family, found in samples.items() if found}
        if before is not None:
            made = {family: old if (old := before.lines.get(family)) == new else new for family, new in made.items()}
        return cls(made, _count(samples))


class Renderer:
    """Renders reports, and keeps the pieces of the last one."""

    def __init__(self) -> None:
        """Nothing was rendered yet."""
        self._packer = Packer()
        self._pipelines: dict[str, Pieces] = {}
        self._owners: PerPhase[None, Pieces] = PerPhase(_again(lambda out, phase, _: owner_samples(out, phase)))
        self._phases = PerPhase(_again(_phase))
        self._ages = PerPhase(_again(heartbeat_ages))

    def render(self, report: Report) -> Rendered:
        """The same bytes as those of all samples of the report, in time that grows with what has changed."""
        self._pipelines = {
            one.pipeline: Pieces.of(
                _added(partial(pipeline_samples, pipeline=one, zone=report.timezone)),
                self._pipelines.get(one.pipeline),
            )
            for one in report.pipelines
        }
        form = report.every_state, report.timezone
        read = [(phase, one.heartbeats_read_at) for one in report.pipelines for phase in one.phases]
        pieces = [
            *self._pipelines.values(),
            *self._owners.of((phase, None) for one in report.pipelines for phase in one.each_phase),
            *self._phases.of((phase, form) for phase, _ in read),
            *self._ages.of(read),
        ]
        families = {family: [header(family)] for family in REPORT_FAMILIES}
        for one in pieces:
            for family, piece in one.lines.items():
                families[family].append(piece)
        return Rendered.of([*families.values()], sum(one.series for one in pieces), self._packer)


def _added(add: Callable[[Out], None], families: Iterable[Family] = REPORT_FAMILIES) -> Samples:
    """The samples that `add` adds, at least those of these families."""
    out: Out = defaultdict(list, {family: [] for family in families})
    add(out)
    return out


def _count(samples: Samples) -> int:
    return sum(map(len, samples.values()))


def _phase(out: Out, phase: PhaseReport, form: tuple[bool, str]) -> None:
    phase_samples(out, phase, every_state=form[0], zone=form[1])


def _again(
    add: Callable[[Out, PhaseReport, A], None],
) -> Callable[[PhaseReport, A, Kept[A, Pieces] | None], Pieces]:
    """Makes the pieces of a phase: those of families again of which the samples that `add` adds have changed."""

    def make(phase: PhaseReport, beside: A, kept: Kept[A, Pieces] | None) -> Pieces:
        def samples(one: PhaseReport, families: Iterable[Family] = REPORT_FAMILIES) -> Samples:
            return _added(lambda out: add(out, one, beside), families)

        changed = _changed(kept.phase, phase) if kept and kept.beside == beside else None
        if kept is None or changed is None:
            return Pieces.of(samples(phase), kept.value if kept else None)
        # The samples of all other processors are as they were, so these show which families have changed.
        was, now = map(samples, changed)
        families = {family for family in was.keys() | now.keys() if was.get(family) != now.get(family)}
        again = samples(phase, families) if families else {}
        made = {family: lines(family, again[family]) for family in families if again[family]}
        same = {family: piece for family, piece in kept.value.lines.items() if family not in families}
        return Pieces(same | made, kept.value.series + _count(now) - _count(was))

    return make


def _changed(before: PhaseReport, phase: PhaseReport) -> tuple[PhaseReport, PhaseReport] | None:
    """Both with only those processors that changed; None if these are most of them, or all samples may be others."""
    # The message about a fault says when the next phase is due.
    if len(before.processors) != len(phase.processors) or before.then != phase.then:
        return None
    pairs = zip(before.processors, phase.processors, strict=True)
    changed = [(was, now) for was, now in pairs if was is not now and was != now]
    if 2 * len(changed) > len(phase.processors):
        return None
    were, are = (tuple(pair[side] for pair in changed) for side in (0, 1))
    return replace(before, processors=were), replace(phase, processors=are)

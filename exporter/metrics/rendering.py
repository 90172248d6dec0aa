"""Renders one report after another. What the reports have in common is rendered and compressed once.

The bytes are kept in pieces: for each phase of each run date, and for each family, the lines of its samples. A phase
that did not change is the same object in the next report, and its pieces are used again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from exporter.metrics.catalogue import (
    REPORT_FAMILIES,
    heartbeat_ages,
    phase_samples,
    pipeline_samples,
)
from exporter.metrics.exposition import Rendered, header, lines
from exporter.metrics.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from exporter.metrics.catalogue import Out
    from exporter.metrics.samples import Family
    from exporter.model import PhaseReport, PipelineReport, Report


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


@dataclass(frozen=True, slots=True)
class _Phase:
    """The pieces of a phase, and the ages of its heartbeats as they were `read_at`."""

    phase: PhaseReport
    pieces: Pieces
    read_at: datetime | None
    ages: Pieces


class Renderer:
    """Renders reports, and keeps the pieces of the last one."""

    def __init__(self) -> None:
        """Nothing was rendered yet."""
        self._packer = Packer()
        self._form: tuple[bool, str] = (False, "")
        self._phases: dict[tuple[str, str, str], _Phase] = {}
        self._pipelines: dict[str, Pieces] = {}

    def render(self, report: Report) -> Rendered:
        """The same bytes as those of all samples of the report, in time that grows with what has changed."""
        phases: dict[tuple[str, str, str], _Phase] = {}
        pipelines: dict[str, Pieces] = {}
        form = report.every_state, report.timezone
        kept = self._phases if form == self._form else {}
        pieces: list[Pieces] = []
        for pipeline in report.pipelines:
            before = self._pipelines.get(pipeline.pipeline)
            own = Pieces.of(partial(pipeline_samples, pipeline=pipeline, zone=report.timezone), before)
            pipelines[pipeline.pipeline] = own
            pieces.append(own)
            for phase in pipeline.phases:
                key = pipeline.pipeline, phase.phase, phase.run_date.isoformat()
                one = phases[key] = _rendered(kept.get(key), phase, pipeline, form)
                pieces += one.pieces, one.ages
        self._phases, self._pipelines, self._form = phases, pipelines, form
        families = [
            [header(family), *(one.lines[family] for one in pieces if family in one.lines)]
            for family in REPORT_FAMILIES
        ]
        return Rendered.of(families, sum(one.series for one in pieces), self._packer)


def _rendered(before: _Phase | None, phase: PhaseReport, pipeline: PipelineReport, form: tuple[bool, str]) -> _Phase:
    every_state, zone = form
    read_at = pipeline.heartbeats_read_at
    same = before if before is not None and before.phase is phase else None
    if same is not None and same.read_at == read_at:
        return same
    pieces = same.pieces if same else Pieces.of(partial(phase_samples, phase=phase, zone=zone, every_state=every_state))
    return _Phase(phase, pieces, read_at, Pieces.of(partial(heartbeat_ages, phase=phase, read_at=read_at)))

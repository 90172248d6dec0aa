"""A pipeline's run history, looked up by processor and data date."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from exporter.config.resolved import PhaseConfig
    from exporter.model import Run
    from exporter.reconcile.expectations import Obligation


class History:
    """A pipeline's run history by processor and data date. A look-up takes the same time for any number of runs."""

    def __init__(self, runs: Iterable[Run]) -> None:
        found: dict[str, dict[date, list[tuple[int, Run]]]] = {}
        for item in enumerate(runs):
            found.setdefault(item[1].processor, {}).setdefault(item[1].data_date, []).append(item)
        self._found: Mapping[str, Mapping[date, Sequence[tuple[int, Run]]]] = found

    def of(self, phase: PhaseConfig, obligation: Obligation) -> tuple[Run, ...]:
        """The runs of this obligation's processor for its data date, in this phase where the history names one."""
        days, own = obligation.dates.records, phase.run_history_phase
        by_day = [self._found.get(name, {}) for name in obligation.processor.runs_as]
        found = [item for one in by_day for day in days for item in one.get(day, ())]
        if len(found) > 1:
            # Keep the history's own order, which decides between runs that began at the same moment.
            found = sorted(dict(found).items(), key=itemgetter(0))
        return tuple([run for _, run in found if run.phase is None or own is None or run.phase == own])

"""One collection without a scheduler: what `check` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.collect.collectors import Collectors
from exporter.memory.documents import Memory
from exporter.metrics.catalogue import report_samples
from exporter.metrics.live import live_samples
from exporter.metrics.telemetry import Telemetry
from exporter.present.outages import began

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from exporter.config.load import Loaded
    from exporter.metrics.samples import Samples
    from exporter.model import Report
    from exporter.sources.ports import Sources


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report of one collection, and the exporter's own series beside it.

    `unread`: the collectors that could not read all they were to read, each with the reasons.
    """

    report: Report
    live: Samples
    unread: Mapping[str, str] = field(default_factory=dict)


def collect_once(
    loaded: Loaded, open_sources: Callable[[Loaded, Telemetry], Sources], clock: Callable[[], datetime]
) -> Outcome:
    """Run every collector once and reconcile. A source that fails leaves its part of the report unknown."""
    telemetry = Telemetry()
    reports: list[Report] = []
    sources = open_sources(loaded, telemetry)
    # Use what an exporter that runs at the same time remembers.
    memory = Memory(loaded.config.ledger, telemetry, read_only=True, shapes=loaded.config.completions)
    collectors = Collectors(loaded.config, sources, telemetry, clock, reports.append, memory=memory, wait_for_all=True)
    try:
        collectors.run_all()
        report = reports[-1]
        live = one_pass_samples(loaded, telemetry, report, report_samples(report), report.at)
    finally:
        sources.close()
        memory.close()
    return Outcome(report, live, telemetry.unread())


def one_pass_samples(
    loaded: Loaded, telemetry: Telemetry, report: Report, of_report: Samples, loaded_at: datetime
) -> Samples:
    """The exporter's own series, for passes without a service."""
    collect = loaded.config.collect
    return live_samples(
        telemetry,
        intervals={name: getattr(collect, name).every.total_seconds() for name in telemetry.collectors()},
        report_at=report.at,
        series=sum(map(len, of_report.values())),
        config_source=loaded.source,
        config_hash=loaded.digest,
        reload_ok=True,
        reloaded_at=loaded_at,
        began=began(report, telemetry.unread()),
        zone=report.timezone,
    )

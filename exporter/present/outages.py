"""What could not be read: every outage once, however many collectors, phases and processors it leaves unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind, Since, Verdict
from exporter.present.over import after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.model import ProcessorReport, Report

SOURCES: Final = {
    "completion": "Firestore",
    "heartbeats": "Firestore",
    "heartbeat_count": "Firestore",
    "warehouse": "BigQuery",
}
"""The source of each collector, as people call it."""
SILENT: Final = frozenset({ErrorKind.UNREACHABLE, ErrorKind.PERMISSION_DENIED, ErrorKind.TIMEOUT, ErrorKind.QUOTA})
"""The reasons of a source that gives no answer at all; others are about one table or query."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A source that could not be read in full. `since`: since its last good reading, if there was one."""

    source: str
    reasons: str
    since: Since | None
    collectors: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In words."""
        return f"not all of {self.source} could be read ({self.reasons})"

    @property
    def about(self) -> str:
        """What its alert is about."""
        reasons = {*self.reasons.split(", ")}
        spent, silent = reasons == {ErrorKind.BUDGET}, reasons <= SILENT
        return "budget_exhausted" if spent else "source_unreachable" if silent else "collector_failing"

    @property
    def after(self) -> str:
        """What becomes of it after the repair."""
        return after(self.about, source=self.source.lower())


def outages(report: Report, unread: Mapping[str, str] | None) -> list[Outage]:
    """The outages. `unread`: the collectors that could not read everything, each with the reasons."""
    if not unread:
        return []
    together: dict[tuple[str, str], list[str]] = {}
    for name, reasons in unread.items():
        together.setdefault((SOURCES.get(name, name), reasons), []).append(name)
    read = _last_read(report)
    found = []
    for (source, reasons), names in together.items():
        times = [at for name in names if (at := read.get(name)) is not None]
        # A source that gives no answer gave its last one to the collector that read last, however slow the others are.
        last = max if {*reasons.split(", ")} <= SILENT else min
        found.append(Outage(source, reasons, Since(last(times)) if times else None, tuple(names)))
    return found


def began(report: Report, unread: Mapping[str, str] | None) -> list[tuple[dict[str, str], Since]]:
    """Since when each fault of the exporter or of its sources has been there, by the labels of its series."""
    # One of each: a listener is down for every pipeline.
    own = {one.condition: one.since for one in report.own if one.holds and one.since}
    found = [({"about": str(about), "source": "", "collector": ""}, since) for about, since in own.items()]
    there = [one for one in outages(report, unread) if one.since]
    for one in there:
        # Of one source its earliest, which the sentence tells too.
        alike = [other.since for other in there if (other.source, other.about) == (one.source, one.about)]
        at = min(filter(None, alike), key=lambda since: since.at)
        labels = {"about": one.about, "source": one.source.lower()}
        found += [({**labels, "collector": name}, at) for name in one.collectors]
    return found


def _last_read(report: Report) -> dict[str, datetime | None]:
    """When each collector last read everything, as far as the report knows."""
    documents = [one.documents_read_at for one in report.pipelines if one.documents_read_at]
    phases = [phase for one in report.pipelines for phase in one.phases]
    rows = [one.rows_read_at for phase in phases for one in phase.processors if one.rows_read_at]
    beats = [one.heartbeats_read_at for one in report.pipelines if one.heartbeats_read_at]
    counts = [one.heartbeats_counted_at for one in report.pipelines if one.heartbeats_counted_at]
    return {
        "completion": min(documents, default=None),
        "heartbeats": min(beats, default=None),
        "heartbeat_count": min(counts, default=None),
        "warehouse": min(rows, default=None),
    }


def shared_reasons(report: Report) -> tuple[str, ...]:
    """The reasons that leave more than one processor unknown: they are given once, and not for each processor."""
    unknown = (one for one in report.processors if one.verdict is Verdict.UNKNOWN)
    counts = Counter(hint.text for one in unknown for hint in one.hints)
    return tuple(text for text, number in counts.items() if number > 1)


def own_hints(processor: ProcessorReport, shared: tuple[str, ...]) -> list[str]:
    """The processor's hints, without the reasons that others have too if it is unknown."""
    texts = [hint.text for hint in processor.hints]
    return [text for text in texts if text not in shared] if processor.verdict is Verdict.UNKNOWN else texts

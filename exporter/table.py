"""The report for a terminal: processor x Firestore x heartbeat x BigQuery x verdict, and the hints below."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from exporter.model import HeartbeatState, TriggerState, Verdict
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from rich.console import RenderableType

    from exporter.model import PhaseReport, ProcessorReport, Report

STYLES = {
    Verdict.OK: "green",
    Verdict.UNKNOWN: "magenta",
    Verdict.RUNNING: "cyan",
    Verdict.NOT_EXPECTED: "dim",
    Verdict.NOT_DUE: "dim",
    Verdict.BACKFILL: "dim",
    Verdict.WRONG_DATE: "yellow",
    **dict.fromkeys(DISCREPANCIES[:6], "bold red"),
    **dict.fromkeys((Verdict.PARTIAL, Verdict.DUPLICATED, Verdict.COUNT_MISMATCH), "yellow"),
}
BAD_TRIGGERS = frozenset({TriggerState.STUCK, TriggerState.BLOCKED})
WIDTH = 100
LONGEST_UNBROKEN = 36
"""Names up to this length stay on one line, to be copied; longer ones would push the verdict off a terminal."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def print_report(
    report: Report, stream: IO[str], unread: Mapping[str, str] | None = None, *, width: int | None = None
) -> None:
    """Print the report; in colour only where the stream is a terminal and NO_COLOR is not set.

    `unread`: the collectors that could not read all they were to read, each with the reasons.
    """
    shown = width or (None if stream.isatty() else WIDTH)
    render_report(report, Console(file=stream, highlight=False, width=shown), unread)


def render_report(report: Report, console: Console, unread: Mapping[str, str] | None = None) -> None:
    """Print the report on a console."""
    console.print(_text(summary(report, unread), "bold"))
    for phase in report.phases:
        console.print()
        console.print(_phase(phase))


def report_text(report: Report, unread: Mapping[str, str] | None = None) -> str:
    """What `print_report` prints, without colour."""
    stream = io.StringIO()
    print_report(report, stream, unread)
    return stream.getvalue()


def summary(report: Report, unread: Mapping[str, str] | None = None) -> str:
    """One sentence: how the pipeline is."""
    wrong = [processor for processor in report.processors if processor.verdict in DISCREPANCIES]
    unknown = sum(processor.verdict is Verdict.UNKNOWN for processor in report.processors)
    triggers = [phase for phase in report.phases if phase.trigger_state in BAD_TRIGGERS]
    parts = []
    if wrong:
        counts: dict[str, int] = {}
        for processor in wrong:
            counts[processor.verdict] = counts.get(processor.verdict, 0) + 1
        parts.append(", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    parts += [f"the trigger of {phase.phase} {phase.run_date} is {phase.trigger_state}" for phase in triggers]
    if unknown:
        parts.append(f"{unknown} unknown")
    if unread:
        parts.append(f"not all could be read: {', '.join(f'{name} ({why})' for name, why in unread.items())}")
    if not parts:
        return f"All well: {len(report.processors)} processors checked, no discrepancy."
    return f"{'Discrepancies' if wrong or triggers else 'Cannot tell'}: {'; '.join(parts)}."


def _phase(phase: PhaseReport) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    short_names = all(len(processor.processor) <= LONGEST_UNBROKEN for processor in phase.processors)
    table.add_column("Processor", overflow="fold", no_wrap=short_names)
    for column in ("Firestore", "Heartbeat", "BigQuery"):
        table.add_column(column, overflow="fold")
    table.add_column("Verdict", no_wrap=True)
    for processor in phase.processors:
        verdict = Text(processor.verdict, style=STYLES[processor.verdict])
        table.add_row(
            Text(processor.processor), _registered(phase, processor), _heartbeat(processor), _rows(processor), verdict
        )
    parts: list[RenderableType] = [_text(_title(phase), "bold"), table]
    for processor in phase.processors:
        if processor.hints and processor.verdict not in {Verdict.NOT_EXPECTED, Verdict.OK}:
            parts.append(Text(f"{processor.processor}: {processor.verdict}", style=STYLES[processor.verdict]))
            parts += [Padding(_text(f"- {hint.text}"), (0, 0, 0, 2), expand=False) for hint in processor.hints]
    return Group(*parts)


def _text(text: str, style: str = "") -> Text:
    """A text that can quote what a document says: what a terminal would act on is shown, not sent to it."""
    return Text(_UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text), style=style)


def _title(phase: PhaseReport) -> str:
    known = "?" if phase.expected is None else str(phase.expected)
    registered = "?" if phase.registered is None else str(phase.registered)
    count = f": {registered} of {known} registered" if phase.has_document else ""
    trigger = f", trigger {phase.trigger_state}" if phase.trigger_state else ""
    why = f" ({'; '.join(hint.text for hint in phase.trigger_hints)})" if phase.trigger_hints else ""
    return f"{phase.pipeline} {phase.phase} {phase.run_date} [{phase.mode}]{count}{trigger}{why}"


def _registered(phase: PhaseReport, processor: ProcessorReport) -> Text:
    if not phase.has_document:
        return Text("-", style="dim")
    if processor.registered is None:
        return Text("unknown", style="magenta")
    if not processor.registered:
        return Text("not registered")
    count = "?" if processor.record_count is None else str(processor.record_count)
    return Text(f"registered {count}")


def _heartbeat(processor: ProcessorReport) -> Text:
    beat = processor.heartbeat
    match beat.state:
        case HeartbeatState.ABSENT:
            return Text("none", style="dim")
        case HeartbeatState.OTHER_DATE if beat.data_date is not None:
            return _text(f"{beat.status} for {beat.data_date:%m-%d}", "dim")
        case _:
            return Text(beat.state)


def _rows(processor: ProcessorReport) -> Text:
    if processor.table_rows is None:
        return Text("unknown", style="magenta")
    return Text(f"{processor.table_rows} rows")

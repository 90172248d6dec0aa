"""The report for a terminal: a sentence, then the phases with faults in detail, then a line for each other phase."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from exporter.messages.secrets import Masked
from exporter.model import HeartbeatState, Standing, Verdict
from exporter.present.summary import QUIET, Health, summarize, tally, urgency, well, worst_first
from exporter.present.words import (
    BAD_TRIGGERS,
    CAUSES,
    OVERWRITTEN,
    STANDINGS,
    TRIGGERS,
    WORDS,
    Moments,
    bigquery,
    firestore,
    heartbeat,
    registered,
    shown,
    trigger_reason,
    without_memory,
)
from exporter.reconcile import DISCREPANCIES
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from exporter.model import Explanation, PhaseReport, ProcessorReport, Report

STYLES: Final = {
    Verdict.OK: "green",
    Verdict.UNKNOWN: "magenta",
    **dict.fromkeys(QUIET, "dim"),
    **dict.fromkeys(DISCREPANCIES[:6], "bold red"),
    **dict.fromkeys(DISCREPANCIES[6:], "yellow"),
    Verdict.RUNNING: "cyan",
}
HEALTHS: Final = {Health.WRONG: "bold red", Health.UNKNOWN: "bold magenta", Health.WELL: "bold green"}
COLUMNS: Final = ("Firestore", "Heartbeat", "BigQuery")
WIDTH: Final = 100
"""The width of output that goes to no terminal."""
NARROW: Final = 72
"""In narrower output, the records are under the processor instead of beside it."""
LONGEST_UNBROKEN: Final = 28
"""Names up to this length stay on one line, so that they can be copied. Longer ones would hide the verdict."""


def render_report(report: Report, console: Console, unread: Mapping[str, str] | None = None) -> None:
    """Print the report on a console."""
    moments = Moments.of(report)
    if warning := without_memory(report):
        console.print(Text(warning, "yellow"))
    console.print(sentence(report, unread))
    ordered = sorted(report.phases, key=urgency)
    for phase in (phase for phase in ordered if not well(phase)):
        console.print()
        console.print(_phase(phase, moments, narrow=console.width < NARROW))
    rest = [phase for phase in ordered if well(phase)]
    if rest:
        console.print()
    for phase in rest:
        console.print(_line(phase))
        for part in _overwritten(phase):
            console.print(part)


def sentence(report: Report, unread: Mapping[str, str] | None = None) -> Text:
    """The sentence at the top."""
    summary = summarize(report, unread)
    style = HEALTHS[summary.health]
    return Text(" ").join(
        Text(shown(text), style if name == "what" else "bold" if name == "first" else "")
        for name, text in summary.clauses()
    )


def report_text(
    report: Report, unread: Mapping[str, str] | None = None, *, terminal: bool = False, width: int | None = None
) -> Masked:
    """The report. `terminal`: as wide as the terminal unless `width` is given, and in colour unless NO_COLOR is set.

    `unread`: the collectors that could not read everything, each with the reasons.
    """
    return in_text(
        lambda console: render_report(report, console, unread),
        terminal=terminal,
        width=width or (None if terminal else WIDTH),
    )


def in_text(render: Callable[[Console], None], *, terminal: bool, width: int | None) -> Masked:
    """The output of `render`, without secrets; in colour on a terminal unless NO_COLOR is set."""
    stream = io.StringIO()
    render(Console(file=stream, force_terminal=terminal, highlight=False, width=width))
    return Masked(stream.getvalue())


def _line(phase: PhaseReport) -> Text:
    """A phase without discrepancy."""
    counts = ", ".join(f"{number:,} {verdict}" for verdict, number in tally(phase.processors).items())
    trigger = f"trigger {phase.trigger_state}" if phase.trigger_state else ""
    said = ", ".join(part for part in (registered(phase), counts, trigger) if part)
    return Text.assemble((f"{_name(phase)}: ", "bold"), shown(said))


def _phase(phase: PhaseReport, moments: Moments, *, narrow: bool) -> RenderableType:
    processors = worst_first(phase.processors)
    parts: list[RenderableType] = [*_head(phase, moments)]
    parts += [_stacked(phase, processors)] if narrow else [_table(phase, processors)]
    for processor in processors:
        parts += _below(processor)
    return Group(*parts)


def _name(phase: PhaseReport) -> str:
    return shown(f"{phase.pipeline} {phase.phase} {phase.run_date} [{phase.mode}]")


def _head(phase: PhaseReport, moments: Moments) -> Iterator[RenderableType]:
    count = registered(phase)
    due = f"deadline {moments.both(phase.due)}, {moments.away(phase.due)}" if phase.due else ""
    said = ", ".join(part for part in (count, due) if part)
    yield Text.assemble((_name(phase), "bold"), f": {said}" if said else "")
    state = phase.trigger_state
    if state:
        reason = trigger_reason(phase)
        words = TRIGGERS.get(state)
        first = f"; first: {words.first} ({alert_of(state).runbook})" if words else ""
        style = "bold red" if state in BAD_TRIGGERS else ""
        yield Text.assemble("trigger ", (state.value, style), f": {reason}" if reason else "", first)
    yield from _overwritten(phase)


def _overwritten(phase: PhaseReport) -> Iterator[RenderableType]:
    if phase.overwritten:
        yield Text(f"{OVERWRITTEN}:", "yellow")
    for found in phase.overwritten:
        yield _item(found.text, 2)


def _table(phase: PhaseReport, processors: Sequence[ProcessorReport]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    short_names = all(len(processor.processor) <= LONGEST_UNBROKEN for processor in processors)
    table.add_column("Processor", overflow="fold", no_wrap=short_names)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    table.add_column("Verdict", no_wrap=True)
    for processor in processors:
        verdict = Text(processor.verdict, style=STYLES[processor.verdict])
        table.add_row(Text(shown(processor.processor)), *_records(phase, processor), verdict)
    return table


def _stacked(phase: PhaseReport, processors: Sequence[ProcessorReport]) -> Group:
    lines: list[RenderableType] = []
    for processor in processors:
        lines.append(
            Text.assemble(shown(processor.processor), ": ", (processor.verdict.value, STYLES[processor.verdict]))
        )
        records = Text("; ").join(
            Text.assemble(f"{column} ", record)
            for column, record in zip(COLUMNS, _records(phase, processor), strict=True)
        )
        lines.append(Padding(records, (0, 0, 0, 2), expand=False))
    return Group(*lines)


def _records(phase: PhaseReport, processor: ProcessorReport) -> tuple[Text, Text, Text]:
    elsewhere = {HeartbeatState.ABSENT, HeartbeatState.OTHER_DATE}
    return (
        _dimmed(firestore(phase, processor), when=not phase.has_document),
        _dimmed(heartbeat(processor), when=processor.heartbeat.state in elsewhere),
        _dimmed(bigquery(processor), when=False),
    )


def _dimmed(text: str, *, when: bool) -> Text:
    return Text(text, "magenta" if text == "unknown" else "dim" if when else "")


def _below(processor: ProcessorReport) -> Iterator[RenderableType]:
    """The first thing to do, the hints, and the explanations of a missing registration."""
    verdict = processor.verdict
    words = WORDS.get(verdict)
    if not (words or processor.explanations or verdict is Verdict.UNKNOWN):
        return
    first = f"; first: {words.first}" if words else ""
    yield Text.assemble((f"{shown(processor.processor)}: {verdict}", STYLES[verdict]), first)
    for hint in processor.hints:
        yield _item(hint.text, 2)
    if processor.explanations:
        yield Padding(Text("why it may be missing, the likeliest first:"), (0, 0, 0, 2), expand=False)
    for number, explanation in enumerate(_open(processor), start=1):
        said = f"{number}. {STANDINGS[explanation.standing]}: {CAUSES[explanation.cause]}"
        yield Padding(Text(said), (0, 0, 0, 4), expand=False)
        for side, texts in (("for", explanation.supports), ("against", explanation.contradicts)):
            for text in texts:
                yield _item(f"{side}: {text}", 7)
    ruled_out = [CAUSES[one.cause] for one in processor.explanations if one.standing is Standing.RULED_OUT]
    if ruled_out:
        yield Padding(Text(f"{STANDINGS[Standing.RULED_OUT]}: {'; '.join(ruled_out)}"), (0, 0, 0, 4), expand=False)
    if words:
        yield _item(f"runbook: {alert_of(verdict).runbook}", 2)


def _open(processor: ProcessorReport) -> list[Explanation]:
    """The explanations that are not ruled out. The others are in the JSON, on the page and in `explain`."""
    return [one for one in processor.explanations if one.standing is not Standing.RULED_OUT]


def _item(text: str, indent: int) -> RenderableType:
    item = Table.grid(padding=(0, 1, 0, 0))
    item.add_row("-", Text(shown(text), overflow="fold"))
    return Padding(item, (0, 0, 0, indent), expand=False)

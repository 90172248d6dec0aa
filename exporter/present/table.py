"""The report for a terminal: a sentence, then the phases with faults in detail, then a line for each other phase."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from exporter.messages.secrets import Masked
from exporter.model import HeartbeatState, Verdict
from exporter.present.beside import beside, notes
from exporter.present.opened import first_runbook
from exporter.present.outages import outages, own_hints, shared_reasons
from exporter.present.summary import (
    QUIET,
    Health,
    leading,
    rows_beyond,
    summarize,
    tally,
    urgency,
    well,
    worst_first,
)
from exporter.present.words import (
    BAD_TRIGGERS,
    ELSEWHERE,
    OVERWRITTEN,
    TRIGGERS,
    WORDS,
    Moments,
    bigquery,
    firestore,
    heartbeat,
    next_line,
    registered,
    shown,
    trigger_reason,
    without_memory,
)
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from exporter.model import PhaseReport, ProcessorReport, Report, Since, TriggerState
    from exporter.present.summary import Problem, Summary

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
NARROW: Final = 80
"""In narrower output, the records are under the processor instead of beside it."""
LONGEST_UNBROKEN: Final = 28
"""Names up to this length stay on one line, so that they can be copied. Longer ones would hide the verdict."""
LONGEST_RECORD: Final = len("not registered")
"""The same of what Firestore and BigQuery say."""


def render_report(
    report: Report, console: Console, unread: Mapping[str, str] | None = None, exporter: str | None = None
) -> None:
    """Print the report on a console: the sentence, a table for each phase at fault, one line for each fault.

    Nothing is said twice: the sentence is about the worst fault alone, and `explain` says why. `exporter`: the address
    of the running exporter that it comes from.
    """
    moments, shared = Moments.of(report), shared_reasons(report)
    if warning := without_memory(report):
        console.print(Text(warning, "yellow"))
    said, lead = summarize(report, unread), leading(report)
    well_so_far = said.health is Health.WELL
    console.print(sentence(said if well_so_far else replace(said, besides="")))
    # What is due next is told where nothing else is.
    due = f" {next_line(report)}." if well_so_far else ""
    console.print(Text(f"As of {moments.both(report.at)}.{due}", "dim"))
    for text in shared:
        console.print(item(text, 0))
    for line in _beside(report, unread, said, moments):
        console.print(line)
    ordered = sorted(report.phases, key=urgency)
    trouble = [phase for phase in ordered if not well(phase)]
    for phase in trouble:
        console.print()
        console.print(_phase(phase, moments, shared, said, lead, narrow=console.width < NARROW))
    if trouble or shared or beside(report):
        for text in _where_to_read_on(report, trouble, exporter):
            # An address stays whole, however long: it is copied.
            console.print(Text(text), soft_wrap=exporter is not None)
    rest = [_line(phase) for phase in ordered if well(phase)]
    rest += [_fault(_clause(f"note: {note.text}", note.since), note.since, "", moments, "") for note in notes(report)]
    if rest:
        console.print(Text(), *rest, sep="\n")


def _where_to_read_on(report: Report, trouble: Sequence[PhaseReport], exporter: str | None) -> Iterator[str]:
    """The command that says why, and the runbook of the worst fault."""
    dates = sorted({phase.run_date for phase in trouble})
    asked = f" --from {quote(shown(exporter))}" if exporter else ""
    which = f" --run-date {dates[0]}" if len(dates) == 1 else ""
    yield f"why, and the runbooks: orchestration-exporter explain{asked}{which}"
    if book := first_runbook(report, exporter):
        yield f"runbook: {shown(book)}"


def sentence(said: Summary) -> Text:
    """The sentence at the top."""
    style = HEALTHS[said.health]
    return Text(" ").join(
        Text(shown(text), style if name == "what" else "bold" if name == "first" else "")
        for name, text in said.clauses()
    )


def _beside(report: Report, unread: Mapping[str, str] | None, said: Summary, moments: Moments) -> Iterator[Text]:
    """A line for each fault that no table shows and that the sentence is not about."""
    found = [(fault.text, fault.since, fault.first) for fault in beside(report)]
    found += [(text, None, WORDS[about].first) for text, about in rows_beyond(report)]
    if said.health is Health.WRONG:
        found += [(one.text, one.since, ELSEWHERE[one.about].first) for one in outages(report, unread)]
    for text, since, first in found:
        if text[1:] not in said.what:
            yield _fault(_clause(text, since), since, first, moments, "yellow")


def report_text(
    report: Report,
    unread: Mapping[str, str] | None = None,
    *,
    exporter: str | None = None,
    terminal: bool = False,
    width: int | None = None,
) -> Masked:
    """The report. `terminal`: as wide as the terminal unless `width` is given, and in colour unless NO_COLOR is set.

    `unread`: the collectors that could not read everything, each with the reasons. `exporter`: the address of the
    running exporter that the report comes from.
    """
    return in_text(
        lambda console: render_report(report, console, unread, exporter),
        terminal=terminal,
        width=width or (None if terminal else WIDTH),
    )


def in_text(render: Callable[[Console], None], *, terminal: bool, width: int | None) -> Masked:
    """The output of `render`, without secrets; in colour on a terminal unless NO_COLOR is set."""
    stream = io.StringIO()
    render(Console(file=stream, force_terminal=terminal, highlight=False, width=width))
    text = stream.getvalue()
    # Columns are padded with spaces, which files and tests need not keep.
    return Masked(text if terminal else re.sub(r" +$", "", text, flags=re.MULTILINE))


def _line(phase: PhaseReport) -> Text:
    """A phase without discrepancy."""
    counts = ", ".join(f"{number:,} {verdict}" for verdict, number in tally(phase.processors).items())
    trigger = f"trigger {phase.trigger_state}" if phase.trigger_state else ""
    said = ", ".join(part for part in (registered(phase), counts, trigger, _again(phase)) if part)
    return Text.assemble((f"{_name(phase)}: ", "bold"), shown(said))


def _phase(
    phase: PhaseReport,
    moments: Moments,
    shared: tuple[str, ...],
    said: Summary,
    lead: Problem | None,
    *,
    narrow: bool,
) -> RenderableType:
    """A phase at fault. What the sentence says, which is about `lead`, is not said again."""
    processors = worst_first(phase.processors)
    parts: list[RenderableType] = [_head(phase, moments)]
    if phase.trigger_state and not (lead and lead.phase is phase and lead.verdict is None):
        parts.append(_trigger(phase, phase.trigger_state, said.first))
    parts += [_stacked(phase, processors)] if narrow else [_table(phase, processors)]
    # What blocks a trigger has to be registered, as the sentence says; a lost entry or another date asks for more.
    told = [one for one in lead.processors if lead.verdict or one.verdict is Verdict.UNREGISTERED] if lead else []
    for processor in processors:
        parts += _below(processor, moments, shared, told=any(processor is one for one in told))
    return Group(*parts)


def _name(phase: PhaseReport) -> str:
    return shown(f"{phase.pipeline} {phase.phase} {phase.run_date} [{phase.mode}]")


def _head(phase: PhaseReport, moments: Moments) -> Text:
    due = f"deadline {moments.both(phase.due)}, {moments.away(phase.due)}" if phase.due else ""
    counts = ", ".join(part for part in (registered(phase), due, _again(phase)) if part)
    return Text.assemble((_name(phase), "bold"), f": {counts}" if counts else "")


def _again(phase: PhaseReport) -> str:
    return f"{len(phase.overwritten)} {OVERWRITTEN}" if phase.overwritten else ""


def _trigger(phase: PhaseReport, state: TriggerState, said: str) -> Text:
    """The state of the trigger and its reason. `said`: the first step that the sentence says."""
    reason, words = trigger_reason(phase), TRIGGERS.get(state)
    first = f"; first: {words.first}" if words and words.first != said else ""
    style = "bold red" if state in BAD_TRIGGERS else ""
    return Text.assemble("trigger ", (state.value, style), f": {reason}" if reason else "", first)


def _table(phase: PhaseReport, processors: Sequence[ProcessorReport]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    short_names = all(len(processor.processor) <= LONGEST_UNBROKEN for processor in processors)
    table.add_column("Processor", overflow="fold", no_wrap=short_names)
    records = [_records(phase, processor) for processor in processors]
    for column, cells in zip(COLUMNS, zip(*records, strict=True), strict=True):
        # Heartbeats may quote a document, and are seldom long: they are broken where something has to be.
        unbroken = column != "Heartbeat" and short_names and max(map(len, cells)) <= LONGEST_RECORD
        table.add_column(column, overflow="fold", no_wrap=unbroken)
    table.add_column("Verdict", no_wrap=True)
    for processor, cells in zip(processors, records, strict=True):
        verdict = Text(processor.verdict, style=STYLES[processor.verdict])
        table.add_row(Text(shown(processor.processor)), *cells, verdict)
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


def _below(
    processor: ProcessorReport, moments: Moments, shared: tuple[str, ...], *, told: bool
) -> Iterator[RenderableType]:
    """One line for a fault, with the first step unless that was told; for an unknown verdict its own reasons."""
    verdict, name = processor.verdict, shown(processor.processor)
    if words := WORDS.get(verdict):
        line = _fault(f"{name}: {verdict}", processor.since, "" if told else words.first, moments, STYLES[verdict])
        yield Text.assemble(line, f"; owner: {shown(processor.care.owner)}" if processor.care.owner else "")
    elif verdict is Verdict.UNKNOWN and (own := own_hints(processor, shared)):
        yield Text.assemble((f"{name}: {verdict}", STYLES[verdict]), f": {shown('; '.join(own))}")


def _clause(text: str, since: Since | None) -> str:
    """A text that may end in a clause of its own, which the time that follows is not about."""
    return f"{text}," if since else text


def _fault(what: str, since: Since | None, first: str, moments: Moments, style: str) -> Text:
    began = f" since {moments.began(since)}" if since else ""
    return Text.assemble((what, style), began, f"; first: {first}" if first else "")


def item(text: str, indent: int) -> RenderableType:
    """A text behind a dash."""
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_row("-", Text(shown(text), overflow="fold"))
    return Padding(row, (0, 0, 0, indent), expand=False)

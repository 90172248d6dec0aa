"""`explain`: why each fault is one, with its hints, its first step and its runbook.

A missing registration has its explanations, the likeliest first, with the evidence for and against. Below them stands
every entry that was lost and restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.text import Text

from exporter.model import Verdict
from exporter.present.beside import beside, notes
from exporter.present.care import care_text
from exporter.present.outages import outages, own_hints, shared_reasons
from exporter.present.over import after_trigger, after_verdict
from exporter.present.status import overwrite, phase_key, processor_key, processors
from exporter.present.table import in_text, item
from exporter.present.words import (
    CAUSES,
    OVERWRITTEN,
    STANDINGS,
    TRIGGERS,
    WORDS,
    Moments,
    begun,
    shown,
    trigger_reason,
    without_memory,
)
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, RenderableType

    from exporter.messages.secrets import Masked
    from exporter.model import Overwritten, PhaseReport, ProcessorReport, Report
    from exporter.present.beside import Beside

WIDTH: Final = 80
"""The width of output that goes to no terminal."""


def explained(report: Report, processor: str | None = None) -> tuple[ProcessorReport, ...]:
    """The processors that have explanations, or the one with this name."""
    return tuple(item for item in report.processors if item.explanations and processor in (None, item.processor))


def overwritten(report: Report, processor: str | None = None) -> tuple[tuple[PhaseReport, list[Overwritten]], ...]:
    """The documents with entries that were lost and restored, all of them or those of one processor."""
    every = (
        (phase, [one for one in phase.overwritten if processor in (None, one.processor)]) for phase in report.phases
    )
    return tuple((phase, found) for phase, found in every if found)


def explain_json(report: Report, processor: str | None = None) -> dict[str, Any]:
    """Verdict, hints and explanations by processor, and what was overwritten by phase, as in `/api/v1/status`."""
    known = processors(report)
    again = overwritten(report, processor)
    return {phase_key(phase): {"overwritten": [overwrite(one) for one in found]} for phase, found in again} | {
        key: {name: known[key][name] for name in ("verdict", "hints", "explanations")}
        for key in map(processor_key, explained(report, processor))
    }


def explain_text(
    report: Report,
    processor: str | None = None,
    unread: Mapping[str, str] | None = None,
    *,
    width: int = WIDTH,
    terminal: bool = False,
) -> Masked:
    """Why each fault is one, in plain words. `terminal`: as wide as the terminal."""
    return in_text(
        lambda console: _render(console, report, processor, unread),
        terminal=terminal,
        width=None if terminal else width,
    )


def _render(console: Console, report: Report, processor: str | None, unread: Mapping[str, str] | None) -> None:
    moments, shared = Moments.of(report), shared_reasons(report)
    lines: list[RenderableType] = []
    if warning := without_memory(report):
        lines += [Text(warning), Text()]
    for outage in outages(report, unread):
        since = f" since {moments.began(outage.since)}" if outage.since else ""
        lines.append(Text(shown(f"{begun(outage.text)}{since}. After the repair: {outage.after}.")))
    lines += [item(text, 0) for text in shared]
    if unread or shared:
        lines.append(Text())
    preface = len(lines)
    if processor is None:
        lines += [line for one in beside(report) for line in _beside(one, moments)]
        lines += [line for phase in report.phases for line in _trigger(phase, moments)]
    for one in report.processors:
        if processor in (None, one.processor) and _asks(one, shared):
            lines += [*_one(one, moments, shared), Text()]
    lines += _after_the_faults(report, processor, moments)
    if len(lines) == preface and not shared:
        of = f" of {processor}" if processor else ""
        lines.append(Text(shown(f"Nothing to explain{of}: no discrepancy.")))
    for line in lines:
        console.print(line)


def _after_the_faults(report: Report, processor: str | None, moments: Moments) -> Iterator[RenderableType]:
    """What was overwritten and restored, and what nobody has to act on."""
    for phase, again in overwritten(report, processor):
        yield Text(shown(f"{phase.pipeline} {phase.phase} {phase.run_date}: {OVERWRITTEN}"))
        yield from (item(one.text, 2) for one in again)
        yield Text()
    for note in () if processor else notes(report):
        yield from _beside(note, moments)


def _asks(processor: ProcessorReport, shared: tuple[str, ...]) -> bool:
    """Whether there is anything to explain of it."""
    if processor.verdict is Verdict.UNKNOWN:
        return bool(own_hints(processor, shared))
    return processor.verdict in WORDS or bool(processor.explanations)


def _beside(one: Beside, moments: Moments) -> Iterator[RenderableType]:
    since = f", since {moments.began(one.since)}" if one.since else ""
    yield Text(shown(f"{one.text}{since}"))
    yield item(f"first: {one.first}", 2)
    yield item(f"after the repair: {one.after}", 2)
    if one.query:
        yield item(f"the rows: {one.query}", 2)
    yield item(f"runbook: {one.alert}.md", 2)
    yield Text()


def _trigger(phase: PhaseReport, moments: Moments) -> Iterator[RenderableType]:
    state = phase.trigger_state
    words = TRIGGERS.get(state) if state else None
    if state is None or words is None:
        return
    since = f" since {moments.began(phase.since)}" if phase.since else ""
    yield Text(shown(f"{phase.pipeline} {phase.phase} {phase.run_date}: trigger {state}{since}"))
    yield item(trigger_reason(phase), 2)
    yield item(f"first: {words.first}", 2)
    yield item(f"after the repair: {after_trigger(phase)}", 2)
    yield item(f"runbook: {alert_of(state).runbook}", 2)
    yield Text()


def _one(processor: ProcessorReport, moments: Moments, shared: tuple[str, ...]) -> Iterator[RenderableType]:
    words = WORDS.get(processor.verdict)
    since = f" since {moments.began(processor.since)}" if processor.since else ""
    where = f"{processor.pipeline} {processor.phase} {processor.run_date} {processor.processor}"
    yield Text(shown(f"{where}: {processor.verdict}{since}"))
    yield item(f"due {moments.both(processor.due)}; data of {processor.data_date}", 2)
    yield from (item(text, 2) for text in own_hints(processor, shared))
    if processor.explanations:
        yield Text("  why it may be missing, the likeliest first:")
    for number, explanation in enumerate(processor.explanations, start=1):
        said = f"{number}. {STANDINGS[explanation.standing]}: {CAUSES[explanation.cause]}"
        yield Padding(Text(said), (0, 0, 0, 4), expand=False)
        for side, texts in (("for", explanation.supports), ("against", explanation.contradicts)):
            yield from (item(f"{side}: {text}", 7) for text in texts)
    if words:
        yield item(f"first: {words.first}", 2)
        yield item(f"after the repair: {after_verdict(processor)}", 2)
        yield item(f"runbook: {alert_of(processor.verdict).runbook}", 2)
        if care := care_text(processor.care):
            yield item(care, 2)

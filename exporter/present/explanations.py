"""`explain`: the explanations of every missing registration, the likeliest first, with the evidence for and against.

Below them, every entry that was lost and restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.present.status import overwrite, phase_key, processor_key, processors
from exporter.present.words import CAUSES, OVERWRITTEN, STANDINGS, Moments, shown, without_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.model import Overwritten, PhaseReport, ProcessorReport, Report


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


def explain_text(report: Report, processor: str | None = None, unread: Mapping[str, str] | None = None) -> str:
    """The explanations in plain words."""
    found = explained(report, processor)
    warning = without_memory(report)
    lines = [warning, ""] if warning else []
    lines += [line for item in found for line in (*_one(item, Moments.of(report)), "")]
    if not found:
        asked = f"of {processor} " if processor else ""
        lines += [f"No registration {asked}is missing without a reason that its verdict gives.", ""]
    for phase, again in overwritten(report, processor):
        lines += [f"{phase.pipeline} {phase.phase} {phase.run_date}: {OVERWRITTEN}"]
        lines += [*(f"  - {one.text}" for one in again), ""]
    lines += [f"Not everything could be read: {name} ({reasons})." for name, reasons in (unread or {}).items()]
    return shown_lines(lines)


def shown_lines(lines: list[str]) -> str:
    """Lines in which characters that do not print are spelled out."""
    return "".join(f"{shown(line)}\n" for line in lines)


def _one(item: ProcessorReport, moments: Moments) -> Iterator[str]:
    yield f"{item.pipeline} {item.phase} {item.run_date} {item.processor}: {item.verdict}"
    yield f"  due {moments.both(item.due)}; data of {item.data_date}"
    for number, explanation in enumerate(item.explanations, start=1):
        yield f"  {number}. {STANDINGS[explanation.standing]}: {CAUSES[explanation.cause]}"
        yield from (f"       + {text}" for text in explanation.supports)
        yield from (f"       - {text}" for text in explanation.contradicts)

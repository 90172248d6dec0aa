"""Which runbook to open first, and with which labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import Verdict
from exporter.present.outages import shared_reasons
from exporter.present.runbooks import link
from exporter.present.summary import held_conditions, urgency, well, worst_first
from exporter.present.words import BAD_TRIGGERS, WORDS
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from exporter.model import PhaseReport, Report


def first_runbook(report: Report, exporter: str | None = None) -> str:
    """The runbook of the worst fault, empty without one: its address at a running exporter, else its name."""
    found = _first(report)
    if found is None:
        return ""
    key, labels = found
    name, query = alert_of(key).name, link(labels)
    return f"{exporter.rstrip('/')}/runbooks/{name}{'?' if query else ''}{query}" if exporter else name


def _first(report: Report) -> tuple[str, dict[str, str]] | None:
    """What the worst fault's alert is about, and the labels."""
    for phase in sorted(report.phases, key=urgency):
        if not well(phase) and (found := _of_phase(phase)):
            return found
    for one in held_conditions(report):
        return one.condition, dict(one.labels)
    if not shared_reasons(report):
        return None
    pipeline = next(one.pipeline for one in report.processors if one.verdict is Verdict.UNKNOWN)
    return "source_unreachable", {"pipeline": pipeline}


def _of_phase(phase: PhaseReport) -> tuple[str, dict[str, str]] | None:
    labels = {"pipeline": phase.pipeline, "phase": phase.phase, "run_date": phase.run_date.isoformat()}
    if phase.trigger_state in BAD_TRIGGERS:
        return phase.trigger_state, labels
    worst = worst_first(phase.processors)[0]
    return (worst.verdict, {**labels, "processor": worst.processor}) if worst.verdict in WORDS else None

"""Which runbook to open first, and with which labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import Verdict
from exporter.present.outages import shared_reasons
from exporter.present.runbooks import link
from exporter.present.summary import held_conditions, leading
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
    if (lead := leading(report)) and (about := lead.verdict or lead.phase.trigger_state):
        processor = {"processor": lead.processors[0].processor} if lead.verdict else {}
        return about, _labels(lead.phase) | processor
    for one in held_conditions(report):
        return one.condition, dict(one.labels)
    if not shared_reasons(report):
        return None
    pipeline = next(one.pipeline for one in report.processors if one.verdict is Verdict.UNKNOWN)
    return "source_unreachable", {"pipeline": pipeline}


def _labels(phase: PhaseReport) -> dict[str, str]:
    return {"pipeline": phase.pipeline, "phase": phase.phase, "run_date": phase.run_date.isoformat()}

"""What becomes of a fault after its repair, in the words of message, page, terminal, API and runbook alike."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.present.words import BAD_TRIGGERS, WORDS
from exporter.reconcile.hints import lasting
from exporter.shipped.over import over

if TYPE_CHECKING:
    from exporter.model import ConditionReport, PhaseReport, ProcessorReport
    from exporter.shipped.over import Over

_MINUTE: Final = timedelta(minutes=1)


def after(key: str, severity: str = "", source: str = "") -> str:
    """When the fault is shown good and its alert is over, both at most; empty for what is never over."""
    found = over(key, severity, source)
    return said(found) if found else ""


def after_verdict(processor: ProcessorReport) -> str:
    """The same of a processor's verdict; empty for one that is no fault."""
    severity = "critical" if processor.critical else "warning"
    return after(processor.verdict, severity) if processor.verdict in WORDS else ""


def after_trigger(phase: PhaseReport) -> str:
    """The same of a phase's trigger; empty for one that does not hang."""
    return after(phase.trigger_state) if phase.trigger_state in BAD_TRIGGERS else ""


def after_condition(found: ConditionReport) -> str:
    """The same of a condition that holds."""
    return after(found.condition, found.bound or "")


def said(found: Over) -> str:
    """`shown good within 1 min, alert closed within 38 min`."""
    good, closed = _at_most(found.good), _at_most(found.closed)
    return f"shown good within {good}, alert closed within {closed}"


def _at_most(time: timedelta) -> str:
    """In whole minutes, rounded up."""
    return lasting(-(-time // _MINUTE) * _MINUTE)

"""The conditions of the exporter itself: what an alert says of it, page, `check` and API say too.

Alerts see the samples of `metrics/live.py`; the values here are the same ones.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from exporter.collect.following import CONNECTED, DOWN_SINCE
from exporter.memory.documents import DURABLE
from exporter.metrics.telemetry import RELOAD_REFUSED_AT
from exporter.model import Condition, ConditionReport, Since

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics.telemetry import Telemetry

LEDGER_FAILING_SINCE: Final = "ledger_failing_since"
PATIENCE: Final = timedelta(minutes=15)
"""How long a listener may be down before that is a fault: a stream that breaks is opened again. The alert's `for`."""


def own_conditions(telemetry: Telemetry, pipelines: Iterable[str], now: datetime) -> tuple[ConditionReport, ...]:
    """Whether each holds at `now`; None where it does not apply. `pipelines`: those whose documents are followed."""
    down = _at(telemetry, DOWN_SINCE)
    unfollowed = down is not None and now - down.at >= PATIENCE
    broken = None if telemetry.value(CONNECTED) is None else unfollowed
    durable, undurable = telemetry.value(DURABLE), _undurable(telemetry, now)
    refused = _at(telemetry, RELOAD_REFUSED_AT)
    listening = [
        _condition(
            ConditionReport(Condition.LISTENER_DOWN, {"pipeline": name}, broken, since=down),
            f"the documents of {name} are polled and not followed",
        )
        for name in pipelines
    ]
    return (
        *listening,
        _condition(
            ConditionReport(Condition.LEDGER_FAILING, {}, None if durable is None else durable == 0, since=undurable),
            "the ledger cannot be written: what was seen is only in memory",
        ),
        _condition(
            ConditionReport(Condition.RELOAD_REFUSED, {}, refused is not None, since=refused),
            "a new configuration was refused, and the old one stays in force",
        ),
    )


def _undurable(telemetry: Telemetry, now: datetime) -> Since | None:
    """Since the first report that found that the ledger cannot be written; it is noted for the next ones."""
    if telemetry.value(DURABLE) != 0:
        if telemetry.value(LEDGER_FAILING_SINCE) is not None:
            telemetry.drop(LEDGER_FAILING_SINCE)
    elif telemetry.value(LEDGER_FAILING_SINCE) is None:
        telemetry.set(LEDGER_FAILING_SINCE, now.timestamp())
    return _at(telemetry, LEDGER_FAILING_SINCE)


def _at(telemetry: Telemetry, value: str) -> Since | None:
    seconds = telemetry.value(value)
    return None if seconds is None else Since(datetime.fromtimestamp(seconds, UTC))


def _condition(found: ConditionReport, text: str) -> ConditionReport:
    """With the text and the time if it holds, and without either if it does not."""
    return replace(found, text=text) if found.holds else replace(found, since=None)

"""Who looks after a processor, what runs it, and the link to its logs for the time of its fault."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.links import WINDOW, filled
from exporter.model import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from exporter.config.care import Care
    from exporter.model import ProcessorReport, Since

BEFORE: Final = timedelta(minutes=30)
AFTER: Final = timedelta(minutes=10)
"""How far the time window of a fault reaches before and after its beginning."""
NO_RUN: Final = timedelta(hours=6)
"""How far it reaches before the deadline of a run that left nothing."""


def window(since: Since | None, now: datetime) -> tuple[datetime, datetime]:
    """The time in which logs may show how a fault began; without a fault, the last hour."""
    if since is None:
        return now - timedelta(hours=1), now
    return (since.after or since.at) - BEFORE, since.at + AFTER


def window_of(processor: ProcessorReport, now: datetime) -> tuple[datetime, datetime]:
    """The time window of a processor's fault."""
    if processor.verdict is Verdict.MISSING:
        return processor.due - NO_RUN, processor.due
    return window(processor.since, now)


def instant(moment: datetime) -> str:
    """A time as Cloud Logging reads it: RFC 3339, in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def logs(care: Care, between: tuple[datetime, datetime]) -> str | None:
    """The link to a processor's logs between two times; None if the configuration has none."""
    return care.log_link and filled(care.log_link, dict(zip(WINDOW, map(instant, between), strict=True)))


def care_text(care: Care) -> str:
    """Who looks after a processor and what runs it, as sentences; empty if the configuration says neither."""
    said = [f"Owner: {care.owner}." if care.owner else "", f"Runs in {care.runs_in}." if care.runs_in else ""]
    return " ".join(filter(None, said))

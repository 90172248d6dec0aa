"""Times as texts in labels, for messages: Prometheus and Alertmanager know no time zone but UTC and their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from exporter.metrics.samples import label_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from exporter.metrics.samples import Sample
    from exporter.model import ConditionReport, NextDue, Since


NO_DEADLINE: Final = "no deadline known"


def local(at: datetime, zone: str) -> str:
    """`10:04:29 EST`, in this zone, with the date if that is another one than in UTC; empty for UTC."""
    there = at.astimezone(ZoneInfo(zone))
    if not there.utcoffset():
        return ""
    form = "%H:%M" if there.second == 0 else "%H:%M:%S"
    day = "" if there.date() == at.date() else f"{there.date()} "
    return f"{day}{there:{form}} {there.tzname()}"


@lru_cache(1024)
def due_text(one: NextDue | None, zone: str) -> str:
    """`phase4 is due at 2026-01-23 17:30 UTC (12:30 EST)`, `was` once that is over, or that there is no deadline."""
    if one is None:
        return NO_DEADLINE
    return f"{one.what} {_both(one.due, zone)}"


def since(labels: str, found: Since, zone: str, **texts: str) -> Sample:
    """A fault's time under these labels and texts about it, which a message takes from there without another query."""
    after = "" if found.after is None else _both(found.after, zone)
    after = "" if after == _both(found.at, zone) else after
    # Prometheus prints parts of a second, which a reader has no use for.
    at = found.at.replace(microsecond=0).timestamp()
    return f"{labels},{label_text(**texts, local=local(found.at, zone), after=after)}", at


Texts = Mapping[tuple[str, str], str]


def conditions_since(
    conditions: Iterable[ConditionReport], rows: Texts, then: Texts, zone: str
) -> Iterator[tuple[str, Sample]]:
    """Since when each condition holds, and what it is about: a `check`, `processor`, `phase`, or the `pipeline`.

    `rows`: by check and run date, the date of its rows; `then`: by phase and run date, when the next one is due.
    """
    for found in conditions:
        if found.since:
            labels = found.labels
            of = next((name for name in ("check", "processor", "phase") if name in labels), "pipeline")
            if of == "pipeline":
                labels = {name: labels.get(name, "") for name in ("pipeline", "run_date", "reason")}
            texts = {"data_date": rows[labels["check"], labels["run_date"]]} if of == "check" else {}
            texts |= {"then": then[labels["phase"], labels["run_date"]]} if "phase" in labels else {}
            yield of, since(label_text(**labels), found.since, zone, about=found.condition, **texts)


def _both(at: datetime, zone: str) -> str:
    """`2026-01-31 15:04:27 UTC (10:04:27 EST)`."""
    there = local(at, zone)
    return f"{at:%Y-%m-%d} {at:{'%H:%M:%S' if at.second else '%H:%M'}} UTC{f' ({there})' if there else ''}"

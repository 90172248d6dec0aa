"""PromQL over the exporter's metrics, as panels ask for it: every selector says which job, instance and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.metrics import catalogue as metrics
from exporter.shipped.alerts import PREFIX, alert_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.metrics.samples import Family

TARGET: Final = 'job=~"$job",instance=~"$instance"'
"""What every selector begins with."""

ALL_BUT_WATCHDOG: Final = f'alertname=~"{PREFIX}.+",alertname!="{alert_of("watchdog").name}"'
"""Matches every alert of the rules but the sign of life."""

VARIABLES: Final = ("pipeline", "phase", "processor", "run_date")
"""Labels that have a variable of their name."""

DAY_SECONDS: Final = 86_400


def select(family: Family, *matchers: str, without: Sequence[str] = ()) -> str:
    """A selector of the family that follows all variables it has a label for, but for those named."""
    chosen = [f'{label}=~"${label}"' for label in VARIABLES if label in family.labels and label not in without]
    return f"{family.name}{{{','.join([TARGET, *chosen, *matchers])}}}"


def best(family: Family, *matchers: str, without: Sequence[str] = ()) -> str:
    """The family once, however many instances export it: the largest value that one of them has."""
    return f"max by ({', '.join(family.labels)}) ({select(family, *matchers, without=without)})"


def applies(family: Family, *, without: Sequence[str] = ()) -> str:
    """Of a family with a series for each state, those of the states that apply."""
    return f"{best(family, without=without)} == 1"


def numbered(family: Family, codes: Iterable[tuple[str, int]]) -> str:
    """The state that applies as a number, which is all that a timeline can show: one series for all states."""
    state = family.labels[-1]
    told = "\n  or\n  ".join(
        f'{code} * ({select(family, f"""{state}="{value}" """.strip())} == 1)' for value, code in codes
    )
    return f"max by ({', '.join(family.labels[:-1])}) (\n  {told}\n)"


def or_none(expr: str, known: Family, *, without: Sequence[str] = ()) -> str:
    """The expression, and -1 where it has no value for something that the other family knows.

    A query that brings nothing at all takes its column out of a table, and with it the word for unknown.
    """
    labels = ", ".join(label for label in known.labels if label in {*VARIABLES, "transition"})
    return f"{expr}\nor\n0 * max by ({labels}) ({select(known, without=without)}) - 1"


def verdicts(*values: str, without: Sequence[str] = ()) -> str:
    """The processors to which one of these verdicts applies; the value is 1."""
    return f"{best(metrics.VERDICT, one_of('verdict', values), without=without)} == 1"


def one_of(label: str, values: Iterable[str]) -> str:
    """The matcher for any of these values."""
    return f'{label}=~"{"|".join(values)}"'


def age(family: Family, *matchers: str) -> str:
    """Seconds since the moment that the family tells, by the clock of Prometheus."""
    return f"time() - {best(family, *matchers)}"


def milliseconds(family: Family, *matchers: str) -> str:
    """The moment that the family tells, in the unit of Grafana's dates."""
    return f"1000 * {best(family, *matchers)}"


def per_day(family: Family, *labels: str) -> str:
    """What a counter would come to in a day at its present rate, all instances together."""
    return f"{DAY_SECONDS} * {rate(family, *labels)}"


def rate(family: Family, *labels: str) -> str:
    """A counter's increase a second, all instances together."""
    grouping = f"by ({', '.join(labels)}) " if labels else ""
    return f"sum {grouping}(rate({select(family)}[$__rate_interval]))"

"""When an alert is over after a repair, `alerts/over.yaml`: `make docs` computes it from what is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from exporter.config.parsing import parse_yaml
from exporter.shipped.alerts import alert_of
from exporter.shipped.assets import assets

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "over.yaml"


@dataclass(frozen=True, slots=True)
class Over:
    """How long after the repair at most a reading shows it good, and Alertmanager tells that the alert is over."""

    good: timedelta
    closed: timedelta


def over(key: str, severity: str = "", source: str = "") -> Over | None:
    """When the alert about this verdict, trigger state or condition is over; None for the sign of life.

    Where its rules differ and `severity` and `source` do not say which it is, the longest. Raises AssetsError, and
    KeyError for what has no alert.
    """
    rules = _rules().get(alert_of(key).name, [])
    for label, value in (("severity", severity), ("source", source)):
        rules = [rule for rule in rules if rule.get(label) == value] or rules
    if not rules:
        return None
    good, closed = (max(int(rule[name]) for rule in rules) for name in ("good", "closed"))
    return Over(timedelta(seconds=good), timedelta(seconds=closed))


@cache
def _rules() -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = parse_yaml((assets("alerts") / FILE).read_text(encoding="utf-8"))
    return found

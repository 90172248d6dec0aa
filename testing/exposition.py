"""Parses expositions with Prometheus's own client library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from prometheus_client import Metric


def parse_text(text: str) -> list[Metric]:
    """The families of a text exposition (0.0.4)."""
    return list(text_string_to_metric_families(text))


def parse_openmetrics(text: str) -> list[Metric]:
    """The families of an OpenMetrics exposition."""
    return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call] # it has no types

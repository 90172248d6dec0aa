"""How completely the exporter sees what happens to completion documents: its listener and its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import catalogue as metrics
from grafana import words
from grafana.panels import SECONDS, Ask, Card, lines, numbers, states
from grafana.queries import per_day, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel


def following() -> list[Panel]:
    """One row of panels."""
    return [_listener(), _last_event(), _told(), _ledger(), _ledger_failures()]


def _listener() -> Panel:
    return states(
        Card(
            "Listener",
            "Whether each instance follows the completion documents change by change. While it does not, only what "
            "stands there when documents are read is seen, and a lost update between two readings goes unseen.",
            "Fine if no instance is told to follow the documents",
            5,
            8,
        ),
        [Ask(select(metrics.LISTENER_CONNECTED), "{{instance}}")],
        words.CONNECTED,
    )


def _last_event() -> Panel:
    return numbers(
        Card(
            "Last change told",
            "How long ago the listener last told anything. On a quiet day that can be hours.",
            "Fine if no instance follows the documents, or nothing has changed yet",
            4,
            8,
        ),
        [Ask(f"time() - max({select(metrics.LISTENER_LAST)})", "ago")],
        SECONDS,
    )


def _told() -> Panel:
    return lines(
        Card(
            "Changes told and gaps a day",
            "Documents that the listener reported, and times that it lost its stream, as many as it would be in a day "
            "at the present rate. Some gaps a day are ordinary; it takes up again by itself.",
            "Fine if no instance follows the documents",
            7,
            8,
        ),
        [Ask(per_day(metrics.LISTENER_EVENTS), "changes"), Ask(per_day(metrics.LISTENER_GAPS), "gaps")],
    )


def _ledger() -> Panel:
    return states(
        Card(
            "Ledger",
            "Whether what was seen of the documents is on disk, so that a lost update over a restart is noticed as "
            "well.",
            "Fine if no ledger file is configured",
            4,
            8,
        ),
        [Ask(select(metrics.LEDGER_DURABLE), "{{instance}}")],
        words.DURABLE,
    )


def _ledger_failures() -> Panel:
    return lines(
        Card(
            "Ledger failures a day",
            "Failed attempts to use the ledger file, as many as it would be in a day at the present rate.",
            "Fine if no ledger file is configured",
            4,
            8,
        ),
        [Ask(per_day(metrics.LEDGER_FAILURES), "failures")],
    )

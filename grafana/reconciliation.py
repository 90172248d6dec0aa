"""Reconciliation: the records of the same work beside each other, where they differ, and what else knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import catalogue as metrics
from grafana import words
from grafana.frame import TITLES, Board, address
from grafana.overview import standing
from grafana.panels import COUNT, DATE, Ask, Card, Column, bands, grid, lines
from grafana.queries import applies, best, milliseconds, or_none, verdicts

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

UID = "orchestration-reconciliation"


def reconciliation() -> Board:
    """For whoever asks how the exporter came to a verdict."""
    return Board(
        uid=UID,
        title=TITLES[UID],
        description="Completion document, heartbeat and table beside each other, and where they differ. Times are UTC.",
        rows=[
            [_records()],
            [_neighbours(), _units()],
            [_differences(), _entries()],
            [_ran(), _log()],
            [_documents(), _unusable()],
        ],
    )


def _records() -> Panel:
    opens = address("orchestration-phase", phase="phase", run_date="run_date", processor="processor")
    return grid(
        Card(
            "The three records side by side",
            "Per processor: the entry in the completion document and the count it gives, the heartbeat, the rows in "
            "the table with the fewest and the most that are expected, and rows minus count. Count says whether a "
            "complete run can have registered that count over these rows.",
            "Not fine: the exporter says nothing about this selection",
            24,
            12,
        ),
        [
            Ask(standing()),
            Ask(or_none(best(metrics.PROCESSOR_REGISTERED), metrics.CRITICAL)),
            Ask(or_none(best(metrics.RECORD_COUNT), metrics.CRITICAL)),
            Ask(applies(metrics.HEARTBEAT_STATE)),
            Ask(or_none(milliseconds(metrics.HEARTBEAT_AT), metrics.CRITICAL)),
            Ask(or_none(best(metrics.TABLE_ROWS), metrics.CRITICAL)),
            Ask(or_none(best(metrics.ROWS_MIN), metrics.CRITICAL)),
            Ask(or_none(best(metrics.ROWS_MAX), metrics.CRITICAL)),
            Ask(best(metrics.DELTA)),
            Ask(or_none(best(metrics.COUNT_POSSIBLE), metrics.CRITICAL)),
        ],
        [
            Column("Value #A", "Standing", shades=words.RANKS, empty="unknown", filled=True, width=100),
            Column("run_date", "Run date", width=105),
            Column("pipeline", "Pipeline", width=80),
            Column("phase", "Phase", width=80),
            Column("processor", "Processor", opens=opens, width=240),
            Column("Value #B", "Firestore", shades=words.REGISTERED, empty="unknown", coded=True),
            Column("Value #C", "record_count", COUNT, empty="none known", coded=True),
            Column("state", "Heartbeat", shades=words.HEARTBEATS, empty="unknown"),
            Column("Value #E", "Last beat (UTC)", DATE, empty="none known", coded=True),
            Column("Value #F", "Rows", COUNT, empty="unknown", coded=True),
            Column("Value #G", "at least", COUNT, empty="none given", coded=True),
            Column("Value #H", "at most", COUNT, empty="none given", coded=True),
            Column("Value #I", "Rows - count", COUNT, empty="cannot be said"),
            Column("Value #J", "Count", shades=words.POSSIBLE, empty="cannot be said", coded=True),
            Column("verdict", "Verdict", shades=words.VERDICTS, filled=True),
        ],
        by=[("Standing", True)],
    )


def _neighbours() -> Panel:
    every = ("run_date",)
    return grid(
        Card(
            "Neighbouring run dates",
            "The same processors on every exposed run date, whatever date is selected. A count that equals the rows "
            "of the day before or after was counted for that day.",
            "Not fine: the exporter says nothing about this selection",
            16,
            10,
        ),
        [
            Ask(f"{best(metrics.VERDICT, without=every)} == 1"),
            Ask(or_none(best(metrics.RECORD_COUNT, without=every), metrics.CRITICAL, without=every)),
            Ask(or_none(best(metrics.TABLE_ROWS, without=every), metrics.CRITICAL, without=every)),
        ],
        [
            Column("pipeline", "Pipeline", width=100),
            Column("phase", "Phase", width=100),
            Column("processor", "Processor"),
            Column("run_date", "Run date", width=120),
            Column("Value #B", "record_count", COUNT, empty="none known", coded=True),
            Column("Value #C", "Rows", COUNT, empty="unknown", coded=True),
            Column("verdict", "Verdict", shades=words.VERDICTS),
        ],
        by=[("Processor", False), ("Run date", False)],
    )


def _units() -> Panel:
    return grid(
        Card(
            "Units by data date",
            "What the calendar has for each date whose rows are looked at. A processor's data date can be another "
            "one than its run date; a date with 0 expects nothing.",
            "Not fine if the pipeline has a calendar: it could not be read, or cannot be relied on",
            8,
            10,
        ),
        [Ask(best(metrics.UNITS))],
        [Column("pipeline", "Pipeline"), Column("date", "Data date"), Column("Value", "Units", COUNT, empty="unknown")],
        by=[("Data date", True)],
    )


def _differences() -> Panel:
    return lines(
        Card(
            "Rows minus registered count",
            "Zero is agreement. Above zero more rows are there than the run registered, which can be lawful; below "
            "zero rows are gone.",
            "Fine before anything was registered and counted",
            12,
            9,
        ),
        [Ask(best(metrics.DELTA), "{{run_date}} {{pipeline}} {{phase}} {{processor}}")],
    )


def _entries() -> Panel:
    lost = f"2 * ({verdicts('lost_update')})"
    here = f"max without (verdict) ({lost})\nor\n{best(metrics.PROCESSOR_REGISTERED)}"
    return bands(
        Card(
            "Registrations, and those that were lost",
            "One band a processor: whether the completion document has its entry. lost: it had one, and the document "
            "lives on without it.",
            "Fine if the phase keeps no completion documents",
            12,
            9,
        ),
        [Ask(here, "{{run_date}} {{pipeline}} {{phase}} {{processor}}")],
        {**words.REGISTERED, "2": words.Shade("lost", words.WRONG)},
    )


def _ran() -> Panel:
    return grid(
        Card(
            "Did the phase run, and which record says so",
            "The phase log answers where it has rows; run history and then the rows themselves stand in for it. In "
            "run history: distinct processors with a successful run.",
            "Not fine: the exporter says nothing about this selection",
            12,
            9,
        ),
        [
            Ask(applies(metrics.LOG_SOURCE)),
            Ask(or_none(best(metrics.HISTORY), metrics.MODE)),
            Ask(or_none(best(metrics.EXPECTED), metrics.MODE)),
        ],
        [
            Column("run_date", "Run date"),
            Column("pipeline", "Pipeline"),
            Column("phase", "Phase"),
            Column("source", "Says so", shades=words.LOG_SOURCES),
            Column("Value #B", "In run history", COUNT, empty="unknown", coded=True),
            Column("Value #C", "Expected", COUNT, empty="unknown", coded=True),
        ],
        by=[("Run date", True)],
    )


def _log() -> Panel:
    return grid(
        Card(
            "Phase log",
            "Rows of each transition in the phase log, and how many are expected by the calendar. It is the least "
            "reliable of the four records: an empty log is a gap in the tracking, not in the data.",
            "Fine if the pipeline keeps no phase log",
            12,
            9,
        ),
        [Ask(or_none(best(metrics.LOG_ROWS), metrics.LOG_EXPECTED)), Ask(best(metrics.LOG_EXPECTED))],
        [
            Column("run_date", "Run date"),
            Column("pipeline", "Pipeline"),
            Column("transition", "Transition"),
            Column("Value #A", "Rows", COUNT, empty="unknown", coded=True),
            Column("Value #B", "Expected", COUNT, empty="none known", coded=True),
        ],
        by=[("Run date", True)],
    )


def _documents() -> Panel:
    return grid(
        Card(
            "Completion documents",
            "What each document holds and what it says of itself. Own count is its _completed_count, which some "
            "writers leave stale. Strangers are entries whose name no processor has. A phase that keeps no documents "
            "has none known.",
            "Not fine: the exporter says nothing about this selection",
            16,
            8,
        ),
        [
            Ask(or_none(best(metrics.EXPECTED), metrics.MODE)),
            Ask(or_none(best(metrics.REGISTERED), metrics.MODE)),
            Ask(or_none(best(metrics.ENTRIES), metrics.MODE)),
            Ask(or_none(best(metrics.UNEXPECTED), metrics.MODE)),
            Ask(or_none(best(metrics.COMPLETED_COUNT), metrics.MODE)),
            Ask(or_none(best(metrics.MALFORMED), metrics.MODE)),
            Ask(applies(metrics.MODE)),
            Ask(or_none(milliseconds(metrics.TRIGGERED_AT), metrics.MODE)),
        ],
        [
            Column("run_date", "Run date"),
            Column("pipeline", "Pipeline"),
            Column("phase", "Phase"),
            Column("mode", "Mode", empty="unknown"),
            Column("Value #A", "Expected", COUNT, empty="none known", coded=True),
            Column("Value #B", "Registered", COUNT, empty="none known", coded=True),
            Column("Value #C", "Entries", COUNT, empty="none known", coded=True),
            Column("Value #D", "Strangers", COUNT, empty="none known", coded=True),
            Column("Value #E", "Own count", COUNT, empty="none known", coded=True),
            Column("Value #F", "Unusable fields", COUNT, empty="none known", coded=True),
            Column("Value #H", "Triggered (UTC)", DATE, empty="none known", coded=True),
        ],
        by=[("Run date", True)],
    )


def _unusable() -> Panel:
    return grid(
        Card(
            "Fields that cannot be used",
            "Fields and columns that were there and had a type or a value that says nothing here. What follows from "
            "them is unknown; the exporter's status page names each of them.",
            "Fine if nothing was read yet; a kind that could not be read is left out",
            8,
            8,
        ),
        [Ask(best(metrics.UNUSABLE))],
        [Column("pipeline", "Pipeline"), Column("kind", "Record"), Column("Value", "Fields", COUNT, empty="unknown")],
        by=[("Fields", True)],
    )

"""Phase and processor: one piece of work, what it should have done by when, and what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import catalogue as metrics
from exporter.model import HeartbeatState
from exporter.present.words import TRIGGERS as TRIGGER_WORDS
from exporter.present.words import WORDS
from exporter.shipped.alerts import alert_of
from exporter.shipped.forms import RUNBOOK_BASE
from grafana import words
from grafana.frame import TITLES, Board, address
from grafana.overview import processors, standing
from grafana.panels import (
    DATE,
    RATIO,
    SECONDS,
    Ask,
    Card,
    Column,
    bands,
    grid,
    lines,
    numbers,
    prose,
    ref,
    states,
)
from grafana.queries import age, best, milliseconds, numbered, one_of, or_none

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grafana_foundation_sdk.models.dashboard import Panel

UID = "orchestration-phase"
DOCUMENT = "{{run_date}} {{pipeline}} {{phase}}"
ONE = f"{DOCUMENT} {{{{processor}}}}"
CHECK = "{{run_date}} {{pipeline}} {{check}}"
BEATING = (HeartbeatState.RUNNING, HeartbeatState.STALE, HeartbeatState.DEAD)


def phase() -> Board:
    """The dashboard that most alerts link to, with the variables filled."""
    return Board(
        uid=UID,
        title=TITLES[UID],
        description="One phase or processor: what was due, what was registered, what is in its table. Times are UTC.",
        rows=[
            [_trigger(), _registered(), processors(width=10)],
            [_times()],
            [_registering(), _counting(), _bounds()],
            [_heartbeat(), _heartbeat_states()],
            [_punctuality(), _ratio(), _coverage()],
            [_documents(), _meanings()],
        ],
    )


def _trigger() -> Panel:
    return states(
        Card(
            "Trigger",
            "What became of the trigger of the next phase. blocked: what finished meets the rule, what is registered "
            "does not. stuck: the rule is met and nothing was triggered. Both need somebody.",
            "Fine if the phase's trigger is not judged, or it keeps no completion documents",
            7,
            5,
        ),
        [Ask(numbered(metrics.TRIGGER_STATE, words.codes(words.TRIGGERS)), DOCUMENT)],
        words.coded(words.TRIGGERS),
    )


def _registered() -> Panel:
    return numbers(
        Card(
            "Registered",
            "Processors that the completion document should have, and how many of these it has.",
            "Fine if the phase keeps no completion documents",
            7,
            5,
        ),
        [
            Ask(best(metrics.REGISTERED), f"{DOCUMENT} registered"),
            Ask(best(metrics.EXPECTED), f"{DOCUMENT} expected"),
        ],
    )


def _times() -> Panel:
    absent = f"0 * ({best(metrics.PROCESSOR_REGISTERED)} == 0) - 2"
    return grid(
        Card(
            "When each was due, wrote, beat and registered (UTC)",
            "Deadline, newest row, last heartbeat of this data date, entry in the completion document. All in UTC; "
            "the deadline is set in the pipeline's own zone (America/New_York in the shipped presets). Late is the "
            "entry after the deadline; negative is early.",
            "Not fine: the exporter says nothing about this selection",
            24,
            10,
        ),
        [
            Ask(standing()),
            Ask(milliseconds(metrics.PROCESSOR_DUE)),
            Ask(or_none(milliseconds(metrics.WRITTEN_AT), metrics.CRITICAL)),
            Ask(or_none(milliseconds(metrics.HEARTBEAT_AT), metrics.CRITICAL)),
            Ask(or_none(f"{milliseconds(metrics.COMPLETED_AT)}\nor\n{absent}", metrics.CRITICAL)),
            Ask(f"{best(metrics.COMPLETED_AT)} - {best(metrics.PROCESSOR_DUE)}"),
        ],
        [
            Column("Value #A", "Standing", shades=words.RANKS, empty="unknown", filled=True, width=110),
            Column("run_date", "Run date", width=110),
            Column("pipeline", "Pipeline", width=100),
            Column("phase", "Phase", width=100),
            Column("processor", "Processor", opens=address(UID, processor="processor", phase="phase")),
            Column("verdict", "Verdict", shades=words.VERDICTS, filled=True),
            Column("Value #B", "Due", DATE, empty="no deadline"),
            Column("Value #C", "Newest row", DATE, empty="none known", coded=True),
            Column("Value #D", "Last beat", DATE, empty="none known", coded=True),
            Column("Value #E", "Registered", DATE, {"-2": words.REGISTERED["0"]}, empty="none known", coded=True),
            Column("Value #F", "Late by", SECONDS, empty="cannot be said"),
        ],
        by=[("Standing", True)],
    )


def _registering() -> Panel:
    return lines(
        Card(
            "Registered against expected",
            "Processors registered in the completion document as the day goes on; dashed is how many it should have. "
            "A line that falls while the document lives on is a lost update.",
            "Fine if the phase keeps no completion documents",
            8,
            9,
        ),
        [Ask(best(metrics.REGISTERED), f"{DOCUMENT} registered"), Ask(best(metrics.EXPECTED), f"{DOCUMENT} expected")],
        dashed=[ref(1)],
    )


def _counting() -> Panel:
    return lines(
        Card(
            "Registered count against counted rows",
            "The record_count of the entry (what one run wrote) and rows in the table (what all runs left), dashed. "
            "They may differ lawfully; Reconciliation says which difference is impossible.",
            "Fine before anything was registered or written",
            8,
            9,
        ),
        [Ask(best(metrics.RECORD_COUNT), f"{ONE} registered"), Ask(best(metrics.TABLE_ROWS), f"{ONE} in the table")],
        dashed=[ref(1)],
    )


def _bounds() -> Panel:
    return lines(
        Card(
            "Rows against their bounds",
            "Rows of the data date in the processor's table; dashed are the fewest and the most that are "
            "expected. Below: data is missing. Above: it is there more than once.",
            "Fine if nothing is expected, or before the first count of the day",
            8,
            9,
        ),
        [
            Ask(best(metrics.TABLE_ROWS), f"{ONE} rows"),
            Ask(best(metrics.ROWS_MIN), f"{ONE} at least"),
            Ask(best(metrics.ROWS_MAX), f"{ONE} at most"),
        ],
        dashed=[ref(1), ref(2)],
    )


def _heartbeat() -> Panel:
    beating = best(metrics.HEARTBEAT_STATE, one_of("state", BEATING))
    return lines(
        Card(
            "Heartbeat age against its threshold",
            "How old the last beat is of each processor that says it runs; dashed is the age at which a beat counts "
            "as stale. The age of a heartbeat that has ended says nothing, so it is not shown.",
            "Fine: none of these processors says that it runs",
            8,
            9,
        ),
        [
            Ask(f"{age(metrics.HEARTBEAT_AT)}\nand ignoring (state)\n{beating} == 1", ONE),
            Ask(best(metrics.STALE_AFTER), "stale after ({{pipeline}})"),
        ],
        SECONDS,
        dashed=[ref(1)],
    )


def _heartbeat_states() -> Panel:
    return bands(
        Card(
            "What each heartbeat says of this work",
            "One band a processor. completed does not mean success, it is written when a run ended, however it did. "
            "other_date proves nothing about this date.",
            "Fine if the pipeline keeps no heartbeats",
            16,
            9,
        ),
        [
            Ask(
                numbered(metrics.HEARTBEAT_STATE, words.codes(words.HEARTBEATS)),
                ONE,
            )
        ],
        words.coded(words.HEARTBEATS),
    )


def _punctuality() -> Panel:
    return lines(
        Card(
            "Registered before or after the deadline",
            "How long after its deadline each entry was completed; below zero is before it. Over some days it shows "
            "who gets later. The second time axis is in New York, the zone of the shipped presets' deadlines.",
            "Fine before anything was registered",
            8,
            9,
        ),
        [Ask(f"{best(metrics.COMPLETED_AT)} - {best(metrics.PROCESSOR_DUE)}", ONE)],
        SECONDS,
        zones=["utc", "America/New_York"],
    )


def _ratio() -> Panel:
    covered, eligible = best(metrics.COVERED), best(metrics.ELIGIBLE)
    return lines(
        Card(
            "Coverage against its bounds",
            "Covered rows over those that the check asks about; excluded rows are in neither. Dashed are the target "
            "and the ratios below which coverage is low and critically low.",
            "Fine if the pipeline has no coverage check, or nothing is expected",
            8,
            9,
        ),
        [
            Ask(f"{covered} / ({eligible} > 0)", CHECK),
            Ask(best(metrics.TARGET), f"{CHECK} target"),
            Ask(best(metrics.WARN), f"{CHECK} low below"),
            Ask(best(metrics.COVERAGE_CRITICAL), f"{CHECK} critically low below"),
        ],
        RATIO,
        dashed=[ref(1), ref(2), ref(3)],
    )


def _coverage() -> Panel:
    return lines(
        Card(
            "Rows of the coverage checks",
            "All rows of the checked table, stacked: covered, not covered though they should be, left out for a "
            "reason, and unclassified. Rows left out count neither for nor against the coverage.",
            "Fine if the pipeline has no coverage check, or nothing is expected",
            8,
            9,
        ),
        [
            Ask(best(metrics.COVERED), f"{CHECK} covered"),
            Ask(f"{best(metrics.ELIGIBLE)} - {best(metrics.COVERED)}", f"{CHECK} not covered"),
            Ask(best(metrics.EXCLUDED), f"{CHECK} left out: {{{{reason}}}}"),
            Ask(best(metrics.UNCLASSIFIED), f"{CHECK} unclassified"),
        ],
        stacked=True,
    )


def _documents() -> Panel:
    return lines(
        Card(
            "Heartbeat documents",
            "Documents in the heartbeat collection, one a processor when all is well; dashed are the numbers that "
            "are too many and far too many.",
            "Fine if the pipeline keeps no heartbeats",
            8,
            11,
        ),
        [
            Ask(best(metrics.HEARTBEAT_DOCUMENTS), "{{pipeline}}"),
            Ask(best(metrics.DOCUMENTS_WARN), "{{pipeline}} too many"),
            Ask(best(metrics.DOCUMENTS_CRITICAL), "{{pipeline}} far too many"),
        ],
        dashed=[ref(1), ref(2)],
    )


def _meanings() -> Panel:
    return prose(
        Card(
            "What the verdicts mean, and what to do first",
            "Every verdict and trigger state that says something is wrong, worst first.",
            "Fine: this is a text",
            16,
            11,
        ),
        "\n".join(_table()),
    )


def _table() -> Iterable[str]:
    yield "| says | it | so | do first |"
    yield "|---|---|---|---|"
    for state, said in (*WORDS.items(), *TRIGGER_WORDS.items()):
        yield f"| [{state}]({RUNBOOK_BASE}/{alert_of(state).runbook}) | {said.did} | {said.effect} | {said.first} |"

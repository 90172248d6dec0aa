"""Pipeline overview: is anything wrong, what, and since when; for whoever was just paged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import catalogue as metrics
from exporter.model import Verdict
from exporter.present.words import WORDS
from exporter.shipped.alerts import alert_of
from exporter.shipped.forms import RUNBOOK_BASE
from grafana import words
from grafana.frame import TITLES, Board, address
from grafana.panels import (
    COUNT,
    DATE,
    SECONDS,
    Ask,
    Card,
    Column,
    alerts,
    bands,
    cells,
    grid,
    moments,
    numbers,
    ref,
    states,
)
from grafana.queries import ALL_BUT_WATCHDOG, age, applies, best, milliseconds, numbered, or_none, select, verdicts

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

UID = "orchestration-overview"
BY_PHASE = "pipeline, phase, run_date"

UNKNOWN_RUNBOOK = alert_of("source_unreachable").name
NO_RUNBOOK = "README"
FIRST = {
    **{
        alert_of(verdict).name: words.Shade(said.first, words.VERDICTS[verdict].colour)
        for verdict, said in WORDS.items()
    },
    UNKNOWN_RUNBOOK: words.Shade("see which source does not answer", words.UNKNOWN),
    NO_RUNBOOK: words.Shade("nothing", words.NOTHING),
}
"""What to do first, by the runbook that has the rest."""

FIRING = f"{{{ALL_BUT_WATCHDOG}}}"
"""Which alerts are listed: all of the exporter's own, but for the sign of life."""


def overview() -> Board:
    """The first dashboard to open."""
    return Board(
        uid=UID,
        title=TITLES[UID],
        description="Is anything wrong with the pipeline, what, and since when. Times are UTC.",
        rows=[
            [processors(width=9), _phases_complete(), _deadline(), _age(), _sources()],
            [_phases(), _counts(), _alerts()],
            [_today()],
            [_timeline()],
            [_last_days(), _heartbeats()],
        ],
    )


def processors(width: int) -> Panel:
    """How many processors stand how."""
    return numbers(
        Card(
            "Processors",
            "How many processors of the selected run dates stand how. At fault: a verdict that says something is "
            "wrong. Unknown: a record that the answer needs could not be read; it is neither well nor at fault. "
            "Pending: running or not due. Well: done, or nothing was expected.",
            "Not fine: the exporter says nothing about this selection",
            width,
            5,
        ),
        [
            Ask(f"sum({verdicts(*standing.verdicts)}) or 0 * count({best(metrics.VERDICT)})", standing.text)
            for standing in words.STANDINGS
        ],
        alarming=["at fault"],
    )


def standing() -> str:
    """Every processor, its verdict and that verdict's runbook as labels; the worse it stands, the larger the value."""
    told = [
        *((words.STANDINGS[0].rank, (verdict,), alert_of(verdict).name) for verdict in words.STANDINGS[0].verdicts),
        (words.STANDINGS[1].rank, words.STANDINGS[1].verdicts, UNKNOWN_RUNBOOK),
        *((group.rank, group.verdicts, NO_RUNBOOK) for group in words.STANDINGS[2:]),
    ]
    return "\nor\n".join(
        f'{rank} * label_replace({verdicts(*values)}, "runbook", "{runbook}", "", "")' for rank, values, runbook in told
    )


def _phases_complete() -> Panel:
    registered, expected = best(metrics.REGISTERED), best(metrics.EXPECTED)
    return numbers(
        Card(
            "Phases complete",
            "Phases, one for each selected run date, whose completion document has every processor that it should "
            "have; and how many of them should have any.",
            "Fine if no phase of this selection keeps completion documents",
            4,
            5,
        ),
        [
            Ask(f"count({registered} >= ({expected} > 0)) or 0 * count({expected} > 0)", "complete"),
            Ask(f"count({expected} > 0)", "of"),
        ],
    )


def _deadline() -> Panel:
    due = best(metrics.PROCESSOR_DUE)
    return moments(
        Card(
            "Next deadline (UTC)",
            "When the next processor of this selection is due, and how long that is from now. Shown in UTC; the "
            "deadline itself is set in the pipeline's own zone (America/New_York in the shipped presets), so it "
            "moves by an hour in UTC when the clocks change there.",
            "Fine: nothing of this selection is due any more",
            4,
            5,
        ),
        Ask(f"1000 * min({due} > time())", "at"),
        Ask(f"min({due} > time()) - time()", "in"),
    )


def _age() -> Panel:
    return numbers(
        Card(
            "Age of the report",
            "How old the newest report is from which all of this is read. A report is made after every collection, "
            "once a minute by default: some minutes more and nobody watches the pipeline.",
            "Not fine: no exporter of this selection has made a report",
            3,
            5,
        ),
        [Ask(age_of_report(), "old")],
        SECONDS,
    )


def age_of_report() -> str:
    """Seconds since the newest report was made."""
    return f"time() - max({select(metrics.REPORT_AT)})"


def _sources() -> Panel:
    return sources(4)


def sources(width: int) -> Panel:
    """Whether each source answers."""
    return states(
        Card(
            "Sources",
            "Whether the exporter's last attempt reached each source. What is not reached becomes unknown, and "
            "alerts about it fall silent: this is where that shows.",
            "Not fine: no exporter of this selection is up",
            width,
            5,
        ),
        [Ask(best(metrics.SOURCE_UP), "{{source}}")],
        words.REACHED,
    )


def _phases() -> Panel:
    return grid(
        Card(
            "Phases",
            "Each phase's completion document: how many of its processors are registered, how many should be, and "
            "what became of the trigger of the next phase. blocked and stuck need somebody. A phase without a "
            "trigger state has none that is judged. Due is UTC; deadlines are set in the pipeline's own zone "
            "(America/New_York in the shipped presets).",
            "Not fine: the exporter says nothing about this selection",
            12,
            9,
        ),
        [
            Ask(applies(metrics.TRIGGER_STATE)),
            Ask(or_none(best(metrics.REGISTERED), metrics.MODE)),
            Ask(or_none(best(metrics.EXPECTED), metrics.MODE)),
            Ask(milliseconds(metrics.PHASE_DUE)),
        ],
        [
            Column("run_date", "Run date"),
            Column("pipeline", "Pipeline"),
            Column("phase", "Phase", opens=address("orchestration-phase", phase="phase", run_date="run_date")),
            Column("Value #B", "Registered", COUNT, empty="none known", coded=True),
            Column("Value #C", "of", COUNT, empty="unknown", coded=True),
            Column("state", "Trigger", shades=words.TRIGGERS, empty="not judged", filled=True),
            Column("Value #D", "Due (UTC)", DATE, empty="no deadline"),
        ],
        by=[("Run date", True)],
    )


def _counts() -> Panel:
    return grid(
        Card(
            "Verdicts",
            "How many processors have which verdict; the panel's runbooks say what to do about the frequent ones.",
            "Not fine: the exporter says nothing about this selection",
            5,
            9,
        ),
        [Ask(f"count by (verdict) ({applies(metrics.VERDICT)})")],
        [
            Column("verdict", "Verdict", shades=words.VERDICTS),
            Column("Value", "Processors", COUNT, empty="0", width=100),
        ],
        by=[("Processors", True)],
    )


def _alerts() -> Panel:
    return alerts(
        Card(
            "Alerts",
            "The exporter's alerts that fire or are about to, of every pipeline. The sign of life "
            "is left out. Grafana reads them through the data source, which has to allow "
            "that (Manage alerts via Alerting UI).",
            "Fine: nothing fires",
            7,
            9,
        ),
        FIRING,
    )


def _today() -> Panel:
    opens = address("orchestration-phase", phase="phase", run_date="run_date", processor="processor")
    return grid(
        Card(
            "Processors, record by record",
            "What Firestore's completion document, the heartbeat and BigQuery say of each processor's work, and what "
            "follows from the three. What is at fault stands first. A click on a processor opens it, a click on what "
            "to do first opens the runbook.",
            "Not fine: the exporter says nothing about this selection",
            24,
            12,
        ),
        [
            Ask(standing()),
            Ask(or_none(best(metrics.PROCESSOR_REGISTERED), metrics.CRITICAL)),
            Ask(applies(metrics.HEARTBEAT_STATE)),
            Ask(or_none(best(metrics.TABLE_ROWS), metrics.CRITICAL)),
            Ask(best(metrics.CRITICAL)),
        ],
        [
            Column("Value #A", "Standing", shades=words.RANKS, empty="unknown", filled=True, width=110),
            Column("run_date", "Run date", width=110),
            Column("pipeline", "Pipeline", width=100),
            Column("phase", "Phase", width=100),
            Column("processor", "Processor", opens=opens),
            Column("Value #E", "Critical", shades=words.CRITICAL, empty="unknown", width=90),
            Column("Value #B", "Firestore", shades=words.REGISTERED, empty="unknown", coded=True),
            Column("state", "Heartbeat", shades=words.HEARTBEATS, empty="unknown"),
            Column("Value #D", "BigQuery rows", COUNT, empty="unknown", coded=True),
            Column("verdict", "Verdict", shades=words.VERDICTS, filled=True),
            Column("runbook", "Do first", shades=FIRST, opens=f"{RUNBOOK_BASE}/${{__value.raw}}.md", width=420),
        ],
        by=[("Standing", True), ("Critical", True)],
    )


def _timeline() -> Panel:
    return bands(
        Card(
            "Verdict of each processor",
            "One band a processor and run date: which verdict it had, and since when.",
            "Not fine: the exporter said nothing about this selection in this time",
            24,
            14,
        ),
        [
            Ask(
                numbered(metrics.VERDICT, words.codes(words.VERDICTS)),
                "{{run_date}} {{pipeline}} {{phase}} {{processor}}",
            )
        ],
        words.coded(words.VERDICTS),
    )


def _last_days() -> Panel:
    unknown = f"count by ({BY_PHASE}) ({verdicts(Verdict.UNKNOWN)})"
    wrong = f"count by ({BY_PHASE}) ({verdicts(*words.STANDINGS[0].verdicts)})"
    some = f"count by ({BY_PHASE}) ({best(metrics.CRITICAL)})"
    return cells(
        Card(
            "Processors at fault, the last seven days",
            "One row a phase and run date, as long as it was exposed: how many of its processors were at fault. "
            "Where none was and not all was known, it says unknown. The time selected above does not change it.",
            "Fine in the first two hours of an exporter's life",
            18,
            9,
        ),
        [Ask(f"{wrong}\nor\n0 - (0 * {unknown} + 1)\nor\n0 * {some}", "{{run_date}} {{pipeline}} {{phase}}")],
        {"-1": words.Shade("unknown", words.UNKNOWN), "0": words.Shade("none", words.WELL)},
        since="7d",
        every="2h",
    )


def _heartbeats() -> Panel:
    return numbers(
        Card(
            "Heartbeats",
            "How long ago any processor of the pipeline beat, and how many documents the heartbeat collection has: "
            "one a processor when all is well.",
            "Fine if the pipeline keeps no heartbeats; not if they cannot be read",
            6,
            9,
        ),
        [
            Ask(age(metrics.LAST_HEARTBEAT), "{{pipeline}} last beat, ago"),
            Ask(best(metrics.HEARTBEAT_DOCUMENTS), "{{pipeline}} documents"),
        ],
        seconds=[ref(0)],
    )

"""Calls and document reads of one cycle, counted by the servers that are called, through Google's own clients.

python -m benchmarks.calls PROCESSORS TABLES LEFTOVERS    counts one cycle of the exporter and one of the old scripts
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.child import live_briefly, obey
from benchmarks.figures import Row, short
from benchmarks.processes import Child
from benchmarks.world import DATES, NOW, PHASES, PIPELINE, config_of, processors
from exporter.reconcile.expectations import run_dates
from exporter.sources.queries import CONTEXT, MAXIMUM_PARTS, ROW_COUNTS

if TYPE_CHECKING:
    from exporter.config.resolved import Config
    from exporter.emulators.firestore import FirestoreServer
    from testing.bigquery_rest import BigQueryRest

LEFTOVERS = 10_000
"""Heartbeat documents that old images left behind; the incident report counts 106,000."""
SHARED_TABLES = 400
HEARTBEATS_EACH = 2
"""Ids that a processor's heartbeat may have: its own and its asynchronous twin's."""
FIRESTORE_CALLS = 3
"""One batch of documents, one of heartbeats, one aggregation."""
CALLS_PER_JOB = 3
"""Its beginning, its result, and what became of it."""
DOCUMENTS_PER_READ = 1_000
"""What one aggregation counts for the price of a document read."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One cycle: Firestore's calls and the reads that it bills, BigQuery's jobs and all calls to it."""

    firestore_calls: int
    document_reads: int
    jobs: int
    bigquery_calls: int

    @property
    def calls(self) -> int:
        return self.firestore_calls + self.bigquery_calls

    def __str__(self) -> str:
        return (
            f"{self.firestore_calls:,} Firestore calls, {self.document_reads:,} reads,"
            f" {self.jobs:,} jobs in {self.bigquery_calls:,} calls"
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """The exporter's cycle and the scripts'; `exporter_again` is its second, and must be like the first."""

    exporter: Cost
    exporter_again: Cost
    scripts: Cost


def measure(*, smallest: bool = False) -> list[Row]:
    """A cycle with few processors, with many that share tables, and with as many tables as processors."""
    few, many, shared, leftovers = (2, 8, 4, 50) if smallest else (5, 2_000, SHARED_TABLES, LEFTOVERS)
    small = _counted(few, few, leftovers)
    return [
        _row(few, few, leftovers, small, small),
        _row(many, shared, leftovers, _counted(many, shared, leftovers), small),
        _row(many, many, leftovers, _counted(many, many, leftovers), small),
    ]


def _row(count: int, tables: int, leftovers: int, found: Compared, small: Compared) -> Row:
    """The cycle's row: as many calls as `small` has, but for the further queries that so many tables need."""
    cost, scripts = found.exporter, found.scripts
    queries = math.ceil(tables / MAXIMUM_PARTS)
    jobs = small.exporter.jobs + queries - 1
    calls = small.exporter.bigquery_calls + CALLS_PER_JOB * (queries - 1)
    reads = document_ids(count) + math.ceil((leftovers + count) / DOCUMENTS_PER_READ)
    why = "" if queries == 1 else f": {queries} for the rows of {tables:,} tables, {MAXIMUM_PARTS} a query, and 1"
    return Row(
        f"calls a cycle, {count:,} processors, {tables:,} tables, {leftovers:,} left-over heartbeats",
        str(cost),
        f"the old scripts: {scripts}",
        f"{short(scripts.calls / cost.calls)} x fewer calls",
        "none" if found.exporter_again == cost else f"next cycle: {found.exporter_again}",
        f"<= {FIRESTORE_CALLS} Firestore calls, {reads:,} reads, {jobs} jobs{why}",
        found.exporter_again == cost
        and cost.firestore_calls <= FIRESTORE_CALLS
        and cost.document_reads <= reads
        and cost.jobs <= jobs <= queries + 1
        and cost.bigquery_calls <= calls,
    )


def document_ids(count: int) -> int:
    """Ids of the configuration: completion documents of every phase and exposed date and its neighbours, heartbeats."""
    return min(count, PHASES) * (DATES + 2) + count * HEARTBEATS_EACH


def _counted(count: int, tables: int, leftovers: int) -> Compared:
    with Child("benchmarks.calls", count, tables, leftovers) as child:
        return Compared(**{name: Cost(**cost) for name, cost in child.ready.items()})


def compare(count: int, tables: int, leftovers: int) -> Compared:
    """Run both against local servers that count."""
    from benchmarks.seed_scripts import look
    from exporter.collect.collectors import Collectors
    from exporter.emulators.firestore import FirestoreServer, close
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.bigquery import BigQueryWarehouse
    from exporter.sources.firestore import FirestoreStore
    from exporter.sources.ports import Sources
    from testing.bigquery_rest import BigQueryRest

    found = config_of(count, tables=tables)
    with FirestoreServer(project=found.project, clock=lambda: NOW) as firestore, BigQueryRest() as bigquery:
        _fill(firestore, found, leftovers)
        _teach(bigquery, tables)
        telemetry = Telemetry()
        store = FirestoreStore(
            project=found.project, database="(default)", telemetry=telemetry, endpoint=firestore.address
        )
        warehouse = BigQueryWarehouse(
            project=found.project,
            limits=found.collect.warehouse_limits,
            telemetry=telemetry,
            clock=lambda: NOW,
            zone=found.timezone,
            endpoint=bigquery.address,
        )
        collectors = Collectors(
            found, Sources(store, warehouse), telemetry, lambda: NOW, lambda _: None, wait_for_all=True
        )
        cycles = []
        for _ in range(2):
            before = _cost(firestore, bigquery)
            collectors.run_all()
            cycles.append(_difference(_cost(firestore, bigquery), before))
        failed = {name: state.failures for name, state in telemetry.collectors().items() if state.failures}
        assert not failed, failed
        Sources(store, warehouse).close()

        before = _cost(firestore, bigquery)
        client = firestore.client()
        seen = look(found, run_dates(found, NOW), client, bigquery.client(found.project))
        close(client)
        scripts = _difference(_cost(firestore, bigquery), before)
        assert seen.heartbeats == count, seen
        return Compared(cycles[0], cycles[1], scripts)


def _fill(firestore: FirestoreServer, found: Config, leftovers: int) -> None:
    pipeline = found.pipelines[PIPELINE]
    assert pipeline.heartbeats is not None
    collection = pipeline.heartbeats.collection
    beat = {"status": "completed", "last_heartbeat": NOW, "data_date": "2026-02-01"}
    documents: dict[str, dict[str, object]] = {
        f"{collection}/{one.heartbeats[0]}": {"processor_name": one.heartbeats[0], **beat}
        for _, one in processors(found)
    }
    for number in range(leftovers):
        documents[f"{collection}/Old_2025-12-01_{number}"] = {"processor_name": "Old", **beat}
    for day in run_dates(found, NOW):
        for phase in pipeline.phases.values():
            entry = {"status": "success", "completed_at": NOW, "record_count": 12}
            documents[f"{phase.collection}/{day}"] = dict.fromkeys(phase.processors, entry)
    firestore.put_all(documents)


def _teach(bigquery: BigQueryRest, tables: int) -> None:
    """Answers of the shape that is asked for: a row a table, an empty context, one count."""
    from testing.bigquery_rest import Rows

    answers = []
    for start in range(0, tables, MAXIMUM_PARTS):
        asked = min(MAXIMUM_PARTS, tables - start)
        rows = [[part, NOW.date(), 12, str(NOW), None, None] for part in range(asked)]
        answers.append(Rows(ROW_COUNTS, rows, bytes_processed=1))
    bigquery.answer(Rows({"n": "INT64"}, [[12]], bytes_processed=1))
    bigquery.answer(Rows(CONTEXT, [], bytes_processed=1), when="AS counts")
    bigquery.answer(*answers, *answers, when="AS counted")


def _cost(firestore: FirestoreServer, bigquery: BigQueryRest) -> Cost:
    return Cost(
        firestore.calls.total, firestore.calls.documents_read, bigquery.calls["jobs.insert"], bigquery.calls.total()
    )


def _difference(after: Cost, before: Cost) -> Cost:
    start = asdict(before)
    return Cost(**{name: value - start[name] for name, value in asdict(after).items()})


if __name__ == "__main__":
    live_briefly()
    obey(**asdict(compare(*map(int, sys.argv[1:]))))

"""One collection without a scheduler, and the exit code that follows from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.cli import exits
from exporter.cli.exits import exit_code
from exporter.cli.output import printed
from exporter.collect.once import collect_once
from exporter.config.load import load
from exporter.memory.documents import Memory as Remembering
from exporter.metrics.telemetry import Telemetry
from exporter.model import CoverageCounts, Document, DocumentId, ErrorKind, RowCount, TriggerState
from exporter.present.explanations import explain_text
from exporter.present.summary import summarize
from exporter.present.words import NO_MEMORY
from testing.builders import DAY, ONE_DAY, entry, on
from testing.exposition import parse_text
from testing.memory import Memory
from testing.reports import changed

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.collect.once import Outcome

OVERLAY = {
    "documents": {"past": 0, "future": 0},
    "pipelines": {"nba": {"phases": {"phase3": {"next": None}, "phase4": None, "phase5": None, "grading": None}}},
}
LOADED = load(preset="nba", overlay=OVERLAY, environ={})
PROCESSORS = LOADED.config.pipelines["nba"].phases["phase3"].processors


@pytest.fixture(name="memory")
def _memory() -> Memory:
    """A day on which everything is there."""
    memory = Memory()
    memory.store.held[DocumentId("phase3_completion", DAY)] = Document(
        entries={name: entry() for name in PROCESSORS}, triggered=True
    )
    both = (DAY - ONE_DAY, DAY)
    memory.warehouse.rows = {day: RowCount(12, on("15:00")) for day in both}
    for processor in PROCESSORS.values():
        if processor.rows_per_unit and processor.rows_per_unit.minimum > 2:
            memory.warehouse.tables[processor.table] = {day: RowCount(200, on("15:00")) for day in both}
    memory.warehouse.units = dict.fromkeys(both, 6)
    return memory


def collected(memory: Memory) -> Outcome:
    return collect_once(LOADED, memory.open, lambda: on("18:00"))


def code(memory: Memory) -> int:
    outcome = collected(memory)
    return exit_code(outcome.report, outcome.unread)


def test_a_day_without_discrepancy_exits_with_zero(memory: Memory) -> None:
    assert code(memory) == exits.OK


def test_discrepancies_exit_with_one(memory: Memory) -> None:
    memory.store.held.clear()

    assert code(memory) == exits.DISCREPANCIES


def test_discrepancies_take_precedence_over_unknown_verdicts(memory: Memory) -> None:
    memory.store.held.clear()
    memory.store.orders["heartbeats"].fail(ErrorKind.UNREACHABLE)

    assert code(memory) == exits.DISCREPANCIES


def told(outcome: Outcome) -> str:
    """What `check` prints after it has said that it has no memory, in one line."""
    text = " ".join(printed(outcome, "table").split())
    assert text.startswith(NO_MEMORY)
    return text.removeprefix(NO_MEMORY).strip()


def test_low_coverage_alone_exits_with_one(memory: Memory) -> None:
    memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 50, {"dnp": 94})}
    outcome = collected(memory)

    assert told(outcome).startswith("Coverage minutes_played of nba, rows of 2026-01-31, is 42.4% (50 of 118), below")
    assert exit_code(outcome.report, outcome.unread) == exits.DISCREPANCIES


def test_too_many_heartbeat_documents_alone_exit_with_one(memory: Memory) -> None:
    memory.store.size = 1_000_000
    outcome = collected(memory)

    assert told(outcome).startswith("1,000,000 heartbeat documents of nba, more than ")
    assert exit_code(outcome.report, outcome.unread) == exits.DISCREPANCIES


def test_a_condition_beside_an_unknown_verdict_exits_with_two(memory: Memory) -> None:
    memory.store.size = 1_000_000
    memory.store.orders["heartbeats"].fail(ErrorKind.UNREACHABLE)
    outcome = collected(memory)

    assert told(outcome).startswith("Cannot tell: ")
    assert exit_code(outcome.report, outcome.unread) == exits.UNKNOWN


def test_an_unknown_trigger_exits_with_two(memory: Memory) -> None:
    outcome = collected(memory)
    report = changed(outcome.report, of_phase=lambda phase: replace(phase, trigger_state=TriggerState.UNKNOWN))

    assert str(summarize(report)).startswith("Cannot tell: trigger of phase3 ")
    assert exit_code(report) == exits.UNKNOWN


@pytest.mark.parametrize("call", ["documents", "heartbeats", "count"])
def test_a_failed_part_of_firestore_without_discrepancy_exits_with_two(memory: Memory, call: str) -> None:
    memory.store.orders[call].fail(ErrorKind.PERMISSION_DENIED)

    assert code(memory) == exits.UNKNOWN


@pytest.mark.parametrize("call", ["rows", "context"])
def test_a_failed_part_of_bigquery_without_discrepancy_exits_with_two(memory: Memory, call: str) -> None:
    memory.warehouse.orders[call].fail(ErrorKind.QUOTA)

    assert code(memory) == exits.UNKNOWN


def test_an_outage_on_a_day_that_expects_nothing_is_no_all_clear(memory: Memory) -> None:
    memory.warehouse.units = dict.fromkeys((DAY - ONE_DAY, DAY), 0)
    memory.store.orders["documents"].fail(ErrorKind.UNREACHABLE)

    assert code(memory) == exits.UNKNOWN


def test_a_collector_that_could_not_read_everything_is_named_with_the_reason(memory: Memory) -> None:
    memory.store.orders["count"].fail(ErrorKind.TIMEOUT)

    outcome = collected(memory)

    assert outcome.unread == {"heartbeat_count": "timeout"}
    assert told(outcome).startswith("Cannot tell: not all of Firestore could be read (timeout).")


def test_the_sources_are_closed_if_collecting_fails(memory: Memory) -> None:
    memory.store.orders["documents"].error = ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        collected(memory)

    assert (memory.store.closed, memory.warehouse.closed) == (True, True)


def test_all_formats_have_the_same_content(memory: Memory) -> None:
    outcome = collected(memory)

    verdicts = {item["verdict"] for item in json.loads(printed(outcome, "json"))["processors"].values()}
    families = {family.name: family for family in parse_text(printed(outcome, "metrics"))}
    ones = {
        sample.labels["verdict"] for sample in families["orchestration_processor_verdict"].samples if sample.value == 1
    }
    assert verdicts == ones == {"ok"}
    assert told(outcome).startswith("All well: 5 processors checked")


def test_an_overwrite_that_a_running_exporter_saw_is_reported(memory: Memory, tmp_path: Path) -> None:
    key = DocumentId("phase3_completion", DAY)
    whole = memory.store.held[key]
    name = next(iter(PROCESSORS))
    less = {other: found for other, found in whole.entries.items() if other != name}
    loaded = load(preset="nba", overlay={**OVERLAY, "ledger": {"path": str(tmp_path / "ledger.sqlite")}}, environ={})
    running = Remembering(loaded.config.ledger, Telemetry())
    for at, entries in (("15:04", whole.entries), ("15:05", less), ("15:06", whole.entries)):
        memory.store.held[key] = replace(whole, entries=entries, update_time=on(at))
        running.observe(
            {key: memory.store.held[key]}, list(PROCESSORS), on(at), longest_gap=timedelta(hours=1), everything=True
        )

    outcome = collect_once(loaded, memory.open, lambda: on("18:00"))
    running.close()

    assert exit_code(outcome.report, outcome.unread) == exits.OK
    table = " ".join(printed(outcome, "table").split())
    assert f"1 entry was overwritten and restored ({name})." in table
    assert f"- {name}: its entry was there at 15:04:00Z" in explain_text(outcome.report)


def test_the_metrics_of_one_collection_have_the_exporter_s_own(memory: Memory) -> None:
    families = {family.name: family for family in parse_text(printed(collected(memory), "metrics"))}

    runs = families["orchestration_exporter_collector_runs"].samples
    assert {sample.labels["collector"]: sample.value for sample in runs} == dict.fromkeys(
        ("completion", "heartbeats", "heartbeat_count", "warehouse"), 1
    )
    assert families["orchestration_exporter_series"].samples[0].value > 100

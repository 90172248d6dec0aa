"""One reading of many run dates: what it costs, and what it says it will."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collect.season import MOST_DAYS, expense, of_dates, read_season
from exporter.config.load import load
from exporter.model import ErrorKind, RowCount, Verdict
from exporter.sources.budget import LEAST_BYTES_PER_TABLE
from testing.builders import DAY, ONE_DAY, on
from testing.memory import Memory

if TYPE_CHECKING:
    from exporter.collect.season import SeasonRead

NOW = on("18:00")
LOADED = load(preset="nba", environ={})


def read(memory: Memory, days: int) -> SeasonRead:
    return read_season(of_dates(LOADED, DAY - ONE_DAY * (days - 1), DAY), memory.open, lambda: NOW)


@pytest.mark.parametrize(("days", "batches"), [(30, 1), (60, 1), (MOST_DAYS, 2)])
def test_a_season_is_two_jobs_and_as_many_batches_as_it_says(days: int, batches: int) -> None:
    memory = Memory()

    read(memory, days)
    cost = expense(of_dates(LOADED, DAY - ONE_DAY * (days - 1), DAY).config, NOW)

    calls = {name: orders.calls for name, orders in {**memory.store.orders, **memory.warehouse.orders}.items()}
    assert calls == {"documents": batches, "heartbeats": 1, "count": 0, "rows": 1, "context": 1}
    assert (cost.jobs, cost.batches) == (2, batches + 1)


def test_what_it_will_cost_grows_in_document_reads_alone() -> None:
    month, whole = (expense(of_dates(LOADED, DAY - ONE_DAY * days, DAY).config, NOW) for days in (29, MOST_DAYS - 1))

    assert (month.jobs, month.tables, month.size) == (whole.jobs, whole.tables, whole.size)
    assert month.size == month.tables * LEAST_BYTES_PER_TABLE
    assert whole.documents - month.documents == 2 * (MOST_DAYS - 30)


def test_a_configuration_without_documents_and_heartbeats_asks_firestore_nothing() -> None:
    bare = load(
        preset="nba",
        overlay={
            "pipelines": {
                "nba": {
                    "heartbeats": None,
                    "phases": {"phase3": {"collection": None, "trigger": None}, "phase4": {"collection": None}},
                }
            }
        },
        environ={},
    )

    cost = expense(of_dates(bare, DAY, DAY).config, NOW)

    assert (cost.documents, cost.heartbeats, cost.batches) == (0, 0, 0)


@pytest.mark.parametrize(("source", "call"), [("store", "documents"), ("store", "heartbeats"), ("warehouse", "rows")])
def test_a_source_that_fails_leaves_its_part_unknown_and_is_named(source: str, call: str) -> None:
    memory = Memory()
    days = [DAY - ONE_DAY * number for number in range(-2, 5)]
    memory.warehouse.units = dict.fromkeys(days, 6)
    memory.warehouse.rows = dict.fromkeys(days, RowCount(12, on("15:00")))
    getattr(memory, source).orders[call].fail(ErrorKind.QUOTA)

    found = read(memory, 3)

    assert set(found.unread.values()) == {"quota"}
    if call != "heartbeats":
        assert Verdict.UNKNOWN in {one.verdict for one in found.season.report.processors}


def test_the_sources_are_closed_if_reading_fails() -> None:
    memory = Memory()
    memory.store.orders["documents"].error = ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        read(memory, 3)

    assert (memory.store.closed, memory.warehouse.closed) == (True, True)

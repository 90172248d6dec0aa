from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.telemetry import CollectorState, Telemetry
from exporter.model import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    telemetry = Telemetry()
    telemetry.collector_known("warehouse")
    return telemetry


def test_a_known_collector_has_done_nothing_yet(telemetry: Telemetry) -> None:
    assert telemetry.collectors() == {"warehouse": CollectorState()}


def test_what_a_collector_did_stays_when_it_is_made_known_again(telemetry: Telemetry) -> None:
    telemetry.collector_ran("warehouse", seconds=1, at=10, failures=[], success=True)

    telemetry.collector_known("warehouse")

    assert telemetry.collectors()["warehouse"].runs == 1


def test_a_good_run(telemetry: Telemetry) -> None:
    telemetry.collector_ran("warehouse", seconds=1.5, at=10, failures=[], success=True)

    assert telemetry.collectors()["warehouse"] == CollectorState(runs=1, duration=1.5, last_success=10, last_attempt=10)


def test_a_failed_run_leaves_the_last_success_where_it_was(telemetry: Telemetry) -> None:
    telemetry.collector_ran("warehouse", seconds=1, at=10, failures=[], success=True)
    telemetry.collector_ran("warehouse", seconds=2, at=20, failures=["timeout"], success=False)

    state = telemetry.collectors()["warehouse"]
    assert (state.runs, state.duration, state.last_success, state.last_attempt) == (2, 2, 10, 20)
    assert state.failures == {"timeout": 1}
    assert state.failing == {"timeout"}


def test_a_run_counts_each_of_its_reasons_once(telemetry: Telemetry) -> None:
    telemetry.collector_ran("warehouse", seconds=1, at=10, failures=["not_found", "not_found", "quota"], success=True)
    telemetry.collector_ran("warehouse", seconds=1, at=20, failures=["quota"], success=True)

    state = telemetry.collectors()["warehouse"]
    assert state.failures == {"not_found": 1, "quota": 2}
    assert state.failing == {"quota"}


def test_a_good_run_ends_the_failing(telemetry: Telemetry) -> None:
    telemetry.collector_ran("warehouse", seconds=1, at=10, failures=["quota"], success=False)
    telemetry.collector_ran("warehouse", seconds=1, at=20, failures=[], success=True)

    state = telemetry.collectors()["warehouse"]
    assert state.failing == frozenset()
    assert state.failures == {"quota": 1}


def test_skipped_runs_are_counted_by_reason_and_are_no_runs(telemetry: Telemetry) -> None:
    for reason in ("missed", "busy", "missed"):
        telemetry.collector_skipped("warehouse", reason)

    state = telemetry.collectors()["warehouse"]
    assert (state.skipped, state.runs) == ({"missed": 2, "busy": 1}, 0)


def test_a_source_has_the_error_of_its_last_attempt(telemetry: Telemetry) -> None:
    telemetry.source_attempted("firestore", ErrorKind.TIMEOUT)
    telemetry.source_attempted("bigquery", ErrorKind.QUOTA)
    telemetry.source_attempted("firestore", None)

    assert telemetry.sources() == {"firestore": None, "bigquery": ErrorKind.QUOTA}


def test_totals_grow_and_values_are_replaced(telemetry: Telemetry) -> None:
    assert (telemetry.total("jobs"), telemetry.value("budget_remaining")) == (0, None)

    telemetry.add("jobs")
    telemetry.add("jobs", 2)
    telemetry.set("budget_remaining", 5)
    telemetry.set("budget_remaining", 0)

    assert (telemetry.total("jobs"), telemetry.value("budget_remaining")) == (3, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda telemetry: telemetry.collector_known("completion"),
        lambda telemetry: telemetry.collector_ran("warehouse", seconds=1, at=1, failures=[], success=True),
        lambda telemetry: telemetry.collector_skipped("warehouse", "busy"),
        lambda telemetry: telemetry.source_attempted("firestore", None),
        lambda telemetry: telemetry.add("jobs"),
        lambda telemetry: telemetry.set("budget_remaining", 1),
    ],
)
def test_the_version_grows_with_every_change(telemetry: Telemetry, change: Callable[[Telemetry], None]) -> None:
    before = telemetry.version

    change(telemetry)

    assert telemetry.version == before + 1


def test_reading_changes_no_version(telemetry: Telemetry) -> None:
    before = telemetry.version

    telemetry.collectors()
    telemetry.sources()
    telemetry.total("jobs")
    telemetry.value("budget_remaining")

    assert telemetry.version == before


def test_what_was_read_does_not_change_afterwards(telemetry: Telemetry) -> None:
    collectors, sources = telemetry.collectors(), telemetry.sources()

    telemetry.collector_ran("warehouse", seconds=1, at=1, failures=["quota"], success=False)
    telemetry.source_attempted("bigquery", None)

    assert collectors == {"warehouse": CollectorState()}
    assert sources == {}


def test_threads_lose_no_count(telemetry: Telemetry) -> None:
    def work(_: int) -> None:
        for _ in range(200):
            telemetry.add("jobs")
            telemetry.collector_skipped("warehouse", "busy")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert telemetry.total("jobs") == 1600
    assert telemetry.collectors()["warehouse"].skipped == {"busy": 1600}
    assert telemetry.version == 1 + 3200

"""One local Firestore and one local BigQuery a worker: starting them costs more than most tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.incidents.local import LocalSources, SimulatedClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def clock() -> SimulatedClock:
    """The clock of the local sources; each test sets it."""
    return SimulatedClock()


@pytest.fixture(scope="session")
def _running(clock: SimulatedClock) -> Iterator[LocalSources]:
    with LocalSources(clock) as local:
        yield local


@pytest.fixture
def local(_running: LocalSources, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSources]:
    """Local sources; the environment names them, as it would for Google's own tools. A test's faults end with it."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", _running.firestore.address)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", _running.gate.address)
    yield _running
    _running.fault({})

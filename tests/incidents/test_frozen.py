"""How often a replay asks its sources: as often as they change, however many minutes are watched."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.incidents.incident import Step, parse_incident
from exporter.incidents.replay import Replayer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources, SimulatedClock

HOUR = timedelta(hours=1)


def _incident(faults: str) -> Incident:
    return parse_incident(f"title: t\nclock: 2026-02-01T06:00:00Z\nfaults: {faults}\n", "x")


@pytest.fixture
def started(local: LocalSources, clock: SimulatedClock, request: pytest.FixtureRequest) -> Iterator[Replayer]:
    """An incident with these faults, every collector run once at its clock."""
    replayer = Replayer(_incident(request.param), local, clock)
    local.firestore.calls.reset()
    replayer.collect()
    yield replayer
    replayer.close()


def _asked(local: LocalSources) -> tuple[int, int]:
    return local.firestore.calls.total, local.gate.calls.total()


@pytest.mark.parametrize("started", ["{}"], indirect=True)
def test_sources_that_do_not_change_are_read_once_a_day(started: Replayer, local: LocalSources) -> None:
    before = _asked(local)

    for minute in range(1, 181):
        started.at(started.incident.clock + timedelta(minutes=minute))
        started.collect()

    assert _asked(local) == before


@pytest.mark.parametrize(
    "started",
    [f"{{firestore: {fault}, bigquery: {fault}}}" for fault in ("timeout", "unreachable", "quota")],
    indirect=True,
)
def test_sources_with_a_fault_are_asked_no_oftener_in_days_than_in_a_minute(
    started: Replayer, local: LocalSources
) -> None:
    before = _asked(local)

    for hour in range(1, 97):
        started.at(started.incident.clock + hour * HOUR)
        started.collect()

    assert _asked(local) == before
    # Every run counts as a failed one all the same, as in an exporter that asked each time.
    fault = started.incident.faults["firestore"]
    failures = {name: dict(state.failures) for name, state in started.telemetry.collectors().items()}
    assert failures == {name: {fault: 97} for name in started.collectors.collectors}


@pytest.mark.parametrize("started", ["{firestore: unreachable}"], indirect=True)
def test_a_fault_that_comes_back_is_remembered(started: Replayer, local: LocalSources) -> None:
    start = started.incident.clock
    started.step(Step(at=start + HOUR, faults={}))
    started.collect()
    assert started.telemetry.sources()["firestore"] is None
    before = local.firestore.calls.total

    started.step(Step(at=start + 2 * HOUR, faults={"firestore": "unreachable"}))
    started.collect()
    started.step(Step(at=start + 3 * HOUR, firestore={}))
    started.collect()

    assert local.firestore.calls.total == before
    assert str(started.telemetry.sources()["firestore"]) == "unreachable"


@pytest.mark.parametrize("started", ["{}"], indirect=True)
def test_a_fault_is_said_by_its_name_though_the_machine_is_slow(started: Replayer, local: LocalSources) -> None:
    started.step(Step(at=started.incident.clock + HOUR, faults={"bigquery": "quota"}))
    local.gate.delay = 0.4

    started.collect("warehouse")

    local.gate.delay = 0.0
    assert str(started.telemetry.sources()["bigquery"]) == "quota"

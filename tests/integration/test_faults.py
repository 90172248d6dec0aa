"""Every fault of a source, at every time: the verdicts are right or unknown, and right again when it is over."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from exporter.model import Verdict
from testing.real_day import FIRESTORE, Day
from testing.waiting import until
from testing.wire import Wire, WireFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.local import LocalSources, SimulatedClock

MINUTE = timedelta(minutes=1)
COLLECTORS = {"firestore": FIRESTORE, "bigquery": ("warehouse",)}
ORDERED = {"denied": "permission_denied", "quota": "quota"}
"""Faults that the server itself answers with."""
NOT_FOUND = "not found"
FAULTS = [*WireFault, *ORDERED, NOT_FOUND]
LIMIT_SECONDS = 0.6
"""Of a run with a fault: those that hang last as long."""


class Scene:
    """The healthy day, read through wires that can fail."""

    def __init__(self, day: Day, wires: dict[str, Wire]) -> None:
        self.day, self._wires = day, wires

    def order(self, source: str, fault: str | None) -> None:
        """Let the source have this fault, or none."""
        day = self.day
        day.local.fault({source: ORDERED[fault]} if fault in ORDERED else {})
        self._wires[source].set(WireFault(fault) if fault in set(WireFault) else None)
        if fault == NOT_FOUND and source == "firestore":
            day.local.firestore.faults.fail("NOT_FOUND", message="The database (default) does not exist")
        elif fault == NOT_FOUND:
            day.local.gate.fault = "not_found"
        day.shorten(LIMIT_SECONDS if fault else 30)

    def collect(self, after: timedelta = timedelta()) -> set[Verdict]:
        self.day.clock.now += after
        self.day.collectors.run_all(*FIRESTORE, "warehouse")
        return set(self.day.verdicts().values())


@pytest.fixture(name="scene")
def _scene(local: LocalSources, clock: SimulatedClock) -> Iterator[Scene]:
    firestore, bigquery = (urlsplit(f"//{local.firestore.address}"), urlsplit(local.gate.address))
    with Wire(firestore.port or 0) as one, Wire(bigquery.port or 0) as other:
        day = Day(local, clock, firestore=f"127.0.0.1:{one.port}", bigquery=f"http://127.0.0.1:{other.port}")
        try:
            yield Scene(day, {"firestore": one, "bigquery": other})
        finally:
            day.close()


@pytest.mark.parametrize("source", COLLECTORS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_makes_a_verdict_wrong_at_the_start_in_mid_run_or_flapping(
    scene: Scene, source: str, fault: str
) -> None:
    day = scene.day
    scene.order(source, fault)
    at_start = scene.collect()
    telling = [day.failing(name) for name in COLLECTORS[source]]
    down = day.telemetry.sources()[source]

    scene.order(source, None)
    back = scene.collect(MINUTE)

    meanwhile, again = set[Verdict](), set[Verdict]()
    for _ in range(2):
        scene.order(source, fault)
        meanwhile |= scene.collect(MINUTE)
        scene.order(source, None)
        again |= scene.collect(MINUTE)

    scene.order(source, fault)
    late = scene.collect(timedelta(hours=2))

    assert at_start <= {Verdict.UNKNOWN, Verdict.NOT_EXPECTED}
    assert all(telling)
    assert down is not None
    assert back == again == {Verdict.OK}
    assert meanwhile <= {Verdict.OK, Verdict.UNKNOWN}
    assert late <= {Verdict.UNKNOWN}


def test_faults_leave_no_threads_behind(scene: Scene) -> None:
    scene.collect()
    before = threading.active_count()
    for fault in (WireFault.HANG, WireFault.EMPTY, WireFault.RESET):
        for source in COLLECTORS:
            scene.order(source, fault)
            scene.collect(MINUTE)
            scene.order(source, None)
            scene.collect(MINUTE)

    # Those of the local servers, which serve a connection each.
    assert until(lambda: threading.active_count() <= before + 4, "threads to end")

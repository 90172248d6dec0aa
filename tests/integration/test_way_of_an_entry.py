"""How many files an entry passes from Firestore's client to its sample.

One entry carries a number that occurs nowhere else. A value holds the entry if its `repr` shows that number: the
client's message, the decoded `Document`, the `Snapshot`, the evidence, the `Report`, the samples. A file is passed if
it hands such a value on: one of its functions calls a function of another file with it, or returns it to one. Files
that only read the entry, as those that make hints do, are the ends of branches and are not passed. Nor is an object
handed on by a call of its own method. The way ends with the sample; its bytes come after it.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import exporter
from exporter.config.load import load
from exporter.metrics.catalogue import RECORD_COUNT, report_samples
from exporter.run.service import Service
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from exporter.incidents.local import LocalSources, SimulatedClock

PROJECT = "nba-props-platform"
DOCUMENT = "phase3_completion/2026-02-01"
PROCESSOR = "player_game_summary"
NUMBER = 72_654_321
ROOT = f"{Path(exporter.__file__).parent}/"
NOT_ON_THE_WAY = ("emulators/", "incidents/", "metrics/exposition.py")
MOST = 14


class Way:
    """Notes the files of the package that hand the entry on, while `noting` is set."""

    def __init__(self) -> None:
        self.noting = False
        self.passed: set[str] = set()
        self._inside = threading.local()

    def trace(self, frame: FrameType, event: str, returned: object) -> None:
        """What `sys.setprofile` calls at each call and return."""
        if not self.noting or event not in {"call", "return"} or getattr(self._inside, "yes", False):
            return
        callee, caller = _file(frame), _caller(frame)
        if callee is None or caller is None or callee == caller:
            return
        # The `repr` of a value is made by calls as well.
        self._inside.yes = True
        try:
            if event == "return" and holds_entry(returned):
                self.passed.add(callee)
            elif event == "call" and any(map(holds_entry, _arguments(frame))):
                self.passed.add(caller)
        finally:
            self._inside.yes = False


def holds_entry(value: object) -> bool:
    return str(NUMBER) in repr(value)


def _arguments(frame: FrameType) -> list[object]:
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [frame.f_locals.get(name) for name in names if name != "self"]


def _file(frame: FrameType) -> str | None:
    """The file of the package that a frame is in; None for another one, or one beside the way."""
    name = frame.f_code.co_filename
    inside = name.removeprefix(ROOT)
    return inside if inside != name and not inside.startswith(NOT_ON_THE_WAY) else None


def _caller(frame: FrameType) -> str | None:
    """The nearest file of the package that called this one, libraries between them left out."""
    back = frame.f_back
    while back is not None and not back.f_code.co_filename.startswith(ROOT):
        back = back.f_back
    return _file(back) if back else None


@pytest.fixture(name="way")
def _way() -> Iterator[Way]:
    way = Way()
    before = sys.getprofile()
    threading.setprofile(way.trace)
    sys.setprofile(way.trace)
    yield way
    sys.setprofile(before)
    threading.setprofile(None)


def put(local: LocalSources, count: int) -> None:
    entry = {"status": "success", "completed_at": datetime(2026, 2, 1, 18, tzinfo=UTC), "record_count": count}
    local.firestore.put_all({DOCUMENT: {PROCESSOR: entry}}, project=PROJECT)


@pytest.mark.parametrize("by", ["reading", "listener"])
def test_an_entry_passes_at_most_fourteen_files_from_the_client_to_its_sample(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path, way: Way, by: str
) -> None:
    clock.now = datetime(2026, 2, 2, 18, tzinfo=UTC)
    overlay = {
        "documents": {"past": 1, "future": 0, "follow": by == "listener"},
        # No second reading while the listener reports.
        "collect": {"completion": {"every": "1h"}},
        "ledger": {"path": str(tmp_path / "ledger")},
    }
    loaded = load(preset="nba", overlay=overlay, environ={})
    local.firestore.reset()
    # Rows would say how they differ from the entry, which are branches of the way.
    local.fault({"bigquery": "permission_denied"})
    put(local, 1 if by == "listener" else NUMBER)
    service = Service(lambda: loaded, lambda one, telemetry: local.open(one.config, telemetry), clock)

    def arrived() -> bool:
        return any(value == NUMBER for _, value in report_samples(service.report)[RECORD_COUNT])

    try:
        way.noting = by == "reading"
        service.start()
        if by == "listener":
            until(lambda: service.telemetry.value("listener_connected") == 1, "the listener")
            until(lambda: not service.ready(), "the first readings")
            way.noting = True
            put(local, NUMBER)
        until(arrived, "the sample")
        way.noting = False
    finally:
        service.stop()

    assert {"sources/documents.py", "reconcile/report.py", "metrics/rendering.py"} <= way.passed
    assert len(way.passed) <= MOST, " ".join(sorted(way.passed))

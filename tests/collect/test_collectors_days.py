"""Days on which clocks change, in zones where that is awkward, lived through hour by hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from exporter.model import Verdict
from testing.builders import OFFENSE, ONE_DAY, by_processing_date
from testing.collecting import Scene

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        pytest.param("America/New_York", date(2026, 3, 8), id="New York, an hour less"),
        pytest.param("America/New_York", date(2026, 11, 1), id="New York, an hour twice"),
        pytest.param("America/Havana", date(2026, 3, 8), id="Havana, no midnight"),
        pytest.param("America/Havana", date(2026, 11, 1), id="Havana, midnight twice"),
        pytest.param("Australia/Lord_Howe", date(2026, 10, 4), id="Lord Howe, half an hour"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), id="Apia, a day that never was"),
        pytest.param("Asia/Kathmandu", date(2026, 3, 8), id="Kathmandu, never, at a quarter to"),
    ],
)
def test_on_days_when_clocks_change_each_day_is_due_once_and_at_its_local_time(zone: str, change: date) -> None:
    local = ZoneInfo(zone)
    scene = Scene(replace(by_processing_date(past=2), timezone=local))
    scene.memory.warehouse.units = {change + ONE_DAY * shift: 6 for shift in range(-8, 5)}
    start = datetime.combine(change - ONE_DAY, time(1, 7), UTC)
    verdicts: dict[date, list[tuple[bool, Verdict]]] = {}

    for hour in range(60):
        now = scene.clock.now = start + hour * HOUR
        for name in ("completion", "warehouse"):
            scene.collectors.run(name)
        today = now.astimezone(local).date()
        phases = [item for item in scene.reports[-1].phases if item.phase == "phase3"]
        assert [item.run_date for item in phases] == [today - 2 * ONE_DAY, today - ONE_DAY, today]
        for phase in phases:
            processor = next(item for item in phase.processors if item.processor == OFFENSE)
            verdicts.setdefault(phase.run_date, []).append((now >= processor.due, processor.verdict))
            if (phase.run_date, zone) != (date(2011, 12, 30), "Pacific/Apia"):
                assert processor.due.astimezone(local).replace(tzinfo=None) == datetime.combine(
                    phase.run_date, time(11, 30)
                )

    assert {verdict for seen in verdicts.values() for due, verdict in seen if due} == {Verdict.MISSING}
    assert {verdict for seen in verdicts.values() for due, verdict in seen if not due} == {Verdict.NOT_DUE}
    assert all([due for due, _ in seen] == sorted(due for due, _ in seen) for seen in verdicts.values())

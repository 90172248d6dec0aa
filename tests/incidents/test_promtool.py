"""Rules evaluated by promtool: they fire when they say, and rules with a fault are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.incidents.promtool import Rules, WatchError
from exporter.incidents.watch import History
from exporter.metrics.catalogue import REGISTERED

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.metrics.samples import Samples

MINUTES = 100
SERIES_OF_A_WATCH = {
    'up{job="j"}': "1x100",
    'a{job="j"}': "0x39 1x9 0x50",
    'b{job="j"}': "0x100",
    'c{job="j"}': "_x70 5x30",
}


def _rules(folder: Path, *rules: str) -> Rules:
    lines = "\n".join(f"      - {{{rule}}}" for rule in rules)
    (folder / "own.yml").write_text(f"groups:\n  - name: own\n    rules:\n{lines}\n")
    return Rules(folder)


def _times(rules: Rules) -> dict[str, list[int]]:
    times: dict[str, list[int]] = {}
    for minute, alerts in rules.firing(SERIES_OF_A_WATCH, MINUTES).items():
        for labels in alerts:
            times.setdefault(labels["alertname"], []).append(minute)
    return {name: [min(minutes), max(minutes)] for name, minutes in times.items()}


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("rules", "fires"),
    [
        (["alert: Never, expr: b > 0"], {}),
        (["alert: Once, expr: a > 0"], {"Once": [40, 49]}),
        (["alert: Long, expr: a > 0, for: 5m, keep_firing_for: 10m"], {"Long": [45, 59]}),
        (["alert: TooShort, expr: a > 0, for: 20m"], {}),
        (["alert: Late, expr: vector(time()) >= 5950"], {"Late": [100, 100]}),
        (["alert: Clock, expr: minute() == 59"], {"Clock": [59, 59]}),
        (["alert: Gone, expr: absent(c)"], {"Gone": [0, 69]}),
        (["record: 'a:twice', expr: a * 2", "alert: Recorded, expr: 'a:twice == 2'"], {"Recorded": [40, 49]}),
        (["alert: Nameless, expr: '{job=\"j\"} == 5'"], {"Nameless": [70, 100]}),
        (
            ["alert: First, expr: a > 0, for: 2m", "alert: Second, expr: 'ALERTS{alertname=\"First\"}'"],
            {"First": [42, 49], "Second": [40, 49]},
        ),
        (["alert: Of, expr: 'b > 0 or a > 0'", "alert: Never, expr: b > 0"], {"Of": [40, 49]}),
        (["alert: AtTheEnd, expr: 'a @ end() > 0'"], {"AtTheEnd": [40, 49]}),
    ],
    ids=lambda value: value[0].partition(",")[0] if isinstance(value, list) else "",
)
def test_an_alert_fires_when_its_rule_says(rules: list[str], fires: dict[str, list[int]], tmp_path: Path) -> None:
    assert _times(_rules(tmp_path, *rules)) == fires


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    "rule",
    [
        "alert: A, expr: 'sum('",
        "alert: A, expr: up, annotations: {summary: '{{ nonsense }}'}",
        "alert: A, expr: up, colour: red",
    ],
    ids=["expression", "annotation", "field"],
)
def test_a_rule_with_a_fault_is_refused(rule: str, tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="promtool failed"):
        _rules(tmp_path, rule)


def test_series_are_written_in_runs() -> None:
    history = History(datetime(2026, 2, 1, tzinfo=UTC))
    values = [3.0, 3.0, 4.0, None, None, 4.0, 4.0]

    for minute, value in enumerate(values):
        samples: Samples = {REGISTERED: [('phase="p"', value)] if value is not None else []}
        history.add(minute, samples)

    found = history.series(9)
    name = f'{REGISTERED.name}{{phase="p",job="orchestration-exporter",instance="localhost:9189"}}'
    assert found.pop(name) == "3+0x1 4 stale _x1 4+0x1 stale _x1"
    assert found == {'up{job="orchestration-exporter",instance="localhost:9189"}': "1+0x8"}

"""The conditions of the exporter itself."""

from __future__ import annotations

import pytest

from exporter.collect.own import PATIENCE, own_conditions
from exporter.metrics.telemetry import Telemetry
from exporter.model import Condition, Since
from exporter.shipped.alerts import alert_of
from testing.builders import on
from tools.alerting.rulefiles import seconds

NOON = on("18:00")


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ({}, {}),
        ({"listener_connected": 1}, {}),
        ({"listener_connected": 0, "listener_down_since": "17:46"}, {}),
        ({"listener_connected": 0, "listener_down_since": "17:45"}, {Condition.LISTENER_DOWN: "17:45"}),
        ({"ledger_durable": 1}, {}),
        ({"ledger_durable": 0}, {Condition.LEDGER_FAILING: "18:00"}),
        ({"ledger_durable": 0, "ledger_failing_since": "17:30"}, {Condition.LEDGER_FAILING: "17:30"}),
        ({"ledger_durable": 1, "ledger_failing_since": "17:30"}, {}),
        ({"reload_refused_at": "17:59"}, {Condition.RELOAD_REFUSED: "17:59"}),
    ],
)
def test_each_holds_from_when_its_alert_would(
    values: dict[str, str | float], held: dict[Condition, str | None]
) -> None:
    telemetry = Telemetry()
    for name, value in values.items():
        telemetry.set(name, on(value).timestamp() if isinstance(value, str) else value)

    found = {one.condition: one for one in own_conditions(telemetry, ["nba"], NOON)}

    assert {key: one.since for key, one in found.items() if one.holds} == {
        key: Since(on(at)) if at else None for key, at in held.items()
    }
    assert {key for key, one in found.items() if one.text} == set(held)


def test_a_listener_and_a_ledger_that_nobody_wants_are_unknown() -> None:
    found = {one.condition: one.holds for one in own_conditions(Telemetry(), ["nba"], NOON)}

    assert found == {Condition.LISTENER_DOWN: None, Condition.LEDGER_FAILING: None, Condition.RELOAD_REFUSED: False}


def test_a_listener_has_as_long_to_come_back_as_its_alert_waits() -> None:
    assert PATIENCE.total_seconds() == seconds(alert_of(Condition.LISTENER_DOWN).pending)

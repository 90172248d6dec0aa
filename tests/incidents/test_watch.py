"""Watching an incident: what fires, when, and what is said where the rules or the tool are not as they should be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.incidents import promtool
from exporter.incidents.incident import AlertExpectation, load_incident
from exporter.incidents.promtool import WatchError
from exporter.incidents.replay import replay
from exporter.incidents.watch import Alert, alert_failures

if TYPE_CHECKING:
    from exporter.incidents.local import LocalSources, SimulatedClock

LOST = Path(__file__).parents[1] / "incidents" / "lost-update.yaml"
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def _rules(folder: Path, text: str) -> Path:
    (folder / "own.yml").write_text(f"groups:\n  - name: own\n    rules:\n{text}")
    return folder


@pytest.mark.usefixtures("_programs")
def test_an_alert_says_each_time_it_began_to_fire(tmp_path: Path, local: LocalSources, clock: SimulatedClock) -> None:
    rules = _rules(
        tmp_path,
        "      - alert: Waiting\n"
        "        expr: 'orchestration_phase_processors_registered == 2'\n"
        "        labels: {severity: info, odd: 'a \"quoted\" {brace}'}\n"
        "      - alert: Registered\n"
        "        expr: 'orchestration_phase_processors_registered == 1'\n"
        "        for: 2m\n",
    )

    alerts = replay(load_incident(LOST), local, clock, rules=rules).alerts

    assert alerts is not None
    found = {alert.name: alert for alert in alerts}
    assert [f"{moment:%H:%M}" for moment in found["Waiting"].firing_at] == ["15:01"]
    assert found["Waiting"].labels["odd"] == 'a "quoted" {brace}'
    assert found["Waiting"].json() == {
        "alertname": "Waiting",
        "severity": "info",
        "labels": dict(found["Waiting"].labels),
        "firing_at": ["2026-01-31T15:01:00Z"],
    }
    # The entry changes at 15:04:29 and is seen at 15:05; two minutes later it has been so for two minutes.
    assert [f"{moment:%H:%M}" for moment in found["Registered"].firing_at] == ["15:07"]


@pytest.mark.usefixtures("_programs")
def test_timestamps_are_on_promtools_clock(tmp_path: Path, local: LocalSources, clock: SimulatedClock) -> None:
    rules = _rules(
        tmp_path,
        "      - alert: Due\n        expr: 'time() >= orchestration_phase_due_timestamp_seconds'\n",
    )

    alerts = replay(load_incident(LOST.with_name("2026-01-23-stuck-running.yaml")), local, clock, rules=rules).alerts

    # Due at 11:30 in New York, which is 16:30 UTC: after the watch.
    assert alerts == ()


@pytest.mark.usefixtures("_programs")
def test_a_series_that_comes_and_goes_is_absent_in_between(
    tmp_path: Path, local: LocalSources, clock: SimulatedClock
) -> None:
    rules = _rules(
        tmp_path, "      - alert: Gone\n        expr: 'absent(orchestration_processor_record_count)'\n        for: 0m\n"
    )
    text = load_incident(LOST).model_copy(update={"firestore": {}})

    alerts = replay(text, local, clock, rules=rules).alerts

    assert alerts is not None
    assert [f"{moment:%H:%M}" for alert in alerts for moment in alert.firing_at] == ["15:01"]


def test_a_folder_without_rules_is_an_error(tmp_path: Path, local: LocalSources, clock: SimulatedClock) -> None:
    with pytest.raises(WatchError, match="no rule files"):
        replay(load_incident(LOST), local, clock, rules=tmp_path)


@pytest.mark.usefixtures("_programs")
def test_rules_that_promtool_refuses_are_an_error(tmp_path: Path, local: LocalSources, clock: SimulatedClock) -> None:
    rules = _rules(tmp_path, "      - alert: Broken\n        expr: 'sum('\n")

    with pytest.raises(WatchError, match="promtool failed"):
        replay(load_incident(LOST), local, clock, rules=rules)


def test_without_promtool_the_package_is_named(
    tmp_path: Path, local: LocalSources, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = _rules(tmp_path, "      - alert: A\n        expr: vector(1)\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(WatchError, match="apt-get install prometheus"):
        replay(load_incident(LOST), local, clock, rules=rules)


def test_a_promtool_that_hangs_is_an_error(
    tmp_path: Path, local: LocalSources, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = _rules(tmp_path, "      - alert: A\n        expr: vector(1)\n")
    hanging = tmp_path / "promtool"
    hanging.write_text("#!/bin/sh\n[ $1 = check ] || exec /bin/sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(promtool, "TIMEOUT_SECONDS", 0)
    monkeypatch.setattr(promtool, "TIMEOUT_SECONDS_PER_DAY", 24)

    with pytest.raises(WatchError, match="promtool did not end within 1 s"):
        replay(load_incident(LOST), local, clock, rules=rules)


def test_every_failed_expectation_on_alerts_is_reported() -> None:
    fired = [Alert("Loud", "critical", {"processor": "p"}, (NOON,)), Alert("Quiet", "info", {}, (NOON,))]
    expected = AlertExpectation(firing=["Loud", "Never"], silent=["Quiet"], no_severity=["critical"])

    assert list(alert_failures(expected, fired)) == [
        "alerts: Never did not fire",
        'alerts: Loud (critical) fired at 2026-02-01T12:00:00Z: processor="p"; nothing of that severity may fire',
        "alerts: Quiet (info) fired at 2026-02-01T12:00:00Z: ; it must stay silent",
    ]

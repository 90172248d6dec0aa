"""The running exporter from inside: what it serves from its start over reloads to its stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from exporter.config.load import load
from exporter.config.parsing import parse_yaml
from exporter.metrics import process
from exporter.metrics.catalogue import (
    SOURCE_UP,
)
from exporter.model import ErrorKind, Verdict
from testing.builders import on
from testing.collecting import COLLECTORS
from testing.waiting import until
from tests.run.serving import OVERLAY, NotingService, Scene

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


# --- start ------------------------------------------------------------------------------------------------------


def test_before_the_first_collection_everything_is_served_as_unknown(scene: Scene) -> None:
    report = scene.service.report

    assert {item.verdict for item in report.processors} == {Verdict.UNKNOWN}
    assert b'verdict="unknown"} 1\n' in scene.service.rendered().plain


def test_it_is_ready_when_every_collector_has_run_once(scene: Scene) -> None:
    before = scene.service.ready()
    scene.memory.warehouse.orders["context"].hang()
    scene.service.start()
    until(lambda: len(scene.service.ready()) == 1, "the other collectors")
    during = scene.service.ready()
    scene.memory.release()
    until(lambda: not scene.service.ready(), "the warehouse")

    assert before == tuple(f"collector {name} has not ended its first run" for name in COLLECTORS)
    assert during == ("collector warehouse has not ended its first run",)


def test_it_is_ready_although_its_sources_are_down(scene: Scene) -> None:
    for orders in scene.memory.all_orders():
        orders.fail(ErrorKind.UNREACHABLE)

    scene.start()

    assert scene.service.ready() == ()
    assert scene.live(SOURCE_UP, 'source="firestore"') == 0
    assert scene.live(SOURCE_UP, 'source="bigquery"') == 0
    assert {item.verdict for item in scene.service.report.processors} == {Verdict.UNKNOWN}


def test_a_stop_closes_the_sources(scene: Scene) -> None:
    scene.start()

    scene.service.stop()

    assert (scene.memory.store.closed, scene.memory.warehouse.closed) == (True, True)


def test_the_history_survives_a_restart_with_a_ledger(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    scene = Scene(file)
    scene.service.stop()
    scene.write(f"{OVERLAY}ledger: {{path: {tmp_path / 'ledger.sqlite'}}}\n")
    before = NotingService(lambda: load(file=file, environ={}), scene.memory.open, scene.clock)
    before.start()
    until(lambda: not before.ready(), "the first pass")
    before.stop()
    remembered = before.view().history
    scene.clock.now += timedelta(hours=1)
    after = NotingService(lambda: load(file=file, environ={}), scene.memory.open, scene.clock)
    at_once = after.view().history
    after.start()
    until(lambda: not after.ready(), "the first pass of the second")
    after.stop()

    known = {key: states for key, states in remembered.states.items() if states[-1].state != "unknown"}
    assert known
    assert {key: at_once.states[key] for key in known} == known
    assert {key: after.view().history.states[key][:1] for key in known} == {key: known[key][:1] for key in known}
    assert at_once.since == on("18:00")


# --- what is served ---------------------------------------------------------------------------------------------


def test_live_samples_are_computed_only_when_something_changed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_AGE_SECONDS", 3600.0)
    scene.start()

    first, second = scene.service.live(), scene.service.live()
    scene.service.telemetry.add("jobs")
    third = scene.service.live()

    assert first is second
    assert third is not first


def test_the_live_part_follows_the_process(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_AGE_SECONDS", 0.0)

    first = scene.service.live()

    assert until(lambda: scene.service.live() is not first, "some processor time to go by")


def test_the_status_is_rendered_once_a_report(scene: Scene) -> None:
    scene.start()

    first, second = scene.service.status_json(), scene.service.status_json()
    scene.clock.now = on("18:10")
    scene.reload()
    third = scene.service.status_json()

    assert first is second
    assert (json.loads(first)["at"], json.loads(third)["at"]) == ("2026-02-01T18:00:00Z", "2026-02-01T18:10:00Z")


def test_the_configuration_in_force_is_shown_whole(scene: Scene, tmp_path: Path) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(scene.service.config_yaml(), encoding="utf-8")

    assert load(file=shown, environ={}).config == load(file=scene.file, environ={}).config


def test_the_configuration_is_rendered_once_a_reload(scene: Scene) -> None:
    scene.start()
    first = scene.service.config_yaml(), scene.service.config_json()
    again = scene.service.config_yaml(), scene.service.config_json()
    scene.reload()

    assert first[0] is again[0]
    assert first[1] is again[1]
    assert parse_yaml(first[0]) == json.loads(first[1])
    assert scene.service.config_json() is not first[1]


def test_a_service_that_never_started_can_be_stopped(scene: Scene) -> None:
    scene.service.stop()
    scene.service.stop()

    assert scene.memory.store.closed


def test_the_process_is_measured_in_the_families_that_prometheus_users_know() -> None:
    samples = process.ProcessMetrics().samples()

    kinds = {family.name: family.kind for family in samples}
    assert kinds["process_cpu_seconds_total"] == "counter"
    assert kinds["process_resident_memory_bytes"] == "gauge"
    started = next(values for family, values in samples.items() if family.name == "process_start_time_seconds")
    assert 0 < started[0][1] <= datetime.now(UTC).timestamp()

"""The exporter as a process: how it starts, meets outages, reloads and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.shipped.alerts import alert_of
from testing.days import a_past_day
from testing.exposition import parse_text
from testing.interrupts import catches
from testing.processes import Process
from testing.prometheus import Prometheus
from testing.running import COMMAND, RunningExporter, command, environment, reading_the_seed
from testing.waiting import until

if TYPE_CHECKING:
    from exporter.incidents.local import LocalSources, SimulatedClock

DAY = a_past_day()
LABELS = f'pipeline="nba",phase="phase3",run_date="{DAY}"'
OFFENSE = f"nba/phase3/{DAY}/team_offense_game_summary"
UPCOMING = "upcoming_player_game_context"
QUICK = {
    name: {"every": "2s", "timeout": "1s", "max_staleness": "2s"}
    for name in ("completion", "heartbeats", "heartbeat_count")
}
STOP_SECONDS = 5.0
"""What a stop may take: Kubernetes and Docker wait longer, an operator at a terminal hardly does."""


def metric(exporter: RunningExporter, name: str, **labels: str) -> float | None:
    """The value of a series that the exporter serves, None if it serves none."""
    for family in parse_text(exporter.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def hang(local: LocalSources) -> None:
    """Let both sources take calls and never answer."""
    local.firestore.faults.hang()
    local.gate.fault = "timeout"


def descendants(process: int) -> list[str]:
    """The processes that a process has started and that are still there."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if parent == str(process):
                found.append(entry.name)
    return found


# --- end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_both_sources_hang_it_is_healthy_not_ready_and_ends_within_seconds(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path, number: signal.Signals
) -> None:
    starting = reading_the_seed(local, clock, tmp_path, DAY)
    asked = local.gate.calls["jobs.insert"]
    hang(local)
    with starting as exporter:
        until(lambda: local.gate.calls["jobs.insert"] > asked, "a query under way")
        ready, healthy = exporter.get("/-/ready"), exporter.get("/-/healthy")
        runs = metric(exporter, "orchestration_exporter_collector_runs_total", collector="completion")
        unknown = exporter.status()["unknown"]
        children = descendants(exporter.process.pid)

        exporter.signal(number)
        code = exporter.wait(STOP_SECONDS)

    assert (ready.status_code, healthy.status_code) == (503, 200)
    assert "- collector warehouse has not ended its first run" in ready.text.splitlines()
    # Five of phase 3, and the grading, of which nobody knows yet whether it is in use.
    assert (runs, unknown, children) == (0, 6, [])
    assert code == 0
    assert f"event=stopping signal={number.name}" in exporter.log
    assert "Traceback" not in exporter.log
    with socket.create_server(("127.0.0.1", exporter.client.base_url.port or 0)):
        """Its port is free again."""


def test_a_stop_during_reloads_starts_nothing_again(local: LocalSources, clock: SimulatedClock, tmp_path: Path) -> None:
    with reading_the_seed(local, clock, tmp_path, DAY) as exporter:
        hang(local)
        for _ in range(5):
            exporter.signal(signal.SIGHUP)
        exporter.signal(signal.SIGTERM)

        assert exporter.wait(STOP_SECONDS) == 0
    assert "Traceback" not in exporter.log


# --- start ------------------------------------------------------------------------------------------------------


def test_a_web_configuration_that_is_not_there_is_said_and_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"

    ended = command("run", "--preset", "nba", "--web.listen-address", "127.0.0.1:0", "--web.config.file", file)

    assert ended.code == 64
    assert str(file) in ended.err
    assert "Traceback" not in ended.err


def test_a_bad_configuration_is_said_and_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("preset: nba\ntimezone: Mars/Olympus\n")

    ended = command("run", "--config.file", file, "--web.listen-address", "127.0.0.1:0")

    assert ended.code == 64
    assert f"{file}:2:11: timezone:" in ended.err
    assert "Traceback" not in ended.err


def test_a_reload_that_is_asked_for_during_the_start_comes_after_it(tmp_path: Path) -> None:
    # It cannot get further than its configuration, which comes through a pipe.
    log, config, replacement = tmp_path / "log", tmp_path / "exporter.yaml", tmp_path / "replacement"
    os.mkfifo(config)
    with (
        log.open("w") as stream,
        Process(
            [COMMAND, "run", "--config.file", config, "--web.listen-address", "127.0.0.1:0"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stderr=stream,
        ) as process,
    ):
        until(lambda: catches(process.pid, signal.SIGTERM), "the program's first instruction")
        process.send_signal(signal.SIGHUP)
        with config.open("w") as pipe:  # It opens when the exporter reads.
            process.send_signal(signal.SIGHUP)
            replacement.write_text("preset: nba\n")
            replacement.replace(config)
            pipe.write("preset: nba\n")
        until(lambda: "event=serving" in log.read_text(), "the exporter to serve")
        until(lambda: 'event="configuration reloaded"' in log.read_text(), "the reload")
        process.terminate()
        process.wait(60)

    assert process.returncode == 0


def test_with_both_sources_down_it_starts_says_so_and_becomes_ready(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    starting = reading_the_seed(local, clock, tmp_path, DAY)
    local.fault({"firestore": "permission_denied", "bigquery": "permission_denied"})
    with starting as exporter:
        exporter.wait_until_ready()
        up = [metric(exporter, "orchestration_exporter_source_up", source=name) for name in ("firestore", "bigquery")]
        status = exporter.status()

    assert up == [0, 0]
    assert (status["unknown"], status["discrepancies"]) == (6, 0)
    assert "collector=warehouse source=bigquery reason=permission_denied" in exporter.log


@pytest.mark.usefixtures("_programs")
def test_prometheus_notices_when_a_source_goes_and_comes_back(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    up = "orchestration_exporter_source_up{source='firestore'}"
    unknown = f"sum(orchestration_processor_verdict{{{LABELS},verdict='unknown'}})"
    with (
        reading_the_seed(local, clock, tmp_path, DAY, collect={"pace": "fixed", **QUICK}) as exporter,
        Prometheus(tmp_path, exporter.client.base_url.netloc.decode()) as prometheus,
    ):
        until(lambda: prometheus.value(up) == 1, "a source that is up")
        last_success = prometheus.value(
            "orchestration_exporter_collector_last_success_timestamp_seconds{collector='completion'}"
        )
        local.fault({"firestore": "permission_denied"})
        until(lambda: prometheus.value(up) == 0, "a source that is down")
        until(lambda: prometheus.value(unknown) == 5, "verdicts that have become unknown")
        gone = prometheus.query(f"orchestration_processor_registered{{{LABELS}}}")
        refused = prometheus.value("orchestration_exporter_source_error{source='firestore',reason='permission_denied'}")
        local.fault({})
        until(lambda: prometheus.value(up) == 1, "the source to come back")
        until(lambda: prometheus.value(unknown) is None, "verdicts that are known again")

    assert last_success is not None
    assert last_success <= time.time()
    assert gone == []
    assert refused == 1


# --- reload -----------------------------------------------------------------------------------------------------


def test_a_reload_takes_a_new_file_refuses_a_bad_one_and_forgets_nothing(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    file, document = tmp_path / "exporter.yaml", f"phase3_completion/{DAY}"
    interval = "orchestration_exporter_collector_interval_seconds"
    successful = "orchestration_exporter_config_last_reload_successful"
    flags = ("--web.enable-lifecycle", "--web.runbooks=https://wiki.example.com/runbooks")
    with reading_the_seed(local, clock, tmp_path, DAY, *flags) as exporter:
        exporter.wait_until_ready()
        good, page = file.read_text(), exporter.get("/").text
        # A loss that happens before the reload and is seen only after it.
        entries = local.firestore.get(document, project="nba-props-platform") or {}
        local.firestore.put(document, {UPCOMING: entries[UPCOMING]}, project="nba-props-platform")

        file.write_text(good + "collect: {completion: {every: 45s}}\n")
        exporter.signal(signal.SIGHUP)
        until(lambda: metric(exporter, interval, collector="completion") == 45, "the new interval")
        until(lambda: exporter.status()["processors"][OFFENSE]["verdict"] == "lost_update", "the loss to be found")
        file.write_text(good + "colect: {}\n")
        exporter.signal(signal.SIGHUP)
        until(lambda: metric(exporter, successful) == 0, "the reload to fail")
        kept = metric(exporter, interval, collector="completion")
        ready = exporter.get("/-/ready").status_code
        refused = exporter.client.post("/-/reload")
        file.write_text(good)
        accepted = exporter.client.post("/-/reload")
        finally_successful = metric(exporter, successful)

    assert f"https://wiki.example.com/runbooks/{alert_of('blocked').runbook}" in page
    assert kept == 45
    assert ready == 200
    assert "reload failed, the old configuration stays" in exporter.log
    assert refused.status_code == 500
    assert "colect" in refused.text
    assert "colect" in exporter.log
    assert (accepted.status_code, accepted.text) == (200, "reloaded\n")
    assert finally_successful == 1

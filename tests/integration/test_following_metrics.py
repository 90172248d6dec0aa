"""What a listener tells reaches `/metrics` without waiting for the next poll, and outlives the process that saw it."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from exporter.memory.ledger import Ledger
from testing.days import a_past_day
from testing.exposition import parse_text
from testing.running import RunningExporter, command, reading_the_seed
from testing.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.incidents.local import LocalSources, SimulatedClock

DAY = a_past_day()
DOCUMENT = f"phase3_completion/{DAY}"
PROJECT = "nba-props-platform"
NEVER = {"collect": {name: {"every": "6h"} for name in ("completion", "heartbeats", "warehouse")}}


def series(exporter: RunningExporter, name: str, **labels: str) -> list[float]:
    return [
        float(sample.value)
        for family in parse_text(exporter.get("/metrics").text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def registered(exporter: RunningExporter) -> list[float]:
    return series(exporter, "orchestration_phase_processors_registered", phase="phase3")


def connected(exporter: RunningExporter) -> bool:
    return series(exporter, "orchestration_exporter_listener_connected") == [1.0]


def test_a_write_is_in_the_metrics_long_before_the_next_poll(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    with reading_the_seed(local, clock, tmp_path, DAY, **NEVER) as exporter:
        exporter.wait_until_ready()
        until(lambda: connected(exporter), "the listener")
        before = registered(exporter)

        local.firestore.merge(DOCUMENT, {"player_game_summary": {"status": "success"}}, project=PROJECT)

        until(lambda: registered(exporter) == [4.0], "the write in the metrics")
    assert before == [3.0]


def test_a_second_exporter_with_the_same_ledger_does_not_start(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    reading_the_seed(local, clock, tmp_path, DAY, ledger={"path": str(path)})
    first = Ledger(str(path))

    ended = command(
        "run", "--config.file", tmp_path / "exporter.yaml", "--web.listen-address", "127.0.0.1:0", local=local
    )

    first.close()
    assert ended.code == 69
    assert f"Error: ledger {path}: another exporter has it; give each its own file" in ended.err


def test_what_was_seen_before_a_restart_proves_a_loss_after_it(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    ledger = {"ledger": {"path": str(tmp_path / "ledger.sqlite")}}
    with reading_the_seed(local, clock, tmp_path, DAY, **NEVER, **ledger) as exporter:
        exporter.wait_until_ready()
        durable = series(exporter, "orchestration_exporter_ledger_durable")
        entries = local.firestore.get(DOCUMENT, project=PROJECT)
    assert entries is not None
    left = {name: entry for name, entry in entries.items() if name != "upcoming_player_game_context"}
    local.firestore.put(DOCUMENT, left, project=PROJECT)

    with RunningExporter(tmp_path, ["--config.file", tmp_path / "exporter.yaml"], local) as exporter:
        exporter.wait_until_ready()
        went = series(exporter, "orchestration_phase_entries_removed", phase="phase3", kind="stale_write")
        lost = series(exporter, "orchestration_processor_verdict", verdict="lost_update", phase="phase3")

    assert durable == [1.0]
    assert went == [1.0]
    assert sum(lost) == 1


def test_a_disk_that_is_full_for_a_while_costs_nothing_that_was_served(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    journal = path.with_name("ledger.sqlite-wal")
    names = ("player_game_summary", "upcoming_team_game_context")
    with reading_the_seed(local, clock, tmp_path, DAY, **NEVER, ledger={"path": str(path)}) as exporter:
        exporter.wait_until_ready()
        until(lambda: connected(exporter), "the listener")
        pid = exporter.process.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (journal.stat().st_size, most))
        local.firestore.merge(DOCUMENT, {names[0]: {"status": "success"}}, project=PROJECT)
        until(lambda: series(exporter, "orchestration_exporter_ledger_durable") == [0.0], "the full disk")
        until(lambda: registered(exporter) == [4.0], "the write in the metrics all the same")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        local.firestore.merge(DOCUMENT, {names[1]: {"status": "success"}}, project=PROJECT)
        until(lambda: series(exporter, "orchestration_exporter_ledger_durable") == [1.0], "room on the disk")
        log = exporter.log
        exporter.process.kill()
        exporter.wait()

    ledger = Ledger(str(path))
    (held,) = (seen for key, seen in ledger.load().items() if f"{key.collection}/{key.run_date}" == DOCUMENT)
    ledger.close()
    assert held.entries.keys() >= set(names)
    assert log.count("going on in memory") == log.count("holds all that was seen again") == 1

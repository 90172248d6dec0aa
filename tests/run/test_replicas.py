"""Two exporters that read the same, each with a ledger of its own: what either saw is said by that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config.load import load
from exporter.memory.ledger import LedgerInUseError
from exporter.model import Document, RowCount, Verdict
from testing.builders import DAY, ONE_DAY, PLAYER, UPCOMING_TEAM, entry, on
from testing.waiting import until
from tests.run.serving import DOCUMENT, OVERLAY, NotingService, Scene

if TYPE_CHECKING:
    from pathlib import Path


def replica(scene: Scene, file: Path) -> NotingService:
    return NotingService(lambda: load(file=file, environ={}), scene.memory.open, scene.clock)


def configuration(folder: Path, ledger: str) -> Path:
    file = folder / f"{ledger}.yaml"
    file.write_text(f"{OVERLAY}ledger: {{path: {folder / ledger}}}\n", encoding="utf-8")
    return file


def verdict(service: NotingService) -> Verdict:
    return next(one.verdict for one in service.report.processors if one.processor == PLAYER)


def read_again(service: NotingService) -> None:
    before = len(service.served)
    service.reload()
    until(lambda: len(service.served) > before, "the report of the new reading")


def test_an_entry_that_one_saw_and_that_was_lost_before_the_other_looked_is_proven_by_the_first(
    scene: Scene, tmp_path: Path
) -> None:
    scene.memory.warehouse.rows = dict.fromkeys((DAY - ONE_DAY, DAY), RowCount(250, on("17:00")))
    first = replica(scene, configuration(tmp_path, "first"))
    read_again(first)
    scene.clock.now = on("18:05")
    scene.memory.store.held[DOCUMENT] = Document(
        entries={UPCOMING_TEAM: entry()}, create_time=on("-1 12:00"), update_time=on("18:04")
    )
    second = replica(scene, configuration(tmp_path, "second"))
    for service in (first, second):
        read_again(service)
    said = verdict(first), verdict(second)
    first.stop()
    again = replica(scene, configuration(tmp_path, "first"))
    read_again(again)
    after_a_restart = verdict(again)
    for service in (second, again):
        service.stop()

    assert said == (Verdict.LOST_UPDATE, Verdict.UNREGISTERED)
    assert after_a_restart is Verdict.LOST_UPDATE


def test_a_second_replica_on_the_ledger_of_the_first_does_not_start(scene: Scene, tmp_path: Path) -> None:
    first = replica(scene, configuration(tmp_path, "one"))
    with pytest.raises(LedgerInUseError):
        replica(scene, configuration(tmp_path, "one"))
    first.stop()

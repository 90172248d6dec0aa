"""A running exporter that reloads its configuration: what changes, and what it keeps."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.catalogue import (
    CONFIG,
    INTERVAL,
    LEDGER_DURABLE,
    LISTENER_CONNECTED,
    LISTENER_LAST,
    RELOAD_AT,
    RELOAD_OK,
    REPORT_AT,
)
from exporter.model import Condition, Document, ErrorKind, RowCount, Verdict
from exporter.run import service
from exporter.web.state import ReloadError
from testing.builders import DAY, PLAYER, UPCOMING_TEAM, entry, on
from testing.waiting import until
from tests.run.serving import DOCUMENT, OVERLAY, Scene

if TYPE_CHECKING:
    from pathlib import Path


def test_a_reload_goes_on_with_the_new_configuration(scene: Scene) -> None:
    scene.start()
    old = scene.memory.store
    scene.memory.store = type(old)(held=old.held)
    scene.write(OVERLAY + "collect: {completion: {every: 30s, timeout: 5s}}\n")
    scene.clock.now = on("18:10")

    scene.reload()

    assert old.closed
    assert not scene.memory.store.closed
    assert scene.live(INTERVAL, 'collector="completion"') == 30
    assert scene.live(RELOAD_AT) == on("18:10").timestamp()
    assert scene.live(RELOAD_OK) == 1
    assert scene.live(REPORT_AT) == on("18:10").timestamp()


def test_a_reload_that_hangs_does_not_hold_up_a_stop(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "RELOAD_SECONDS", 0.1)
    scene.start()
    scene.file.unlink()
    os.mkfifo(scene.file)
    said: list[str] = []

    def reload() -> None:
        with pytest.raises(ReloadError) as refused:
            scene.service.reload()
        said.append(str(refused.value))

    reloading = threading.Thread(target=reload)
    reloading.start()
    # Opens when the other side reads.
    with scene.file.open("w", encoding="utf-8") as pipe:
        scene.service.stop()
        assert not said
        pipe.write(OVERLAY)
    reloading.join()

    assert said == ["the exporter is stopping"]


def test_a_reload_that_comes_before_the_start_starts_everything_once(scene: Scene) -> None:
    scene.service.reload()

    scene.service.start()

    until(lambda: not scene.service.ready(), "the first pass")


def test_a_bad_file_changes_nothing_and_every_fault_is_reported(scene: Scene) -> None:
    scene.start()
    before = scene.service.live()[CONFIG], scene.service.config_yaml()
    scene.write("preset: nba\ntimezone: Mars/Olympus\ndocuments: {past: -1}\nproyect: x\n")

    with pytest.raises(ReloadError) as refused:
        scene.service.reload()

    faults = str(refused.value).splitlines()
    assert faults[0] == "3 faults in the configuration:"
    assert [fault.split(": ")[0].rpartition("exporter.yaml:")[2] for fault in faults[1:]] == ["2:11", "3:19", "4:1"]
    assert (scene.service.live()[CONFIG], scene.service.config_yaml()) == before
    assert scene.live(RELOAD_OK) == 0
    assert scene.live(RELOAD_AT) == on("18:00").timestamp()
    assert scene.memory.opened == 1
    assert not scene.memory.store.closed


def test_a_good_file_after_a_bad_one_is_used(scene: Scene) -> None:
    scene.start()
    scene.write("nonsense")
    with pytest.raises(ReloadError):
        scene.service.reload()
    scene.write(OVERLAY)

    scene.service.reload()

    assert scene.live(RELOAD_OK) == 1


def test_a_reload_serves_the_old_values_until_all_are_read_again(scene: Scene) -> None:
    scene.start()
    scene.memory.warehouse.orders["rows"].hang()
    scene.clock.now = on("18:01")

    scene.service.reload()
    until(lambda: sum(scene.last_attempts().values()) == 3, "the other collectors")
    during, ready = scene.service.report, scene.service.ready()
    scene.memory.release()
    until(lambda: scene.service.report is not during, "the report of the new configuration")

    assert {pipeline.documents_read_at for pipeline in during.pipelines} == {on("18:00")}
    assert {item.rows_read_at for item in during.processors if item.phase == "phase3"} == {on("18:00")}
    assert ready == ()
    assert {item.rows_read_at for item in scene.service.report.processors} == {on("18:01")}


def test_what_was_seen_of_the_documents_survives_a_reload(scene: Scene) -> None:
    scene.start()
    scene.memory.store.held[DOCUMENT] = Document(entries={UPCOMING_TEAM: entry()}, create_time=on("-1 12:00"))
    scene.clock.now = on("18:10")

    scene.reload()

    assert scene.verdict(PLAYER) is Verdict.LOST_UPDATE


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        pytest.param(OVERLAY, Verdict.UNKNOWN, id="the same configuration"),
        pytest.param(OVERLAY.replace("future: 0", "future: 1"), Verdict.UNKNOWN, id="what changed says nothing of it"),
        pytest.param(OVERLAY + "calendar: {where: null}\n", Verdict.NOT_EXPECTED, id="other games"),
        pytest.param(OVERLAY + "project: another-project\n", Verdict.NOT_EXPECTED, id="another project"),
    ],
)
def test_after_a_reload_fewer_games_of_the_same_calendar_do_not_count_yet(
    scene: Scene, overlay: str, expected: Verdict
) -> None:
    scene.start()
    scene.memory.warehouse.units = {DAY: 0, on("-1 12:00").date(): 0}
    scene.clock.now = on("18:10")
    scene.write(overlay)

    scene.reload()

    assert scene.verdict(PLAYER) is expected


def test_a_doubt_survives_a_reload_and_ends_with_the_next_reading(scene: Scene) -> None:
    yesterday = on("-1 12:00").date()
    scene.memory.warehouse.rows = {yesterday: RowCount(212, on("15:00"))}
    scene.start()
    scene.memory.warehouse.rows = {}
    seen = []
    for minute in (10, 11, 14):
        scene.clock.now = on(f"18:{minute}")
        scene.reload()
        seen.append(scene.verdict(PLAYER))

    assert seen == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PHANTOM]


def test_the_page_keeps_its_history_over_a_reload(scene: Scene) -> None:
    scene.start()
    first = scene.service.view()
    scene.memory.store.held[DOCUMENT] = Document(entries={UPCOMING_TEAM: entry()}, create_time=on("-1 12:00"))
    scene.clock.now = on("18:10")

    scene.reload()

    second = scene.service.view()
    assert (first.report.at, first.unread) == (on("18:00"), {})
    assert second.report is scene.service.report
    assert "lost_update" in {change.now for change in second.history.changes(DAY)}
    assert json.loads(scene.service.status_json())["history"]


def test_the_page_names_what_could_not_be_read(scene: Scene) -> None:
    scene.memory.store.orders["count"].fail(ErrorKind.TIMEOUT)

    scene.start()

    assert scene.service.view().unread == {"heartbeat_count": "timeout"}


def test_a_reload_drops_the_samples_of_a_removed_listener_or_ledger(scene: Scene, tmp_path: Path) -> None:
    def said() -> list[list[float]]:
        live = scene.service.live()
        return [[value for _, value in live[family]] for family in (LISTENER_CONNECTED, LISTENER_LAST, LEDGER_DURABLE)]

    def tell() -> None:
        until(lambda: said()[0] == [0], "a listener")
        listener = scene.memory.store.followings[-1]
        listener.receiver.changed({key: Document(exists=False) for key in listener.documents}, first=True)

    ledger = f"ledger: {{path: {tmp_path / 'ledger.sqlite'}}}\n"
    at = scene.clock.now.timestamp()
    scene.start()
    tell()
    in_memory = said()
    scene.write(OVERLAY + ledger)
    scene.reload()
    tell()
    with_ledger = said()
    scene.write(OVERLAY.replace("future: 0", "future: 0, follow: false"))
    scene.reload()
    without = said()
    scene.write(OVERLAY + ledger)
    scene.reload()
    tell()
    again = said()
    scene.service.stop()

    assert in_memory == [[1], [at], []]
    assert with_ledger == again == [[1], [at], [1]]
    assert without == said() == [[], [], []]


def test_a_reload_ends_a_collection_that_hangs(scene: Scene) -> None:
    orders = scene.memory.store.orders["documents"]
    orders.hang()
    scene.service.start()
    assert orders.entered.wait(30)
    orders.hanging = False

    scene.service.reload()
    until(lambda: not scene.service.ready(), "the first run of every collector")

    assert orders.calls == 2


def test_reloads_that_come_while_one_is_under_way_share_the_next(scene: Scene) -> None:
    scene.start()
    scene.clock.now = on("18:10")
    opened = scene.memory.opened
    with scene.service._reloading:  # noqa: SLF001 - as if one were under way
        threads = [threading.Thread(target=scene.service.reload) for _ in range(100)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(30)

    # The first waits for the lock and takes the others along; some may come only after it has begun.
    assert 1 <= scene.memory.opened - opened <= 3
    assert scene.live(RELOAD_AT) == on("18:10").timestamp()


def test_reloads_at_the_same_time_leave_one_configuration_running(scene: Scene) -> None:
    scene.start()
    threads = [threading.Thread(target=scene.service.reload) for _ in range(4)]
    scene.clock.now = on("18:10")

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    until(lambda: scene.service.report.at == scene.clock.now, "the report of the last one")

    assert 2 <= scene.memory.opened <= 5
    assert scene.live(RELOAD_OK) == 1


def test_a_reload_that_comes_with_the_stop_starts_nothing(scene: Scene) -> None:
    scene.start()
    scene.service.stop()

    with pytest.raises(ReloadError, match="stopping"):
        scene.service.reload()

    assert scene.memory.opened == 1


def test_the_page_says_that_a_configuration_was_refused_until_one_is_taken(scene: Scene) -> None:
    scene.start()
    scene.write("project: [")
    with pytest.raises(ReloadError):
        scene.reload()
    refused = [one.condition for one in scene.service.report.conditions if one.holds]
    scene.write(OVERLAY)

    scene.reload()

    assert Condition.RELOAD_REFUSED in refused
    assert not [
        one for one in scene.service.report.conditions if one.condition is Condition.RELOAD_REFUSED and one.holds
    ]

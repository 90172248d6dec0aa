"""Threads that read and judge give way to the one that answers scrapes, whichever way they are started."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.collect.collectors import Collectors
from exporter.collect.priority import NICE
from exporter.run.schedule import Schedule
from testing.builders import on
from testing.collecting import PHASE3_DOCUMENT, healthy
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import Report


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def scheduled(collectors: Collectors) -> Callable[[], None]:
    schedule = Schedule(collectors, healthy().telemetry, lambda: datetime.now(UTC))
    schedule.start()
    return schedule.stop


def at_once(collectors: Collectors) -> Callable[[], None]:
    collectors.run_all()
    return collectors.stop


def told(collectors: Collectors) -> Callable[[], None]:
    scene = healthy()
    collectors.take({PHASE3_DOCUMENT: scene.memory.store.held[PHASE3_DOCUMENT]}, on("18:01"))
    return collectors.stop


@pytest.mark.parametrize("begin", [scheduled, at_once, told])
def test_a_report_is_made_on_a_thread_that_gives_way(begin: Callable[[Collectors], Callable[[], None]]) -> None:
    scene, found = healthy(), list[int]()

    def publish(_: Report) -> None:
        found.append(niceness())

    before = niceness()
    collectors = Collectors(
        scene.settings, scene.memory.sources(), scene.telemetry, scene.clock, publish, follow=begin is told
    )
    end = begin(collectors)
    until(lambda: found, "a report")
    end()

    assert {*found} == {max(NICE, before)}
    assert niceness() == before

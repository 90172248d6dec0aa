"""A table that may be unused and does not exist is no failure, and nothing is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.collect.warehouse import without_unused
from exporter.config.load import load
from exporter.config.resolved import TableRef
from exporter.model import ErrorKind, RowCount
from exporter.sources.ports import SourceError
from testing.builders import DAY
from testing.collecting import Scene

CONFIG = load(preset="nba", environ={}).config
(GRADING,) = CONFIG.pipelines["nba"].phases["grading"].processors.values()
TABLE = TableRef("a.b", "day")


def test_the_preset_without_a_grading_table_has_no_such_phase_and_no_failure() -> None:
    scene = Scene(replace(CONFIG, documents=replace(CONFIG.documents, only=(DAY,))))
    scene.memory.warehouse.tables[GRADING.table] = SourceError(ErrorKind.NOT_FOUND, "no such table")

    scene.collectors.run_all()

    assert {phase.phase for phase in scene.reports[-1].phases} == {"phase3", "phase4", "phase5"}
    assert scene.telemetry.collectors()["warehouse"].failing == frozenset()


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.NOT_FOUND])
def test_a_table_that_cannot_be_read_may_be_in_use(kind: ErrorKind) -> None:
    error = SourceError(kind, "as ordered")

    assert without_unused({replace(TABLE, optional=True): error}) == {replace(TABLE, optional=True): error}


def test_a_table_that_must_be_there_is_missed() -> None:
    error = SourceError(ErrorKind.NOT_FOUND, "as ordered")

    assert without_unused({TABLE: error}) == {TABLE: error}


def test_rows_are_taken_as_they_are() -> None:
    rows = {replace(TABLE, optional=True): {DAY: RowCount(3)}}

    assert without_unused(rows) == rows

"""How many series a report has: the configuration bounds their number, whatever was read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings

from exporter.metrics.catalogue import report_samples
from exporter.model import (
    Document,
    DocumentId,
    Reading,
)
from exporter.reconcile import reconcile
from testing.builders import (
    DAY,
    OFFENSE,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
)
from testing.reports import empty
from testing.samples import one
from tests.reconcile.scene import Scene
from tests.reconcile.strategies import Case, cases

if TYPE_CHECKING:
    from exporter.metrics.samples import Samples


def size(samples: Samples) -> int:
    return sum(len(series) for series in samples.values())


def test_unexpected_entries_are_counted_and_make_no_series() -> None:
    scene = Scene()
    few, many = scene.snapshot(), scene.snapshot()
    key = DocumentId("phase3_completion", DAY)
    entries = {OFFENSE: entry()} | {f'odd "{index}"\n': entry(malformed=("status",)) for index in range(10_000)}
    many = replace(many, documents=Reading({key: Document(entries=entries)}, on("17:59:30")))

    before = report_samples(reconcile(scene.config(), few, on(scene.now)))
    after = report_samples(reconcile(scene.config(), many, on(scene.now)))

    assert one(after, "phase_processors_unexpected") == 10_000
    assert one(after, "phase_malformed_fields") == 10_000
    assert size(after) == size(before)
    assert "odd" not in str(list(after.values()))


def test_series_grow_linearly_with_processors_and_dates() -> None:
    def series(processors: int, past: int) -> int:
        wide = phase("phase3", [processor(f"p{index}") for index in range(processors)])
        return size(report_samples(empty(config(pipeline([wide]), past=past))))

    per_processor = series(2, 0) - series(1, 0)
    assert [series(count, 0) - series(1, 0) for count in (11, 101, 1001)] == [
        per_processor * n for n in (10, 100, 1000)
    ]
    assert series(50, 2) - series(50, 1) == series(50, 1) - series(50, 0)


@given(cases)
@settings(max_examples=40)
def test_what_is_read_never_makes_more_series_than_the_configuration_allows(case: Case) -> None:
    report = reconcile(case.config, case.snapshot, case.now)
    samples = report_samples(report)

    assert size(samples) <= 40 + 40 * len(report.phases) + 22 * len(report.processors)

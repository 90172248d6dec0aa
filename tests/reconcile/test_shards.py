"""Several exporters that share the pipelines conclude together what one would, each from what it reads alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import partial
from random import Random
from typing import TYPE_CHECKING, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collect.context import context_request
from exporter.config.shards import Shard, part_of
from exporter.metrics.catalogue import report_samples
from exporter.model import CalendarDoubt, CalendarEnd, Reading, RowCount, Snapshot, TriggerState, Verdict
from exporter.reconcile import reconcile
from exporter.reconcile.plan import reading_plan
from testing.builders import DAY, NEW_YORK, ONE_DAY, config, on, phase, pipeline, processor
from tests.reconcile.strategies import CLOCKS, DAYS, Case, Maker

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig, ProcessorConfig
    from exporter.model import Report

K = TypeVar("K")
V = TypeVar("V")

PIPELINES = ("nba", "mlb", "shop", "wnba", "nhl", "nfl")
STARTED = "phase4"


@dataclass(frozen=True, slots=True)
class Several(Maker):
    """Makes configurations of several pipelines, of which some start phases of others and write the same tables."""

    def config(self) -> Config:
        names = self.random.sample(PIPELINES, self.random.randint(1, len(PIPELINES)))
        around = self.random.choice((0, 1))
        return config(*(self.pipeline(name, names) for name in names), past=around, future=around)

    def pipeline(self, name: str, names: list[str]) -> PipelineConfig:
        following = STARTED if self.often(0.5) else f"{self.random.choice(names)}/{STARTED}"
        phases = [
            self.phase("phase3", following, f"{name}_phase3_completion"),
            self.phase(STARTED, None, f"{name}_{STARTED}_completion"),
        ]
        own = [self.with_own_tables(name, phase) if self.often(0.5) else phase for phase in phases]
        return pipeline(own, name=name, log_offset=self.random.choice((-2, 0)), bare=self.often(0.2))

    def with_own_tables(self, name: str, phase: PhaseConfig) -> PhaseConfig:
        processors = {
            one.name: replace(one, table=replace(one.table, name=f"{name}.{one.name}"))
            for one in phase.processors.values()
        }
        return replace(phase, processors=processors)

    def all_held(self, whole: Config) -> Snapshot:
        plan = reading_plan(whole, self.now)
        ends = {
            name: Reading(CalendarEnd(self.random.choice((None, *plan.run_dates, DAY))), self.now, None, ONE_DAY)
            for name in whole.pipelines
            if self.often()
        }
        return replace(self.snapshot(plan, tuple(whole.pipelines)), calendars_end=ends)


def make(seed: int) -> Case:
    random = Random(seed)  # noqa: S311 - to repeat it
    day, clock = date.fromisoformat(random.choice(DAYS)), time.fromisoformat(random.choice(CLOCKS))
    maker = Several(random, datetime.combine(day, clock, tzinfo=NEW_YORK))
    whole = maker.config()
    return Case(whole, maker.all_held(whole), maker.now)


seeds = st.integers(min_value=0, max_value=2**64)


def only(values: Mapping[K, V], keys: Container[K]) -> dict[K, V]:
    return {key: value for key, value in values.items() if key in keys}


def what_it_reads(of: Config, case: Case) -> Snapshot:
    """Of all that the sources hold, what an exporter with this configuration reads."""
    held, plan, asked = case.snapshot, reading_plan(of, case.now), context_request(of)
    documents = held.documents
    return replace(
        held,
        documents=replace(documents, value=None if documents.value is None else only(documents.value, plan.documents)),
        watched=only(held.watched, plan.documents),
        heartbeats=only(held.heartbeats, plan.heartbeats),
        heartbeat_documents=only(held.heartbeat_documents, of.pipelines),
        rows=only(held.rows, plan.tables),
        units=only(held.units, asked.calendars),
        calendars_end=only(held.calendars_end, asked.calendars),
        runs=only(held.runs, asked.run_history),
        phase_log=only(held.phase_log, asked.phase_log),
        coverage=only(held.coverage, asked.coverage),
    )


def report_of(of: Config, case: Case) -> Report:
    return reconcile(of, what_it_reads(of, case), case.now)


def reports(case: Case, shards: int) -> list[Report]:
    return [report_of(part_of(case.config, Shard(number, shards)), case) for number in range(shards)]


def series(*of: Report) -> Counter[tuple[str, str, float]]:
    return Counter(
        (family.name, labels, value)
        for report in of
        for family, samples in report_samples(report).items()
        for labels, value in samples
    )


@given(seeds, st.integers(min_value=1, max_value=8))
@settings(max_examples=60)
def test_all_shards_together_export_what_one_exporter_does_and_no_series_twice(seed: int, shards: int) -> None:
    case = make(seed)
    together = series(*reports(case, shards))

    assert together == series(report_of(case.config, case))
    assert set(together.values()) <= {1}


@given(seeds, st.integers(min_value=1, max_value=8))
@settings(max_examples=25)
def test_every_pipeline_is_judged_by_one_shard_with_all_hints_and_explanations(seed: int, shards: int) -> None:
    case = make(seed)
    whole = {one.pipeline: one for one in report_of(case.config, case).pipelines}
    parts = [one for report in reports(case, shards) for one in report.pipelines]

    assert sorted(one.pipeline for one in parts) == sorted(whole)
    for one in parts:
        assert one == whole[one.pipeline]


@given(seeds)
@settings(max_examples=25)
def test_a_shard_reads_of_the_others_only_the_tables_of_phases_that_its_own_start(seed: int) -> None:
    case = make(seed)
    of_all = reading_plan(case.config, case.now)
    for number in range(3):
        part = part_of(case.config, Shard(number, 3))
        plan = reading_plan(part, case.now)

        own = {one.table for pipe in part.pipelines.values() for phase in pipe.phases.values() for one in every(phase)}
        started = {
            one.table
            for pipe in part.pipelines.values()
            for phase in pipe.phases.values()
            if phase.next and "/" in phase.next
            for one in every(case.config.pipelines[phase.next.split("/")[0]].phases[STARTED])
        }
        assert set(plan.tables) == (own | started) & set(of_all.tables)
        assert set(context_request(part).calendars) <= set(part.pipelines)
        assert (plan.run_dates, plan.first, plan.last) == (of_all.run_dates, of_all.first, of_all.last)


def every(phase: PhaseConfig) -> list[ProcessorConfig]:
    return [table for one in phase.processors.values() for table in one.of_each_table]


def test_the_cases_are_not_all_alike() -> None:
    found: set[object] = set()
    for seed in range(60):
        case = make(seed)
        report = report_of(case.config, case)
        found |= {doubt for pipe in report.pipelines if pipe.calendar for doubt in pipe.calendar.doubts}
        found |= {one.trigger_state for one in report.phases} | {one.verdict for one in report.processors}

    assert {CalendarDoubt.ENDED, TriggerState.BYPASSED, Verdict.STALLED} <= found


def test_a_row_of_another_phase_makes_the_verdicts_of_a_phase_unknown() -> None:
    """Why the phases of a pipeline stay together: the rows of one show that the calendar of all has ended."""
    names = {name: processor(name) for name in ("alpha", "beta")}
    whole = config(pipeline([phase("phase3", [names["alpha"]]), phase(STARTED, [names["beta"]])], bare=True))
    now = on("18:00")
    fresh = partial(Reading, read_at=now, max_age=ONE_DAY)

    def verdict_of_phase3(rows_of_phase4: int) -> Verdict:
        snapshot = Snapshot(
            documents=fresh({}),
            units={"nba": fresh({DAY: 0})},
            calendars_end={"nba": fresh(CalendarEnd(DAY - ONE_DAY))},
            rows={
                names["alpha"].table: fresh({DAY: RowCount(0, None)}),
                names["beta"].table: fresh({DAY: RowCount(rows_of_phase4, None)}),
            },
        )
        return reconcile(whole, snapshot, now).phases[0].processors[0].verdict

    assert verdict_of_phase3(rows_of_phase4=0) is Verdict.NOT_EXPECTED
    assert verdict_of_phase3(rows_of_phase4=1) is Verdict.UNKNOWN

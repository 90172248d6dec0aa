"""Many run dates at once: each as by itself, and what is said where the document is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from exporter.model import (
    CalendarEnd,
    Document,
    DocumentId,
    Entry,
    Reading,
    RowCount,
    Snapshot,
    TriggerState,
    Verdict,
)
from exporter.reconcile import reconcile
from exporter.reconcile.plan import reading_plan
from exporter.reconcile.season import reconcile_season
from testing.builders import DAY, OFFENSE, ONE_DAY, RULE, beat, config, on, phase, pipeline, processor, run
from tests.reconcile.strategies import Case, Maker, make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from random import Random

    from exporter.config.resolved import Config
    from exporter.model import Run
    from exporter.reconcile.season import Season

NOW = on("18:00")
OLD, YOUNG = DAY - timedelta(days=30), DAY - timedelta(days=29)
"""A date whose document can be gone, and the next one, whose document cannot."""
TOO_FAR_TO_TELL = {Verdict.UNREGISTERED, Verdict.WRONG_DATE, Verdict.LOST_UPDATE, Verdict.BACKFILL}


def of_dates(of: Config, *dates: date) -> Config:
    return replace(of, documents=replace(of.documents, only=dates))


def a_season(random: Random) -> Case:
    """Any sources over dates on both sides of the documents' lifetime."""
    case = make(random)
    current = case.now.date()
    dates = (current - timedelta(days=31), *(current - ONE_DAY * ago for ago in (30, 29, 28, 1, 0)))
    wide = of_dates(case.config, *sorted(dates))
    return Case(wide, Maker(random, case.now).snapshot(reading_plan(wide, case.now)), case.now)


seasons = st.randoms(use_true_random=True).map(a_season)


def cells(season: Season) -> dict[tuple[str, str, date], Verdict]:
    return {(one.phase, one.processor, one.run_date): one.verdict for one in season.report.processors}


@given(seasons)
def test_each_date_is_judged_as_by_itself(case: Case) -> None:
    together = cells(reconcile_season(case.config, case.snapshot, case.now))

    alone: dict[tuple[str, str, date], Verdict] = {}
    for day in case.config.documents.only:
        alone |= cells(reconcile_season(of_dates(case.config, day), case.snapshot, case.now))
    assert together == alone


@given(seasons)
def test_a_date_whose_document_is_there_has_the_verdicts_of_a_report(case: Case) -> None:
    season = reconcile_season(case.config, case.snapshot, case.now)

    for day in case.config.documents.only:
        of_day = of_dates(case.config, day)
        plan = reading_plan(of_day, case.now)
        report = reconcile(of_day, read_for(case.snapshot, plan.first, plan.last), case.now)
        judged = {(one.pipeline, one.phase, day): [two.verdict for two in one.processors] for one in report.phases}
        for one in season.report.phases:
            if one.run_date == day and not season.without_document(one):
                assert [two.verdict for two in one.processors] == judged[one.pipeline, one.phase, day]


def read_for(snapshot: Snapshot, first: date, last: date) -> Snapshot:
    """What a reading of these data dates alone would have brought."""

    def units(value: Mapping[date, int] | None) -> Mapping[date, int] | None:
        return value and {day: found for day, found in value.items() if first <= day <= last}

    def runs(value: tuple[Run, ...] | None) -> tuple[Run, ...] | None:
        return value and tuple(one for one in value if first <= one.data_date <= last)

    return replace(
        snapshot,
        units={name: replace(reading, value=units(reading.value)) for name, reading in snapshot.units.items()},
        runs={name: replace(reading, value=runs(reading.value)) for name, reading in snapshot.runs.items()},
    )


@given(seasons)
def test_a_deleted_document_proves_nothing(case: Case) -> None:
    season = reconcile_season(case.config, case.snapshot, case.now)

    for one in season.report.phases:
        if season.without_document(one):
            assert TOO_FAR_TO_TELL.isdisjoint(two.verdict for two in one.processors)
            assert one.trigger_state is None


# --- one processor, by hand -------------------------------------------------------------------------------------


def one_phase(*dates: date) -> Config:
    only = phase("phase3", [processor(OFFENSE, bounds=(2, 2))], trigger=RULE)
    return config(pipeline([only]), only=dates)


def held(*, rows: int, document: Document, days: tuple[date, ...] = (OLD, YOUNG)) -> Snapshot:
    """Six games, so many rows and this document on each of the days."""
    of = one_phase(*days)
    plan = reading_plan(of, NOW)
    window = [plan.first + ONE_DAY * number for number in range((plan.last - plan.first).days + 1)]
    absent = dict.fromkeys(plan.documents, Document(exists=False))
    return Snapshot(
        documents=Reading({**absent, **{DocumentId("phase3_completion", day): document for day in days}}, NOW),
        rows={table: Reading(dict.fromkeys(window, RowCount(rows, on("-35 12:00"))), NOW) for table in plan.tables},
        units={"nba": Reading(dict.fromkeys(window, 6), NOW)},
        calendars_end={"nba": Reading(CalendarEnd(DAY), NOW)},
        heartbeats={"nba": Reading({}, NOW)},
        runs={"nba": Reading((), NOW)},
    )


def verdicts(snapshot: Snapshot, *days: date) -> list[Verdict]:
    return [one.verdict for one in reconcile_season(one_phase(*days), snapshot, NOW).report.processors]


def test_rows_take_the_place_of_the_entry_once_the_document_is_deleted() -> None:
    snapshot = held(rows=12, document=Document(exists=False))

    assert verdicts(snapshot, OLD, YOUNG) == [Verdict.OK, Verdict.UNREGISTERED]


def test_missing_rows_are_missing_also_if_the_document_is_deleted() -> None:
    snapshot = held(rows=0, document=Document(exists=False))

    assert verdicts(snapshot, OLD, YOUNG) == [Verdict.MISSING, Verdict.MISSING]


def test_too_few_rows_are_partial_without_the_document() -> None:
    assert verdicts(held(rows=10, document=Document(exists=False)), OLD) == [Verdict.PARTIAL]


def test_a_run_that_failed_is_known_without_the_document() -> None:
    failed = run("failed", "-30 16:00", data=OLD)
    snapshot = replace(held(rows=0, document=Document(exists=False)), runs={"nba": Reading((failed,), NOW)})

    assert verdicts(snapshot, OLD) == [Verdict.FAILED]


def test_an_old_document_that_is_still_there_counts() -> None:
    snapshot = held(rows=12, document=Document(entries={"another": Entry()}))

    assert verdicts(snapshot, OLD, YOUNG) == [Verdict.UNREGISTERED, Verdict.UNREGISTERED]


def test_documents_that_could_not_be_read_are_unknown_and_not_deleted() -> None:
    season = reconcile_season(one_phase(OLD), replace(held(rows=12, document=Document()), documents=Reading()), NOW)

    assert [one.verdict for one in season.report.processors] == [Verdict.UNKNOWN]
    assert season.gone == frozenset()


def test_the_trigger_of_a_deleted_document_is_not_judged() -> None:
    season = reconcile_season(one_phase(OLD, YOUNG), held(rows=12, document=Document(exists=False)), NOW)

    assert [one.trigger_state for one in season.report.phases] == [None, TriggerState.BLOCKED]
    assert [season.without_document(one) for one in season.report.phases] == [True, False]


def test_work_of_another_date_makes_no_date_after_the_calendar_s_end_unknown() -> None:
    quiet, busy = DAY - ONE_DAY * 20, DAY - ONE_DAY * 10
    snapshot = held(rows=0, document=Document(exists=False), days=(quiet, busy))
    snapshot = replace(
        snapshot,
        units={"nba": Reading(dict.fromkeys(snapshot.units["nba"].value or {}, 0), NOW)},
        calendars_end={"nba": Reading(CalendarEnd(DAY - ONE_DAY * 25), NOW)},
        runs={"nba": Reading((run("success", "-10 16:00", data=busy),), NOW)},
    )

    assert verdicts(snapshot, quiet, busy) == [Verdict.NOT_EXPECTED, Verdict.UNKNOWN]


def test_a_heartbeat_speaks_for_its_own_date_alone() -> None:
    stopped = beat("running", "-1 16:00", DAY - ONE_DAY)
    days = (DAY - ONE_DAY * 2, DAY - ONE_DAY)
    snapshot = replace(
        held(rows=0, document=Document(exists=False), days=days),
        heartbeats={"nba": Reading({stopped.document: stopped}, NOW)},
    )

    assert verdicts(snapshot, *days) == [Verdict.MISSING, Verdict.STALLED]

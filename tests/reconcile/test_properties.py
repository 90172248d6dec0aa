"""What must hold whatever the sources hold."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace
from datetime import time, timedelta
from typing import TYPE_CHECKING, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from exporter.config.resolved import Due
from exporter.model import Hint, HintKind, Reading, RowCount, Snapshot, TriggerState, Verdict
from exporter.reconcile import DISCREPANCIES, reconcile
from exporter.reconcile.expectations import ONE_DAY, due_at
from tests.reconcile.strategies import COUNTS, Case, cases

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from exporter.model import ProcessorReport, Report

T = TypeVar("T")

REGISTERED = {Verdict.PHANTOM, Verdict.PARTIAL, Verdict.DUPLICATED, Verdict.COUNT_MISMATCH, Verdict.OK}
UNREGISTERED = {Verdict.WRONG_DATE, Verdict.BACKFILL, Verdict.UNREGISTERED, Verdict.MISSING, Verdict.NOT_DUE}
PROOF = {Verdict.LOST_UPDATE, Verdict.STALLED, Verdict.RUNNING}
"""Verdicts that one record proves by itself."""


def judged(case: Case, **changes: object) -> Report:
    snapshot = replace(case.snapshot, **changes)  # type: ignore[arg-type] # fields of Snapshot by name
    return reconcile(case.config, snapshot, case.now)


def pairs(case: Case, **changes: object) -> list[tuple[ProcessorReport, ProcessorReport]]:
    """Every processor's report as it is and with readings of the snapshot changed."""
    return list(zip(judged(case).processors, judged(case, **changes).processors, strict=True))


@given(cases)
def test_everything_gets_exactly_one_verdict_and_trigger_state(case: Case) -> None:
    report = judged(case)

    (pipeline,) = case.config.pipelines.values()
    assert len(report.phases) == len(pipeline.phases) * (case.config.documents.past + case.config.documents.future + 1)
    for phase in report.phases:
        assert [item.processor for item in phase.processors] == list(pipeline.phases[phase.phase].processors)
        assert (phase.trigger_state is None) == (pipeline.phases[phase.phase].trigger is None)
        assert phase.trigger_state is None or phase.trigger_state in TriggerState
    for processor in report.processors:
        assert processor.verdict in Verdict
        for hint in processor.hints:
            assert isinstance(hint, Hint)
            assert hint.kind in HintKind
            assert hint.text


@given(cases)
def test_what_is_unknown_or_not_expected_says_why(case: Case) -> None:
    for item in judged(case).processors:
        if item.verdict in {Verdict.UNKNOWN, Verdict.NOT_EXPECTED}:
            assert item.hints


@given(cases)
def test_the_same_input_gives_the_same_report_and_stays_as_it_was(case: Case) -> None:
    before = deepcopy(case)

    first = judged(case)

    assert judged(case) == first
    assert case == before


@given(cases)
def test_an_empty_snapshot_gives_no_conclusion(case: Case) -> None:
    empty = reconcile(case.config, Snapshot(), case.now)

    assert {item.verdict for item in empty.processors} <= {Verdict.UNKNOWN, Verdict.NOT_EXPECTED}
    assert {item.trigger_state for item in empty.phases} <= {TriggerState.UNKNOWN, TriggerState.NOT_EXPECTED, None}
    assert all(item.verdict is Verdict.UNKNOWN for item in empty.processors if item.expected is not False)


@given(cases)
def test_a_verdict_follows_from_what_is_registered_expected_and_due(case: Case) -> None:
    for item in judged(case).processors:
        registered = (
            item.table_rows != 0 and item.table_rows is not None if item.registered is None else item.registered
        )
        filling = item.registered is None and item.too_few and item.verdict is Verdict.NOT_DUE
        if item.verdict in REGISTERED | UNREGISTERED and not judged_by_rows_alone(item) and not filling:
            assert item.expected
            assert registered == (item.verdict in REGISTERED)
        if item.verdict is Verdict.FAILED:
            assert not registered
            assert item.table_rows == 0
        if item.verdict is Verdict.NOT_EXPECTED:
            assert item.expected is False
        if item.verdict in {Verdict.MISSING, Verdict.PHANTOM}:
            assert case.now >= item.due
            assert item.table_rows == 0
        if item.verdict in {Verdict.WRONG_DATE, Verdict.BACKFILL}:
            assert item.table_rows


def judged_by_rows_alone(item: ProcessorReport) -> bool:
    """The document's mode does not ask for it, and the rows that are there are too few or too many."""
    return item.expected is False and bool(item.units) and bool(item.too_few or item.too_many)


@given(cases)
def test_a_date_without_games_or_demand_is_not_expected_unless_rows_that_are_there_are_wrong(case: Case) -> None:
    for item in judged(case).processors:
        if judged_by_rows_alone(item):
            # Without documents, more rows may come before the deadline.
            filling = {Verdict.NOT_DUE} if item.registered is None else set()
            if not item.too_many and case.now < due_at(Due(1, time()), item.data_date, case.config.timezone):
                filling.add(Verdict.NOT_EXPECTED)
            assert item.verdict in filling | {
                *(Verdict.PARTIAL, Verdict.DUPLICATED, Verdict.STALLED, Verdict.RUNNING, Verdict.UNKNOWN)
            }
        elif item.expected is False:
            assert item.verdict is Verdict.NOT_EXPECTED


@given(cases)
def test_nothing_is_expected_outside_the_limits_of_the_work_whatever_the_records_say(case: Case) -> None:
    (pipeline,) = case.config.pipelines.values()
    for phase in judged(case).phases:
        processors = pipeline.phases[phase.phase].processors
        within = [name for name, one in processors.items() if one.schedule.covers(phase.run_date)]
        outside = [item for item in phase.processors if item.processor not in within]
        assert {item.verdict for item in outside} <= {Verdict.NOT_EXPECTED}
        assert not any(item.expected for item in outside)
        assert phase.expected is None or phase.expected <= len(within)
        if not within:
            assert phase.expected == 0
            assert phase.trigger_state in {None, TriggerState.NOT_EXPECTED}


@given(cases, st.sampled_from(COUNTS))
def test_what_is_expected_does_not_depend_on_rows(case: Case, rows: int) -> None:
    days = {day for item in judged(case).processors for day in (item.data_date,)}
    same = dict.fromkeys(days, RowCount(rows, case.now))

    for before, after in pairs(case, rows={table: Reading(same, case.now) for table in case.snapshot.rows}):
        assert before.expected == after.expected
        if judged_by_rows_alone(before) or judged_by_rows_alone(after):
            continue
        assert (before.verdict is Verdict.NOT_EXPECTED) == (after.verdict is Verdict.NOT_EXPECTED)


@given(cases)
def test_without_a_calendar_only_verdicts_that_one_record_proves_are_given(case: Case) -> None:
    for item in judged(case, units={}).processors:
        asked = item.expected is not False
        assert item.verdict in ({Verdict.UNKNOWN} | PROOF if asked else {Verdict.NOT_EXPECTED})


@given(cases)
def test_without_documents_no_verdict_depends_on_registration(case: Case) -> None:
    for phase in judged(case, documents=Reading(), watched={}).phases:
        if phase.has_document:
            verdicts = {item.verdict for item in phase.processors if not judged_by_rows_alone(item)}
            assert verdicts <= {Verdict.UNKNOWN, Verdict.NOT_EXPECTED, Verdict.STALLED, Verdict.RUNNING}
            assert phase.trigger_state in {TriggerState.UNKNOWN, TriggerState.NOT_EXPECTED, None}
            assert phase.registered is None


@given(cases)
def test_without_rows_no_verdict_depends_on_rows(case: Case) -> None:
    for before, after in pairs(case, rows={}):
        assert after.verdict not in {
            Verdict.FAILED,
            Verdict.PHANTOM,
            Verdict.PARTIAL,
            Verdict.DUPLICATED,
            Verdict.COUNT_MISMATCH,
            Verdict.WRONG_DATE,
            Verdict.BACKFILL,
            Verdict.MISSING,
        }
        assert after.verdict is not Verdict.OK or before.verdict in {Verdict.OK, Verdict.UNKNOWN}
        assert after.verdict is not Verdict.NOT_DUE or before.verdict in {Verdict.NOT_DUE, Verdict.UNKNOWN}


@given(cases, st.sampled_from(("documents", "rows", "units")), st.data())
def test_blinding_a_source_that_is_needed_never_makes_a_discrepancy_look_well(
    case: Case, source: str, data: st.DataObject
) -> None:
    readings = getattr(case.snapshot, source)
    blind: object = Reading()
    if source != "documents":
        gone = data.draw(st.sets(st.sampled_from(list(readings) or [None])))
        blind = {key: reading for key, reading in readings.items() if key not in gone}

    for before, after in pairs(case, **{source: blind}):
        if before.verdict in DISCREPANCIES:
            assert after.verdict not in {Verdict.OK, Verdict.NOT_DUE, Verdict.BACKFILL}


@given(cases)
def test_run_history_and_heartbeats_refine_but_do_not_decide_what_is_registered(case: Case) -> None:
    for before, after in pairs(case, runs={}, heartbeats={}):
        if before.verdict in REGISTERED and before.verdict is not Verdict.PARTIAL:
            assert after.verdict is before.verdict
        assert after.verdict not in {Verdict.STALLED, Verdict.RUNNING, Verdict.BACKFILL}
        assert after.verdict is not Verdict.OK or before.verdict in {Verdict.OK, Verdict.STALLED, Verdict.RUNNING}


@given(cases)
def test_a_trigger_is_stuck_or_blocked_only_when_grace_is_over_and_nothing_follows(case: Case) -> None:
    for phase in judged(case).phases:
        if phase.trigger_state in {TriggerState.STUCK, TriggerState.BLOCKED}:
            assert phase.expected
            assert phase.rule_met_at is None or case.now - phase.rule_met_at > timedelta(minutes=30)
        if phase.trigger_state is TriggerState.TRIGGERED:
            assert phase.triggered
        if phase.trigger_state is TriggerState.STUCK:
            assert phase.registered
        if phase.trigger_state is TriggerState.BLOCKED:
            assert phase.registered != phase.expected
        if phase.trigger_state is TriggerState.READY:
            assert phase.rule_met_at is not None


@given(cases, st.integers(1, 10**6))
def test_rows_are_not_missing_before_the_table_is_counted_again(case: Case, seconds: int) -> None:
    later = replace(case, now=case.now + timedelta(seconds=seconds))
    for item in judged(later).processors:
        if item.verdict is Verdict.MISSING:
            assert item.rows_read_at is not None
            assert item.rows_read_at >= item.due


@given(cases)
def test_every_count_of_a_phase_fits_the_others(case: Case) -> None:
    for phase in judged(case).phases:
        if phase.registered is not None and phase.expected is not None:
            assert 0 <= phase.registered <= phase.expected <= len(phase.processors)
        if phase.entries is not None and phase.unexpected is not None:
            assert 0 <= phase.unexpected <= phase.entries


def test_the_cases_blind_every_source_that_a_snapshot_has() -> None:
    assert {item.name for item in fields(Snapshot)} == {
        "remembers",
        "documents",
        "calendars_end",
        "doubts",
        "watched",
        "followed_since",
        "gaps",
        "heartbeats",
        "heartbeat_documents",
        "rows",
        "units",
        "runs",
        "phase_log",
        "coverage",
        "left_out",
        "halts",
    }


def of_dates(case: Case, run_date: date, data_dates: Collection[date]) -> Case:
    """What is left if only this run date's documents and these data dates' records were read."""
    seen = case.snapshot

    def kept(reading: Reading[Mapping[date, T]]) -> Reading[Mapping[date, T]]:
        found = reading.value
        return replace(reading, value=found and {day: found[day] for day in found if day in data_dates})

    return replace(
        case,
        snapshot=replace(
            own_documents(case, run_date).snapshot,
            heartbeats={
                name: replace(
                    reading,
                    value=reading.value
                    and {
                        key: beat if beat and beat.data_date in data_dates else None
                        for key, beat in reading.value.items()
                    },
                )
                for name, reading in seen.heartbeats.items()
            },
            rows={table: kept(reading) for table, reading in seen.rows.items()},
            units={name: kept(reading) for name, reading in seen.units.items()},
            runs={
                name: replace(
                    reading, value=reading.value and tuple(run for run in reading.value if run.data_date in data_dates)
                )
                for name, reading in seen.runs.items()
            },
        ),
    )


def own_documents(case: Case, run_date: date) -> Case:
    """Without the neighbouring documents, which are evidence of their own (`wrong_date`)."""
    documents = case.snapshot.documents
    found = documents.value
    own = found and {key: found[key] for key in found if key.run_date == run_date}
    return replace(case, snapshot=replace(case.snapshot, documents=replace(documents, value=own)))


@given(cases)
def test_no_record_of_another_date_decides_anything(case: Case) -> None:
    for item in judged(case).processors:
        alone = own_documents(case, item.run_date)
        without_others = of_dates(case, item.run_date, {item.data_date})

        (before,) = [other for other in judged(alone).processors if same(other, item)]
        (after,) = [other for other in judged(without_others).processors if same(other, item)]

        assert (after.verdict, after.explanations) == (before.verdict, before.explanations)


@given(cases)
def test_no_record_of_another_date_decides_about_a_trigger(case: Case) -> None:
    (pipeline,) = case.config.pipelines.values()
    offsets = {one.data_date_offset for phase in pipeline.phases.values() for one in phase.processors.values()}
    for phase in judged(case).phases:
        days = {phase.run_date + ONE_DAY * offset for offset in offsets}
        alone, without_others = own_documents(case, phase.run_date), of_dates(case, phase.run_date, days)

        (before,) = [it for it in judged(alone).phases if (it.phase, it.run_date) == (phase.phase, phase.run_date)]
        (after,) = [
            it for it in judged(without_others).phases if (it.phase, it.run_date) == (phase.phase, phase.run_date)
        ]

        assert (after.trigger_state, after.rule_met_at) == (before.trigger_state, before.rule_met_at)


def same(one: ProcessorReport, other: ProcessorReport) -> bool:
    return (one.phase, one.run_date, one.processor) == (other.phase, other.run_date, other.processor)

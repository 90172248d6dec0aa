from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.resolved import RunHistoryConfig, TableRef
from exporter.model import CoverageCounts, Halted, RowCount, Run
from exporter.sources.answers import (
    LoggedRun,
    read_calendar,
    read_coverage,
    read_halts,
    read_phase_log,
    read_row_counts,
    read_runs,
    reduce_runs,
    window_dates,
)
from exporter.sources.errors import CallFailed
from exporter.sources.ports import Window

FRIDAY, SATURDAY, SUNDAY = date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)
WINDOW = Window(FRIDAY, SUNDAY)
NEW_YORK = ZoneInfo("America/New_York")
TABLE = TableRef("a.b", "day", "processed_at")
NOON, ONE = datetime(2026, 2, 1, 12, tzinfo=UTC), datetime(2026, 2, 1, 13, tzinfo=UTC)


def run(status: str, run_id: str | None = "r", **other: object) -> LoggedRun:
    return LoggedRun("P", run_id, SATURDAY, status, **other)  # type: ignore[arg-type]  # spelled out at every call


def test_a_window_has_its_first_and_its_last_date() -> None:
    assert window_dates(WINDOW) == (FRIDAY, SATURDAY, SUNDAY)
    assert window_dates(Window(SUNDAY, SUNDAY)) == (SUNDAY,)


def test_a_date_without_rows_has_zero_rows() -> None:
    counts = read_row_counts([of_table(SATURDAY, 212, "2026-02-01 12:00:00+00")], WINDOW, NEW_YORK, TABLE)

    assert counts == {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(0)}


def test_rows_without_a_write_time_are_counted() -> None:
    assert read_row_counts([of_table(SUNDAY, 3, None)], WINDOW, NEW_YORK, TABLE)[SUNDAY] == RowCount(3)


@pytest.mark.parametrize(
    ("units", "covered"), [("10", 10), ("10.0", 10), (None, None), ("0", None), ("-1", None), ("many", None)]
)
def test_units_that_rows_cover_are_a_number_or_unknown_and_never_zero(units: str | None, covered: int | None) -> None:
    row = {**of_table(SUNDAY, 3, None), "units": units}

    assert read_row_counts([row], WINDOW, NEW_YORK, TABLE)[SUNDAY].units == covered


def test_duplicates_are_counted_where_they_are_asked_for() -> None:
    row = {**of_table(SUNDAY, 3, None), "duplicates": 2}

    assert read_row_counts([row], WINDOW, NEW_YORK, TABLE)[SUNDAY].duplicates == 2


@pytest.mark.parametrize("optional", [True, False])
def test_dates_beyond_the_window_are_kept_for_a_table_that_may_be_unused_and_for_no_other(*, optional: bool) -> None:
    day = date(2025, 6, 22)

    found = read_row_counts([of_table(day, 3, None)], WINDOW, NEW_YORK, replace(TABLE, optional=optional))

    assert found.get(day) == (RowCount(3) if optional else None)


def test_halts_are_dates_with_their_reasons_and_the_time_of_the_newest_row() -> None:
    rows: list[dict[str, object]] = [
        {"day": FRIDAY, "name": "outside", "finished": None},
        {"day": SATURDAY, "name": "off_season", "finished": "2026-02-01 12:00:00+00"},
        {"day": SUNDAY, "name": None, "finished": "noon"},
    ]

    assert read_halts(rows, NEW_YORK, "written_at") == Halted({SATURDAY: "off_season", SUNDAY: ""}, NOON)


def of_table(day: date, counted: int, written: object) -> dict[str, object]:
    return {"day": day, "counted": counted, "written": written, "units": None, "duplicates": None}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (NOON, NOON),
        (datetime(2026, 2, 1, 7), NOON),  # noqa: DTZ001 - a DATETIME has no zone
        ("2026-02-01 12:00:00+00", NOON),
        ("2026-02-01 07:00:00-05", NOON),
        ("2026-02-01 12:00:00.123456+00", NOON.replace(microsecond=123_456)),
        # A TIMESTAMP(12) as text of SQL, and in the two forms in which the service writes it itself.
        ("2026-02-01 12:00:00.123456789012+00", NOON.replace(microsecond=123_456)),
        ("2026-02-01T12:00:00.123456789012Z", NOON.replace(microsecond=123_456)),
        ("1769947200123456", NOON.replace(microsecond=123_456)),
        ("2026-02-01 07:00:00", NOON),
        ("2026-07-01 08:00:00.5", datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        # Clocks show this half hour twice, and skip that one.
        ("2026-11-01 01:30:00", None),
        ("2026-03-08 02:30:00", None),
        *((value, None) for value in ("2026-02-01", SUNDAY, "", "noon", 212, "212", True, b"x", Decimal("1.5"))),
    ],
)
def test_a_write_time_is_the_moment_that_its_type_says_or_is_named(value: object, moment: datetime | None) -> None:
    rows = [of_table(SUNDAY, 3, value)]

    found = read_row_counts(rows, WINDOW, NEW_YORK, TABLE)[SUNDAY]

    assert found.written_at == moment
    assert [field.name for field in found.unusable] == ([] if moment else ["processed_at"])


def of_calendar(day: object, units: object, name: str | None = None) -> dict[str, object]:
    return {"day": day, "name": name, "units": units}


@pytest.mark.parametrize(
    ("value", "units"),
    [
        *(("6", 6), ("6.0", 6), ("6.000000000", 6), ("6e+0", 6), ("0", 0)),
        *((value, None) for value in (None, "", "6.5", "-1", "NaN", "inf", "true", "many", "2026-02-01", "9" * 30)),
    ],
)
def test_units_are_a_whole_number_of_any_type_or_the_calendar_is_unknown(value: str | None, units: int | None) -> None:
    def read() -> object:
        return read_calendar([of_calendar(SATURDAY, value)], WINDOW).units

    if units is None:
        with pytest.raises(CallFailed, match=f"its units on {SATURDAY} are "):
            read()
    else:
        assert read() == {FRIDAY: 0, SATURDAY: units, SUNDAY: 0}


@pytest.mark.parametrize("row", [of_calendar(date(2025, 6, 22), None), of_calendar(SATURDAY, None, "outside")])
def test_unusable_units_outside_the_window_are_ignored(row: dict[str, object]) -> None:
    found = read_calendar([row], WINDOW)

    assert (set(found.units.values()), found.last, found.left_out) == ({0}, row["day"], {})


@pytest.mark.parametrize(
    ("rows", "units", "last"),
    [
        ([], 0, None),
        ([(date(2025, 6, 22), None, 1)], 0, date(2025, 6, 22)),
        ([(SATURDAY, "outside", 1)], 0, SATURDAY),
        ([(SATURDAY, "outside", 1), (SATURDAY, None, 6)], 6, SATURDAY),
        ([(date(2026, 6, 14), None, 1), (SATURDAY, None, 6)], 6, date(2026, 6, 14)),
    ],
)
def test_a_calendar_goes_as_far_as_its_last_row_and_counts_only_the_rows_that_count(
    rows: list[tuple[date, str | None, int]], units: int, last: date | None
) -> None:
    given = [of_calendar(day, str(count), name) for day, name, count in rows]

    found = read_calendar(given, WINDOW)

    assert (found.units, found.last) == ({FRIDAY: 0, SATURDAY: units, SUNDAY: 0}, last)


def test_the_phase_log_has_a_value_for_every_date_and_transition() -> None:
    log = read_phase_log([{"day": SATURDAY, "name": "b", "counts": [2]}], ("a", "b"), Window(SATURDAY, SUNDAY))

    assert log == {(SATURDAY, "a"): 0, (SATURDAY, "b"): 2, (SUNDAY, "a"): 0, (SUNDAY, "b"): 0}


def test_coverage_has_its_buckets_by_name() -> None:
    coverage = read_coverage([{"day": SATURDAY, "counts": [212, 118, 118, 94, 0]}], ("dnp", "unmarked"), WINDOW, TABLE)

    assert coverage[SATURDAY] == CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0})
    assert coverage[SUNDAY] == CoverageCounts(0, 0, 0, {"dnp": 0, "unmarked": 0})


def logged(day: object, counts: object) -> dict[str, object]:
    return {"day": day, "name": "a", "counts": counts}


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (logged(None, [1]), TypeError),
        (logged("2026-01-31", [1]), TypeError),
        (logged(SATURDAY, None), TypeError),
        (logged(SATURDAY, []), ValueError),
        (logged(SATURDAY, [1, 2]), ValueError),
        (logged(SATURDAY, ["many"]), TypeError),
        (logged(SATURDAY, [True]), TypeError),
        (logged(SATURDAY, [Decimal("1.5")]), TypeError),
        (logged(NOON, [1]), TypeError),
        ({}, KeyError),
    ],
)
def test_an_answer_of_another_shape_is_an_error_and_not_a_zero(row: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_phase_log([row], ("a",), WINDOW)


@pytest.mark.parametrize("row", [of_calendar(None, "1"), of_calendar(NOON, "1"), of_calendar(SATURDAY, 1), {}])
def test_a_calendar_of_another_shape_is_an_error_and_not_a_zero(row: dict[str, object]) -> None:
    with pytest.raises((TypeError, KeyError)):
        read_calendar([row], WINDOW)


def test_too_few_buckets_are_an_error_and_not_a_zero() -> None:
    with pytest.raises(ValueError, match="shorter"):
        read_coverage([{"day": SATURDAY, "counts": [1, 1, 1]}], ("dnp",), WINDOW, TABLE)


def test_runs_are_read_and_reduced() -> None:
    row = {
        "name": "P",
        "run": "r",
        "day": SATURDAY,
        "phase": "phase_3_analytics",
        "category": "no_data_available",
        "started": NOON,
        "backfill": None,
    }

    runs = read_runs(
        [
            {**row, "status": "running", "finished": NOON},
            {**row, "status": "Success ", "finished": ONE},
            {**row, "name": None, "status": "success", "finished": ONE},
        ],
        NEW_YORK,
        RunHistoryConfig(TableRef("d.runs", "data_date"), "processed_at"),
    )

    assert runs == (Run("P", "r", "success", SATURDAY, "phase_3_analytics", NOON, ONE, category="no_data_available"),)


def test_success_wins_over_the_failure_that_a_clean_up_job_made_of_its_running_row() -> None:
    runs = reduce_runs([run("failed", finished_at=ONE), run("success", finished_at=NOON)])

    assert [(found.status, found.finished_at) for found in runs] == [("success", NOON)]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("running", "failed", "skipped", "partial", "success"), "success"),
        (("running", "failed", "skipped", "partial"), "partial"),
        (("running", "failed", "skipped"), "skipped"),
        (("running", "failed"), "failed"),
        (("running", "timeout"), "timeout"),
        (("running",), "running"),
    ],
)
def test_the_most_final_status_wins(statuses: tuple[str, ...], status: str) -> None:
    assert [found.status for found in reduce_runs(run(each) for each in statuses)] == [status]


def test_a_run_that_only_began_has_not_finished() -> None:
    assert reduce_runs([run("running", started_at=NOON, finished_at=NOON)])[0].finished_at is None


def test_a_run_has_what_any_of_its_rows_says() -> None:
    runs = reduce_runs(
        [
            run("running", started_at=NOON, phase="phase_3_analytics", backfill=True),
            run("success", started_at=ONE, finished_at=NOON),
            run("success", finished_at=ONE),
        ]
    )

    assert runs == (Run("P", "r", "success", SATURDAY, "phase_3_analytics", NOON, ONE, backfill=True),)


@pytest.mark.parametrize("run_id", [None, ""])
def test_runs_without_an_id_are_runs_of_their_own(run_id: str | None) -> None:
    runs = reduce_runs([run("failed", run_id, started_at=NOON), run("success", run_id, started_at=ONE)])

    assert [(found.run_id, found.status) for found in runs] == [("", "failed"), ("", "success")]


def test_an_id_that_two_processors_or_two_dates_use_is_not_one_run() -> None:
    runs = reduce_runs(
        [run("failed"), LoggedRun("Q", "r", SATURDAY, "success"), LoggedRun("P", "r", SUNDAY, "running")]
    )

    assert [(found.processor, found.data_date, found.status) for found in runs] == [
        ("P", SATURDAY, "failed"),
        ("Q", SATURDAY, "success"),
        ("P", SUNDAY, "running"),
    ]


LOGGED = st.builds(
    LoggedRun,
    processor=st.sampled_from(["P", "Q"]),
    run_id=st.sampled_from(["r", "s", None]),
    data_date=st.sampled_from([SATURDAY, SUNDAY]),
    status=st.sampled_from(["success", "failed", "running", "partial", "skipped", "odd"]),
    started_at=st.sampled_from([NOON, ONE, None]),
    finished_at=st.sampled_from([NOON, ONE, None]),
)


@given(st.lists(LOGGED), st.randoms(use_true_random=False))
def test_reduction_does_not_depend_on_the_order_of_the_rows(logged: list[LoggedRun], random: object) -> None:
    shuffled = sorted(logged, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis's own Random

    def outcome(runs: tuple[Run, ...]) -> list[tuple[object, ...]]:
        return sorted((each.processor, each.run_id, str(each.data_date), each.status) for each in runs)

    assert outcome(reduce_runs(logged)) == outcome(reduce_runs(shuffled))


@given(st.lists(LOGGED))
def test_every_run_is_there_once_and_a_success_is_never_lost(logged: list[LoggedRun]) -> None:
    runs = reduce_runs(logged)

    named = {(each.processor, each.run_id, each.data_date) for each in logged if each.run_id}
    assert len(runs) == len(named) + sum(each.run_id is None for each in logged)
    for each in logged:
        if each.status == "success" and each.run_id:
            assert (each.processor, each.run_id, each.data_date, "success") in {
                (found.processor, found.run_id, found.data_date, found.status) for found in runs
            }

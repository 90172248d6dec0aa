from __future__ import annotations

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.resolved import TableRef
from exporter.model import ErrorKind
from exporter.sources.dates import DateColumns
from exporter.sources.errors import CallFailed, Fault
from exporter.sources.isolation import MAXIMUM_JOBS, Isolation
from exporter.sources.ports import Window
from exporter.sources.queries import MAXIMUM_PARTS, PROBE, Part, Query

WINDOW = Window(date(2026, 2, 1), date(2026, 2, 1))
GONE = Fault(ErrorKind.NOT_FOUND, "Not found: Table", of_request=True)
DENIED = Fault(ErrorKind.PERMISSION_DENIED, "Access Denied", of_request=True)
TOO_LARGE = Fault(ErrorKind.BUDGET, "more than one job may bill", of_request=True)
LATE = Fault(ErrorKind.TIMEOUT, "no answer in time")


def parts(count: int) -> list[Part]:
    return [
        Part(f"table {number}", TableRef(f"t{number}", "day"), f"`t{number}`", (("counted", "COUNT(*)"),))
        for number in range(count)
    ]


class Service:
    """Answers a query with one row a part, or fails as a whole if one of its tables is bad or all are too large."""

    def __init__(self, bad: dict[Part, Fault] | None = None) -> None:
        self.bad = bad or {}
        self.every: Fault | None = None
        self.probe: Fault | None = None
        self.jobs: list[int] = []
        self.fails_after: int | None = None
        self.sizes: dict[Part, int] = {}
        self.limit = 100

    def __call__(self, query: Query) -> list[dict[str, object]]:
        if self.every:
            raise CallFailed(self.every)
        if self.fails_after is not None and len(self.jobs) >= self.fails_after:
            raise CallFailed(LATE)
        self.jobs.append(query.tables)
        if query == PROBE:
            if self.probe:
                raise CallFailed(self.probe)
            return [{"part": 1}]
        selects = query.sql.split("\nUNION ALL\n")
        for part, fault in self.bad.items():
            if any(part.source in select for select in selects):
                raise CallFailed(fault)
        size = sum(size for part, size in self.sizes.items() if any(part.source in select for select in selects))
        if size > self.limit:
            raise CallFailed(TOO_LARGE)
        return [{"part": number, "value": select} for number, select in enumerate(selects)]

    def types(self, query: Query) -> dict[str, str]:
        return {f"column_{number}": "DATE" for number in range(query.tables)}


def isolated() -> Isolation:
    return Isolation(DateColumns(ZoneInfo("America/New_York")))


def read(isolation: Isolation, asked: list[Part], service: Service) -> tuple[set[str], dict[str, Fault]]:
    """The subjects that were read, and the faults of the others."""
    service.jobs.clear()
    found = isolation.read(asked, WINDOW, service, service.types)
    assert set(found) == set(asked)
    for part, answer in found.items():
        if not isinstance(answer, Fault):
            assert [part.source in str(row["value"]) for row in answer] == [True]
    faults = {part.subject: answer for part, answer in found.items() if isinstance(answer, Fault)}
    return {part.subject for part in asked} - set(faults), faults


def test_all_readable_parts_are_read_in_one_job() -> None:
    service = Service()

    good, faults = read(isolated(), parts(20), service)

    assert (len(good), faults, service.jobs) == (20, {}, [20])


def test_one_bad_part_fails_alone() -> None:
    asked = parts(20)
    service = Service({asked[7]: GONE})

    good, faults = read(isolated(), asked, service)

    assert len(good) == 19
    assert faults == {"table 7": GONE}
    assert len(service.jobs) <= 11


def test_a_bad_part_is_queried_alone_until_it_recovers() -> None:
    asked = parts(20)
    service, isolation = Service({asked[7]: GONE}), isolated()
    read(isolation, asked, service)

    _, still = read(isolation, asked, service)
    jobs_while_bad = list(service.jobs)
    service.bad.clear()
    well, _ = read(isolation, asked, service)
    jobs_when_well = list(service.jobs)
    read(isolation, asked, service)

    assert still == {"table 7": GONE}
    assert jobs_while_bad == [19, 1]
    assert "table 7" in well
    assert jobs_when_well == [19, 1]
    assert service.jobs == [20]


def test_a_bad_part_stays_known_while_others_are_read_without_it() -> None:
    asked = parts(3)
    service, isolation = Service({asked[1]: GONE}), isolated()
    read(isolation, asked, service)

    read(isolation, [asked[0], asked[2]], service)
    without = list(service.jobs)
    read(isolation, asked, service)

    assert (without, service.jobs) == ([2], [2, 1])


def test_the_same_part_is_asked_once() -> None:
    asked = parts(2)
    service = Service()

    found = isolated().read([*asked, *asked], WINDOW, service, service.types)

    assert service.jobs == [2]
    assert set(found) == set(asked)


def test_without_parts_no_query_is_made() -> None:
    service = Service()

    assert isolated().read([], WINDOW, service, service.types) == {}
    assert service.jobs == []


def test_many_parts_are_split_into_queries_that_the_service_takes() -> None:
    service = Service()

    good, _ = read(isolated(), parts(2 * MAXIMUM_PARTS + 5), service)

    assert service.jobs == [MAXIMUM_PARTS, MAXIMUM_PARTS, 5]
    assert len(good) == 2 * MAXIMUM_PARTS + 5


@pytest.mark.parametrize(
    "fault",
    [
        LATE,
        Fault(ErrorKind.UNREACHABLE, "away", transient=True),
        Fault(ErrorKind.QUOTA, "enough"),
        Fault(ErrorKind.BUDGET, "used up"),
        Fault(ErrorKind.INVALID, "the answer is not JSON"),
        Fault(ErrorKind.PERMISSION_DENIED, "no credentials"),
    ],
)
def test_an_error_that_does_not_concern_the_query_is_raised_at_once(fault: Fault) -> None:
    service = Service()
    service.every = fault

    with pytest.raises(CallFailed) as caught:
        isolated().read(parts(20), WINDOW, service, service.types)

    assert caught.value.fault is fault
    assert service.jobs == []


def test_one_probe_finds_a_refusal_of_the_whole_project() -> None:
    asked = parts(20)
    service = Service(dict.fromkeys(asked, DENIED))
    service.probe = Fault(ErrorKind.PERMISSION_DENIED, "no bigquery.jobs.create", of_request=True)

    with pytest.raises(CallFailed, match=r"no bigquery\.jobs\.create"):
        isolated().read(asked, WINDOW, service, service.types)

    assert service.jobs == [20, 0]


def test_a_refusal_of_some_tables_is_probed_once_and_then_narrowed_down() -> None:
    asked = parts(8)
    service = Service({asked[0]: DENIED, asked[5]: DENIED})

    good, faults = read(isolated(), asked, service)

    assert len(good) == 6
    assert faults == {"table 0": DENIED, "table 5": DENIED}
    assert service.jobs.count(0) == 1


def test_when_every_part_is_bad_each_has_its_fault_and_nothing_is_raised() -> None:
    asked = parts(6)
    service = Service(dict.fromkeys(asked, GONE))

    good, faults = read(isolated(), asked, service)

    assert good == set()
    assert set(faults.values()) == {GONE}


def test_time_that_runs_out_while_looking_leaves_what_was_read() -> None:
    asked = parts(8)
    service = Service({asked[7]: GONE})
    service.fails_after = 2

    good, faults = read(isolated(), asked, service)

    assert good == {"table 0", "table 1", "table 2", "table 3"}
    assert set(faults.values()) == {LATE}


def test_time_that_runs_out_before_anything_was_read_is_raised_and_what_was_found_bad_stays_so() -> None:
    asked = parts(4)
    service, isolation = Service({asked[0]: GONE}), isolated()
    service.fails_after = 3

    with pytest.raises(CallFailed, match="no answer in time"):
        isolation.read(asked, WINDOW, service, service.types)
    service.fails_after = None
    read(isolation, asked, service)

    assert service.jobs == [3, 1]


def test_a_part_known_as_bad_keeps_its_own_fault_when_its_turn_does_not_come() -> None:
    asked = parts(4)
    service, isolation = Service({asked[3]: GONE}), isolated()
    read(isolation, asked, service)
    service.fails_after = 1

    good, faults = read(isolation, asked, service)

    assert len(good) == 3
    assert faults == {"table 3": GONE}


def test_the_jobs_of_one_reading_are_bounded_and_the_next_ones_find_the_rest() -> None:
    asked = parts(200)
    service, isolation = Service(dict.fromkeys(asked[:60], GONE)), isolated()

    good, faults = read(isolation, asked, service)
    first = len(service.jobs)
    for _ in range(10):
        good, faults = read(isolation, asked, service)
        assert len(service.jobs) <= MAXIMUM_JOBS

    assert first == MAXIMUM_JOBS
    assert len(good) == 140
    assert len(faults) == 60
    assert set(faults.values()) == {GONE}


def test_bad_parts_take_turns_where_there_are_too_many_to_try() -> None:
    asked = parts(60)
    service, isolation = Service(dict.fromkeys(asked, GONE)), isolated()
    for _ in range(10):
        read(isolation, asked, service)
    service.bad.clear()

    read(isolation, asked, service)
    good, _ = read(isolation, asked, service)

    assert len(good) == 60


def test_a_part_that_is_too_large_alone_is_bad_and_the_others_stay_one_job() -> None:
    asked = parts(15)
    service, isolation = Service(), isolated()
    service.sizes = {asked[4]: 500}

    good, faults = read(isolation, asked, service)
    finding = list(service.jobs)
    read(isolation, asked, service)

    assert len(good) == 14
    assert faults == {"table 4": TOO_LARGE}
    assert len(finding) <= 9
    assert service.jobs == [14, 1]


def test_parts_that_are_too_large_together_stay_apart_until_the_dates_change() -> None:
    asked = parts(8)
    service, isolation = Service(), isolated()
    service.sizes = dict.fromkeys(asked, 30)

    good, faults = read(isolation, asked, service)
    read(isolation, asked, service)
    while_the_same = list(service.jobs)
    service.sizes = {}
    isolation.read(asked, Window(date(2026, 2, 2), date(2026, 2, 2)), service, service.types)

    assert len(good) == 8
    assert faults == {}
    assert while_the_same == [2, 2, 2, 2]
    assert service.jobs[-1] == 8


def test_one_too_large_alone_and_others_too_large_together_are_told_apart() -> None:
    asked = parts(5)
    service, isolation = Service(), isolated()
    service.sizes = {**dict.fromkeys(asked, 40), asked[0]: 500}
    for _ in range(2):
        good, faults = read(isolation, asked, service)
        assert faults == {"table 0": TOO_LARGE}
        assert len(good) == 4

    read(isolation, asked, service)

    assert sum(service.jobs) == 5
    assert len(service.jobs) <= 4


def test_rows_of_unknown_parts_are_an_error() -> None:
    with pytest.raises(CallFailed, match="belong to nothing") as caught:
        isolated().read(parts(2), WINDOW, lambda _: [{"part": 2}], Service().types)

    assert caught.value.fault.kind is ErrorKind.INVALID


@given(st.sets(st.integers(0, 15)), st.sets(st.integers(0, 15)), st.booleans())
def test_exactly_the_bad_parts_have_faults_whatever_was_bad_before(
    before: set[int],
    now: set[int],
    denied: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    asked = parts(16)
    fault = DENIED if denied else GONE
    service, isolation = Service({asked[number]: GONE for number in before}), isolated()
    read(isolation, asked, service)
    service.bad = {asked[number]: fault for number in now}

    good, faults = read(isolation, asked, service)

    assert faults == {f"table {number}": fault for number in now}
    assert len(good) == 16 - len(now)
    read(isolation, asked, service)
    assert Counter(service.jobs) == Counter([16 - len(now)] * (len(now) < 16) + [1] * len(now)) + Counter(
        [0] * (denied and len(now) == 16)
    )

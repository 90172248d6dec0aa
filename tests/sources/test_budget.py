from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exporter.config.resolved import WarehouseLimits
from exporter.model import ErrorKind
from exporter.sources.account import Account
from exporter.sources.budget import LEAST_BYTES_PER_TABLE, DailyBudget
from exporter.sources.errors import CallFailed

NOW = datetime(2026, 2, 1, 23, 59, tzinfo=UTC)
MIB = 2**20


def budget(
    daily: int = 100 * MIB, job: int = 30 * MIB, account: Account | None = None, project: str = "p"
) -> DailyBudget:
    return DailyBudget(WarehouseLimits(job, daily), project, account or Account())


def test_a_job_may_bill_its_limit_or_what_is_left_of_the_day() -> None:
    assert budget(daily=100 * MIB, job=30 * MIB).reserve(NOW, 1).limit == 30 * MIB
    assert budget(daily=100 * MIB, job=2**30).reserve(NOW, 1).limit == 100 * MIB
    assert LEAST_BYTES_PER_TABLE == 10 * MIB


def test_what_a_job_billed_takes_the_place_of_what_it_reserved() -> None:
    day = budget()

    reservation = day.reserve(NOW, 2)
    reserved = day.remaining(NOW)
    day.settle(reservation, 20 * MIB)

    assert reserved == 70 * MIB
    assert day.remaining(NOW) == 80 * MIB


def test_jobs_under_way_together_may_bill_no_more_than_the_day_has_left() -> None:
    day = budget()

    limits = [day.reserve(NOW, 1).limit for _ in range(4)]

    assert limits == [30 * MIB, 30 * MIB, 30 * MIB, 10 * MIB]
    with pytest.raises(CallFailed, match="0 MiB are left"):
        day.reserve(NOW, 1)


def test_each_project_has_a_budget_of_its_own() -> None:
    account = Account()

    budget(account=account, project="one").reserve(NOW, 1)

    assert budget(account=account, project="one").remaining(NOW) == 70 * MIB
    assert budget(account=account, project="other").remaining(NOW) == 100 * MIB


def test_a_job_is_refused_that_costs_more_than_the_day_has_left() -> None:
    day = budget(job=95 * MIB)
    day.settle(day.reserve(NOW, 1), 95 * MIB)

    with pytest.raises(CallFailed, match="5 MiB are left of today's 100 MiB, and this costs at least 10 MiB") as caught:
        day.reserve(NOW, 1)

    assert caught.value.fault.kind is ErrorKind.BUDGET
    assert not caught.value.fault.of_request


def test_a_job_over_no_table_costs_nothing() -> None:
    assert budget(daily=0).reserve(NOW, 0).size == 0


def test_the_next_utc_day_has_a_budget_of_its_own() -> None:
    day = budget(job=100 * MIB)
    day.settle(day.reserve(NOW, 1), 100 * MIB)

    tomorrow = NOW + timedelta(minutes=2)

    assert day.remaining(NOW) == 0
    assert day.remaining(tomorrow) == 100 * MIB


def test_a_job_that_runs_over_midnight_is_billed_to_the_day_on_which_it_began() -> None:
    day = budget()
    reservation = day.reserve(NOW, 1)
    day.reserve(NOW + timedelta(minutes=2), 1)

    day.settle(reservation, 20 * MIB)

    assert day.remaining(NOW) == 80 * MIB
    assert day.remaining(NOW + timedelta(minutes=2)) == 70 * MIB


def test_a_clock_that_is_set_back_does_not_give_the_budget_again() -> None:
    day = budget(job=100 * MIB)
    day.settle(day.reserve(NOW, 1), 100 * MIB)
    day.reserve(NOW + timedelta(days=1), 1)

    assert day.remaining(NOW) == 0


def test_a_bill_of_a_past_day_is_ignored() -> None:
    day = budget()
    reservation = day.reserve(NOW, 1)
    for days in range(1, 7):
        day.reserve(NOW + timedelta(days=days), 1)

    day.settle(reservation, 20 * MIB)

    assert day.remaining(NOW) == 100 * MIB


def test_a_job_over_its_own_limit_is_refused_for_itself_and_one_over_what_is_left_for_the_day() -> None:
    day = budget(daily=40 * MIB)

    alone = day.refused(day.reserve(NOW, 1), "50 MiB or higher required")
    spent = day.refused(day.reserve(NOW, 1), "50 MiB or higher required")

    assert alone.of_request
    assert "more than the 30 MiB that one job may bill (maximum_bytes_billed): 50 MiB or higher" in alone.message
    assert not spent.of_request
    assert "10 MiB are left of today's 40 MiB" in spent.message
    assert {alone.kind, spent.kind} == {ErrorKind.BUDGET}

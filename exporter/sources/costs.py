"""What a query would cost (by a dry run), and what its job has cost, also where BigQuery does not say so."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter

from exporter.sources.budget import LEAST_BYTES_PER_TABLE
from exporter.sources.calls import retry
from exporter.sources.columns import column_types
from exporter.sources.ports import Deadline, Estimate
from exporter.sources.statistics import BILLED, COLUMNS, EXACT, FAILURE, LOCATION, PROCESSED

if TYPE_CHECKING:
    from datetime import date

    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client, QueryJob

    from exporter.sources.budget import Reservation
    from exporter.sources.queries import Parameter, Query

K = TypeVar("K")
V = TypeVar("V")

_LONGEST_ATTEMPT: Final = 30.0
"""Seconds for one HTTP request. BigQuery itself holds a request for results for ten seconds while the job runs."""
_FIRST_PAUSE: Final = 0.25
_ESTIMATE_SECONDS: Final = 5.0
_MOST_REMEMBERED: Final = 1_000


class Bills:
    """What jobs have billed. Where BigQuery does not say it, one dry run a day and query gives an estimate."""

    def __init__(self) -> None:
        self._estimates: dict[tuple[str, date], Estimate] = {}

    def of(self, client: Client, job: QueryJob, query: Query, reservation: Reservation) -> int:
        """The bytes that an ended job billed, or the most that it can have billed.

        BigQuery omits the statistic where it would reveal something about hidden rows. It bills no job that fails.
        """
        known = billed(job, reservation)
        if known is not None:
            return known
        key = query.sql, reservation.day
        if key not in self._estimates:
            with suppress(Exception):
                remember(self._estimates, key, dry_run(client, query, Deadline(_ESTIMATE_SECONDS)))
        estimate = self._estimates.get(key)
        if estimate is None or estimate.size is None or not estimate.exact:
            return reservation.size
        # BigQuery bills each table for at least this much, however little of it is read.
        return min(reservation.size, estimate.size + query.tables * LEAST_BYTES_PER_TABLE)


def billed(job: QueryJob, reservation: Reservation) -> int | None:
    """The bytes that an ended job billed; None where only an estimate is possible."""
    size, may_be_billed = BILLED.of(job), FAILURE.of(job)
    if size is not None or may_be_billed is None:
        return size
    return reservation.size if may_be_billed else 0


def dry_run(client: Client, query: Query, deadline: Deadline) -> Estimate:
    """Estimate what the query would read, and where. Raises what the client raises."""
    config = QueryJobConfig(query_parameters=parameters(query), dry_run=True, use_query_cache=False)
    job = client.query(query.sql, config, job_retry=None, retry=again(deadline), timeout=longest(deadline))
    return Estimate(
        PROCESSED.of(job),
        exact=EXACT.of(job) is not False,
        location=LOCATION.of(job),
        types=column_types(COLUMNS.of(job) or ()),
    )


def remember(known: dict[K, V], key: K, value: V) -> None:
    """Remember a value. A mapping that has grown too large is emptied first."""
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[key] = value


def longest(deadline: Deadline) -> float:
    """Seconds for one HTTP request: at most half of the total, so that one lost answer does not use up all of it."""
    return min(_LONGEST_ATTEMPT, max(0.001, deadline.seconds / 2), max(0.001, deadline.remaining()))


def again(deadline: Deadline) -> Retry:
    """The retry that is used everywhere, within the deadline."""
    return retry(deadline.remaining(), _FIRST_PAUSE)


def parameters(query: Query) -> list[ArrayQueryParameter | ScalarQueryParameter]:
    """The query's parameters as the client takes them."""
    return [_parameter(parameter) for parameter in query.parameters]


def _parameter(parameter: Parameter) -> ArrayQueryParameter | ScalarQueryParameter:
    if isinstance(parameter.value, tuple):
        return ArrayQueryParameter(parameter.name, parameter.type, list(parameter.value))
    return ScalarQueryParameter(parameter.name, parameter.type, parameter.value)

"""Runs each query as one BigQuery job: paid from the day's budget, ended by its deadline, cancelled if given up.

A job belongs to one location. Outside the multi-regions US and EU a job is only found by its location, so every request
about a job names it (https://cloud.google.com/bigquery/docs/locations).
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

from google.api_core.exceptions import Conflict, NotFound
from google.api_core.retry import Retry, if_exception_type
from google.cloud.bigquery import QueryJobConfig
from google.cloud.bigquery.table import RowIterator

from exporter.model import ErrorKind
from exporter.sources.account import Account
from exporter.sources.budget import DailyBudget
from exporter.sources.calls import Calls
from exporter.sources.columns import check_types, column_types
from exporter.sources.costs import Bills, again, dry_run, longest, parameters, remember
from exporter.sources.errors import CallFailed, Fault, fault_of
from exporter.sources.ports import Deadline
from exporter.sources.queries import PART
from exporter.sources.sessions import connect, find_credentials
from exporter.sources.statistics import DONE, HIDES_ROWS, JOB_ID, LOCATION, PROCESSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from google.auth.credentials import Credentials
    from google.cloud.bigquery import Client, QueryJob

    from exporter.config.resolved import WarehouseLimits
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.answers import Row
    from exporter.sources.budget import Reservation
    from exporter.sources.ports import Estimate
    from exporter.sources.queries import Query
    from exporter.sources.sessions import Connection

T = TypeVar("T")

_APP: Final = "orchestration-exporter"
_CANCEL_SECONDS: Final = 1.0
_PAGE_ROWS: Final = 10_000
_LOST_KEPT: Final = 100
"""The most jobs with an unknown end that are asked about. Older ones stay counted with the most that they can bill."""
_ONCE: Final = Retry(predicate=if_exception_type())

# BigQuery reports this also where the policy lets this account see every row.
HIDDEN_ROWS: Final = Fault(
    ErrorKind.PERMISSION_DENIED,
    "a row access policy was applied, so rows may be hidden: what was counted may be too little",
    of_request=True,
    remedy="read a table without policies, or drop them; `bq ls --row_access_policies DATASET.TABLE` shows them",
)


class _Attempt:
    """A call in a thread of its own: the connection that it uses, and what is known about its job.

    `billed` None: the job may still be running, and its cost is not known.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self.job_id = f"{_APP}-{uuid.uuid4()}"
        self.location: str | None = None
        self.billed: int | None = 0
        self.connection: Connection | None = None
        self._given_up = False

    def use(self, connection: Connection, seconds: float) -> Client:
        """The client of this connection, with a time limit for each request. Raises CallFailed if it is too late."""
        self.connection = connection
        connection.limit(seconds)
        if self._given_up:
            connection.end()
            raise CallFailed(Fault(ErrorKind.TIMEOUT, "the call was given up"))
        return connection.client

    @property
    def unsent(self) -> bool:
        """Whether no request has left this machine."""
        return self.connection is None or not self.connection.used

    def give_up(self) -> None:
        """End the connection, and with it the thread."""
        self._given_up = True
        if self.connection is not None:
            self.connection.end()


class Jobs:
    """Runs queries as jobs of one project. Connections are made when they are needed, and used again."""

    def __init__(
        self,
        *,
        project: str,
        location: str | None,
        limits: WarehouseLimits,
        telemetry: Telemetry,
        clock: Callable[[], datetime],
        endpoint: str | None,
        account: Account | None,
    ) -> None:
        self._project = project
        self._location = location
        self._endpoint = endpoint
        self._telemetry = telemetry
        self._clock = clock
        self._budget = DailyBudget(limits, project, account or Account())
        self._calls = Calls("bigquery")
        self._cancels = Calls("bigquery-cancel")
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()
        self._running: set[_Attempt] = set()
        self._idle: list[Connection] = []
        self._lost: deque[tuple[_Attempt, Reservation]] = deque(maxlen=_LOST_KEPT)
        # By a query's SQL, which contains no date.
        self._locations: dict[str, str] = {}
        self._bills = Bills()
        self._note_budget()

    def run(self, query: Query, collector: str, deadline: Deadline) -> Sequence[Row]:
        """Return the query's rows. `collector` is a label of the job. Raises CallFailed.

        A job that does not end in time is cancelled before this returns, at the deadline or just after it.
        """
        self._settle_lost(Deadline(deadline.remaining() / 4))
        reservation = self._budget.reserve(self._clock(), query.tables)
        remaining = deadline.remaining()
        # The last tenth is for cancelling.
        inner = Deadline(remaining - min(_CANCEL_SECONDS, remaining / 10))
        config = QueryJobConfig(
            query_parameters=parameters(query),
            maximum_bytes_billed=reservation.limit,
            labels={"app": _APP, "collector": collector},
            job_timeout_ms=max(1, int(inner.remaining() * 1000)),
        )
        attempt = _Attempt(query)
        try:
            return self._call(attempt, lambda client: self._ask(client, attempt, reservation, config, inner), inner)
        except CallFailed as failed:
            if failed.fault.kind is ErrorKind.BUDGET:
                raise CallFailed(self._budget.refused(reservation, failed.fault.message)) from failed
            raise
        finally:
            if attempt.billed is not None:
                self._settle(reservation, attempt.billed)
            elif reservation.size:
                self._lost.append((attempt, reservation))
            self._note_budget()

    def estimate(self, query: Query, deadline: Deadline) -> Estimate:
        """Estimate the query by a dry run, which costs nothing. Raises CallFailed."""
        estimate = self._call(_Attempt(query), lambda client: dry_run(client, query, deadline), deadline)
        # A dry run without columns proves nothing about them; the reading itself is checked in any case.
        if estimate.types:
            check_types(query, estimate.types)
        return estimate

    def close(self) -> None:
        """Cancel running jobs within about a second and close the connections; later calls fail at once."""
        with self._lock:
            self._calls.close()
            running, idle = list(self._running), list(self._idle)
            self._idle.clear()
        unfinished = [attempt for attempt in running if attempt.billed is None]
        for attempt in running:
            attempt.give_up()
        deadline = Deadline(_CANCEL_SECONDS)
        for attempt in unfinished:
            self._cancel(attempt, deadline)
        self._cancels.close()
        for connection in idle:
            connection.end()

    def _call(self, attempt: _Attempt, ask: Callable[[Client], T], deadline: Deadline) -> T:
        with self._lock:
            self._running.add(attempt)
        try:
            answer = self._calls.run(
                lambda: ask(attempt.use(self._connection(), longest(deadline))), deadline.remaining()
            )
        except Exception as error:
            fault = fault_of(error)
            if _is_lost(fault):
                attempt.give_up()
                if attempt.billed is None and attempt.unsent:
                    attempt.billed = 0
                if attempt.billed is None and not self._calls.closed:
                    self._cancel(attempt, Deadline(_CANCEL_SECONDS))
            else:
                self._give_back(attempt)
            raise CallFailed(fault) from error
        else:
            self._give_back(attempt)
            return answer
        finally:
            with self._lock:
                self._running.discard(attempt)

    def _ask(
        self, client: Client, attempt: _Attempt, reservation: Reservation, config: QueryJobConfig, deadline: Deadline
    ) -> Sequence[Row]:
        attempt.billed = None
        self._telemetry.add("jobs")
        try:
            job = self._insert(client, attempt, config, deadline)
        except Exception as error:
            if not _is_lost(fault_of(error)):
                attempt.billed = 0
            raise
        if JOB_ID.of(job) != attempt.job_id:
            raise CallFailed(Fault(ErrorKind.INVALID, "the answer is about another job"))
        attempt.location = LOCATION.of(job)
        if attempt.location and attempt.query.tables:
            remember(self._locations, attempt.query.sql, attempt.location)
        try:
            rows = _rows(job, query=attempt.query, deadline=deadline)
        finally:
            if DONE.of(job):
                attempt.billed = self._bills.of(client, job, attempt.query, reservation)
        processed = PROCESSED.of(job)
        self._telemetry.add("bytes_processed", (attempt.billed or 0) if processed is None else processed)
        if HIDES_ROWS.of(job):
            raise CallFailed(HIDDEN_ROWS)
        return rows

    def _insert(self, client: Client, attempt: _Attempt, config: QueryJobConfig, deadline: Deadline) -> QueryJob:
        retry, seconds = again(deadline), longest(deadline)
        try:
            return client.query(
                attempt.query.sql, config, job_id=attempt.job_id, job_retry=None, retry=retry, timeout=seconds
            )
        except Conflict:
            # The id is unique to this call: an earlier attempt arrived, and only its answer was lost.
            location = self._locate(client, attempt, deadline)
            job = client.get_job(attempt.job_id, location=location, retry=retry, timeout=longest(deadline))
            return cast("QueryJob", job)

    def _locate(self, client: Client, attempt: _Attempt, deadline: Deadline) -> str | None:
        """Where the attempt's job runs: as configured, as its query did before, or as a dry run of the query says."""
        known = attempt.location or self._location or self._locations.get(attempt.query.sql)
        if known is None and attempt.query.tables:
            with suppress(Exception):
                known = dry_run(client, attempt.query, deadline).location
        attempt.location = known
        return known

    def _settle(self, reservation: Reservation, billed: int) -> None:
        self._budget.settle(reservation, billed)
        self._telemetry.add("bytes_billed", billed)

    def _settle_lost(self, deadline: Deadline) -> None:
        """Look up the jobs whose end is unknown. Those that are still unknown stay as they are."""
        for _ in range(len(self._lost)):
            attempt, reservation = self._lost.popleft()
            look = partial(self._bill, attempt=attempt, reservation=reservation, deadline=deadline)
            try:
                billed = self._call(_Attempt(attempt.query), look, deadline)
            except CallFailed:
                self._lost.appendleft((attempt, reservation))
                return
            if billed is None:
                self._lost.append((attempt, reservation))
            else:
                self._settle(reservation, billed)

    def _bill(self, client: Client, attempt: _Attempt, reservation: Reservation, deadline: Deadline) -> int | None:
        """What a job with an unknown end has billed; None while that is not known."""
        location = self._locate(client, attempt, deadline)
        try:
            found = client.get_job(attempt.job_id, location=location, retry=_ONCE, timeout=longest(deadline))
        except NotFound:
            # Without a known location the job may be in another one.
            return 0 if location else None
        job = cast("QueryJob", found)
        return self._bills.of(client, job, attempt.query, reservation) if DONE.of(job) else None

    def _cancel(self, attempt: _Attempt, deadline: Deadline) -> None:
        """Cancel the job, if a request can still be sent. Otherwise its own time-out ends it."""
        cancelling = _Attempt(attempt.query)

        def ask() -> None:
            client = cancelling.use(self._connect(), deadline.remaining())
            location = self._locate(client, attempt, deadline)
            client.cancel_job(attempt.job_id, location=location, retry=_ONCE, timeout=deadline.remaining())

        with suppress(Exception):
            self._cancels.run(ask, deadline.remaining())
        cancelling.give_up()

    def _connection(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _connect(self) -> Connection:
        # Find them once, so that every connection uses the same access token.
        self._credentials = self._credentials or find_credentials(self._endpoint)
        return connect(
            project=self._project,
            location=self._location,
            endpoint=self._endpoint,
            credentials=self._credentials,
        )

    def _give_back(self, attempt: _Attempt) -> None:
        if attempt.connection is None:
            return
        with self._lock:
            if not self._calls.closed:
                self._idle.append(attempt.connection)
                return
        attempt.connection.end()

    def _note_budget(self) -> None:
        self._telemetry.set("budget_remaining", self._budget.remaining(self._clock()))


def _rows(job: QueryJob, query: Query, deadline: Deadline) -> Sequence[Row]:
    # Here the client applies its time-out to all requests together, and not to each of them.
    answer = job.result(page_size=_PAGE_ROWS, retry=again(deadline), timeout=deadline.remaining(), job_retry=None)
    lacking = CallFailed(Fault(ErrorKind.INVALID, "the answer lacks its rows or their columns"))
    # The client turns an incomplete answer into an empty one, which would count as zero rows.
    if type(answer) is not RowIterator or PART not in {field.name for field in answer.schema}:
        raise lacking
    # Check before reading the rows: the client may fail on a column of another type.
    check_types(query, column_types(answer.schema))
    rows = list(answer)
    if len(rows) != answer.total_rows:
        raise lacking
    return rows


def _is_lost(fault: Fault) -> bool:
    """Whether the job's end is unknown, and the connection may be broken."""
    odd = fault.kind is ErrorKind.INVALID and not fault.of_request
    return odd or fault.kind in {ErrorKind.TIMEOUT, ErrorKind.UNREACHABLE}

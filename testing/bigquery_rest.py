"""A server with BigQuery's REST API, for cases that the local emulator lacks: refusals, limits, hangs, odd answers.

    with BigQueryRest() as server:
        server.answer(Rows({"n": "INT64"}, [[3]], bytes_processed=10_000_000))
        server.answer(not_found("p:data.gone"), when="gone")
        server.interfere("jobs.insert", error_answer(500, "internalError", "Try again."), HTML)
        rows = server.client().query("SELECT ...").result()
        assert server.queries[0].maximum_bytes_billed == 2**30

It supports the calls that a query makes, gives the requested answers and records the requests. It does not interpret
SQL, except for the text that `when` names.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from exporter.emulators.bigquery.calls import name_of
from exporter.emulators.bigquery.emulator import local_client
from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer, error_answer, json_answer
from testing.bigquery_wire import Query, query_of_job, query_of_request, row, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from google.cloud import bigquery

PROJECT = "test-project"


@dataclass(frozen=True, slots=True)
class Rows:
    """The job succeeds with these rows; `columns` is name to type (`ARRAY<STRING>` for a repeated one).

    It bills what it processed if nothing else is said, and fails if that is over the query's limit. `row_policies`: row
    access policies were applied. `hides_cost` (and
    `hides_estimate`, of a dry run): nothing is said of bytes, as where rows may be hidden. `accuracy`: how exact a dry
    run calls its estimate.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Sequence[object]] = ()
    bytes_processed: int = 0
    bytes_billed: int | None = None
    page_size: int = 100_000
    row_policies: bool = False
    hides_cost: bool = False
    hides_estimate: bool = False
    accuracy: str | None = None

    @property
    def billed(self) -> int:
        return self.bytes_processed if self.bytes_billed is None else self.bytes_billed


@dataclass(frozen=True, slots=True)
class Failed:
    """The job is accepted and ends with this error. `status` is the HTTP status of getQueryResults."""

    reason: str
    message: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class Refused:
    """The job is refused: its first call gets this error."""

    status: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Running:
    """The job runs until it is cancelled."""


Outcome = Rows | Failed | Refused | Running


@dataclass(frozen=True, slots=True)
class Slow:
    """The call gets its proper answer, seconds late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Without:
    """The answer lacks these fields, as in `statistics.query`."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class With:
    """The answer has this value in the field at this path, as in `statistics.query`."""

    field: str
    value: object


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is closed without an answer: at once, or after the caller has given up."""

    hangs: bool = False


Interference = Answer | Slow | Without | With | Dropped

HTML = Answer(502, b"<html><title>502 Bad Gateway</title></html>", "text/html")
HTML_OK = Answer(200, b"<html><title>Sign in</title></html>", "text/html")
TRUNCATED = Answer(200, b'{"kind": "bigquery#job", "jobReference": {"projectId": "te')
DROP = Dropped()
HANG = Dropped(hangs=True)


def not_found(table: str) -> Failed:
    """The job names a table, `project:dataset.table`, that does not exist."""
    return Failed("notFound", f"Not found: Table {table} was not found in location US", 404)


def access_denied(table: str) -> Failed:
    """The job may not read a table, `project:dataset.table`."""
    message = (
        f"Access Denied: Table {table}: User does not have permission to query table {table},"
        " or perhaps it does not exist."
    )
    return Failed("accessDenied", message, 403)


def invalid_query(message: str = "Unrecognized name: nope at [1:8]") -> Failed:
    """The job's SQL is invalid."""
    return Failed("invalidQuery", message)


QUOTA_EXCEEDED = Refused(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for query bytes per day.")
RATE_LIMITED = Refused(403, "rateLimitExceeded", "Exceeded rate limits: too many concurrent queries for this project.")
NO_JOBS_PERMISSION = Refused(
    403,
    "accessDenied",
    f"Access Denied: Project {PROJECT}: User does not have bigquery.jobs.create permission in project {PROJECT}.",
)


@dataclass(slots=True)
class _Job:
    query: Query
    outcome: Rows | Failed | Running
    location: str


class BigQueryRest:
    """The server on a free loopback port. A context manager. Its records can be read after it has stopped.

    `long_poll` is how many seconds it holds a request for the results of a running job by default. A job without a
    location runs in `location`; outside US and EU requests about it must name the location. `misplaced`: the calls that
    named none, or another one.
    """

    def __init__(self, *, long_poll: float = 10.0, location: str = "US") -> None:
        self._long_poll = long_poll
        self._location = location
        self.queries: list[Query] = []
        self.cancelled: list[str] = []
        self.misplaced: list[str] = []
        self.calls: Counter[str] = Counter()
        self._outcomes: list[tuple[str, deque[Outcome]]] = []
        self._interferences: defaultdict[str, deque[Interference]] = defaultdict(deque)
        self._jobs: dict[str, _Job] = {}
        self._clients: list[bigquery.Client] = []
        self._changed = threading.Condition()
        self._server = LoopbackServer(self._answer)

    @property
    def address(self) -> str:
        return self._server.address

    def client(self, project: str = PROJECT) -> bigquery.Client:
        """A real client of this server, closed when the server stops."""
        client = local_client(self.address, project)
        self._clients.append(client)
        return client

    def answer(self, *outcomes: Outcome, when: str = "") -> None:
        """Set how jobs whose SQL contains `when` end, in turn; the last one repeats. A newer rule has priority."""
        self._outcomes.insert(0, (when, deque(outcomes)))

    def interfere(self, call: str, *interferences: Interference) -> None:
        """Set what the next calls of this name (`jobs.insert`) get instead of, or besides, their proper answers."""
        with self._changed:
            self._interferences[call].extend(interferences)

    def wait_for_call(self, name: str, count: int = 1, seconds: float = 10.0) -> bool:
        """Wait until a call was made this many times, answered or not. False if the seconds are over before."""
        with self._changed:
            return self._changed.wait_for(lambda: self.calls[name] >= count, seconds)

    def recover(self) -> None:
        """Answer properly from now on, and drop the remaining interferences."""
        with self._changed:
            self._interferences.clear()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stopping.set()
        with self._changed:
            self._changed.notify_all()
        for client in self._clients:
            client.close()
        self._server.stop()

    def _answer(self, call: Call) -> Answer | None:
        name = name_of(call.method, call.target)
        with self._changed:
            self.calls[name] += 1
            self._changed.notify_all()
            waiting = self._interferences[name]
            interference = waiting.popleft() if waiting else None
        if isinstance(interference, Answer):
            return interference
        if isinstance(interference, Dropped):
            if interference.hangs:
                self._server.stopping.wait()
            return None
        if isinstance(interference, Slow):
            self._server.stopping.wait(interference.seconds)
        answer = self._proper_answer(name, call)
        if isinstance(interference, Without):
            content = json.loads(answer.body)
            for path in interference.fields:
                _remove(content, path.split("."))
            answer = json_answer(content, answer.status)
        if isinstance(interference, With):
            content = json.loads(answer.body)
            *steps, last = interference.field.split(".")
            inner = content
            for step in steps:
                inner = inner.setdefault(step, {})
            inner[last] = interference.value
            answer = json_answer(content, answer.status)
        return answer

    def _proper_answer(self, name: str, call: Call) -> Answer:
        url = urlsplit(call.target)
        path = url.path.strip("/").split("/")
        parameters = {key: values[0] for key, values in parse_qs(url.query).items()}
        match name:
            case "jobs.insert" | "jobs.query":
                return self._accept(name, path[path.index("projects") + 1], json.loads(call.body))
            case "jobs.get":
                return self._with_job(name, path[-1], parameters, lambda job: json_answer(_job_resource(job)))
            case "jobs.getQueryResults":
                return self._with_job(name, path[-1], parameters, lambda job: self._results(job, parameters))
            case "jobs.cancel":
                return self._with_job(name, path[-2], parameters, self._cancel)
            case "tabledata.insertAll":
                return json_answer({"kind": "bigquery#tableDataInsertAllResponse"})
            case _:
                return error_answer(404, "notFound", f"Not found: the stand-in does not speak {call.method} {url.path}")

    def _accept(self, name: str, project: str, body: Mapping[str, Any]) -> Answer:
        """jobs.insert and jobs.query: record the query and begin its job."""
        with self._changed:
            query = (
                query_of_job(project, body)
                if name == "jobs.insert"
                else query_of_request(project, body, f"job-{len(self.queries) + 1}")
            )
            self.queries.append(query)
            outcome = self._next_outcome(query)
        if isinstance(outcome, Refused):
            return error_answer(outcome.status, outcome.reason, outcome.message)
        job = _Job(query, _limited(query, outcome), query.location or self._location)
        if query.dry_run:
            if isinstance(job.outcome, Failed):
                return error_answer(job.outcome.status, job.outcome.reason, job.outcome.message)
        elif query.job_id in self._jobs:
            taken = f"{query.project}:{job.location}.{query.job_id}"
            return error_answer(409, "duplicate", f"Already Exists: Job {taken}")
        else:
            self._jobs[query.job_id] = job
        return json_answer(_job_resource(job)) if name == "jobs.insert" else self._results(job, body)

    def _next_outcome(self, query: Query) -> Outcome:
        for when, outcomes in self._outcomes:
            if when in query.sql:
                return outcomes.popleft() if len(outcomes) > 1 else outcomes[0]
        return Refused(400, "invalidQuery", "the stand-in was told no answer to this query")

    def _with_job(
        self, name: str, job_id: str, parameters: Mapping[str, str], answer: Callable[[_Job], Answer]
    ) -> Answer:
        job, location = self._jobs.get(job_id), parameters.get("location")
        if job is not None and job.location != location and (location or job.location not in {"US", "EU"}):
            self.misplaced.append(name)
            job = None
        return error_answer(404, "notFound", f"Not found: Job {job_id}") if job is None else answer(job)

    def _cancel(self, job: _Job) -> Answer:
        with self._changed:
            self.cancelled.append(job.query.job_id)
            if isinstance(job.outcome, Running):
                job.outcome = Failed("stopped", "Job execution was cancelled: User requested cancellation", 499)
            self._changed.notify_all()
        return json_answer({"kind": "bigquery#jobCancelResponse", "job": _job_resource(job)})

    def _results(self, job: _Job, parameters: Mapping[str, Any]) -> Answer:
        """jobs.getQueryResults: hold a running job's caller for as long as it asks, like the service."""
        asked = parameters.get("timeoutMs")
        patience = self._long_poll if asked is None else min(self._long_poll, int(asked) / 1000)
        with self._changed:
            self._changed.wait_for(
                lambda: not isinstance(job.outcome, Running) or self._server.stopping.is_set(), patience
            )
        outcome = job.outcome
        content: dict[str, object] = {"kind": "bigquery#getQueryResultsResponse", "jobReference": _reference(job)}
        if isinstance(outcome, Failed):
            return error_answer(outcome.status, outcome.reason, outcome.message)
        if isinstance(outcome, Running):
            return json_answer(content | {"jobComplete": False})
        start = int(parameters.get("pageToken") or parameters.get("startIndex") or 0)
        end = start + min(outcome.page_size, int(parameters.get("maxResults", outcome.page_size)))
        if end < len(outcome.rows):
            content["pageToken"] = str(end)
        content |= {
            "jobComplete": True,
            "schema": schema(outcome.columns),
            "totalRows": str(len(outcome.rows)),
            "totalBytesProcessed": str(outcome.bytes_processed),
            "cacheHit": False,
        }
        if page := outcome.rows[start:end]:
            content["rows"] = [row(values) for values in page]
        return json_answer(content)


def _limited(query: Query, outcome: Rows | Failed | Running) -> Rows | Failed | Running:
    """The outcome, or the failure of a query that would bill more than it allows."""
    limit = query.maximum_bytes_billed
    if query.dry_run or limit is None or not isinstance(outcome, Rows) or outcome.billed <= limit:
        return outcome
    message = f"Query exceeded limit for bytes billed: {limit}. {outcome.billed} or higher required."
    return Failed("bytesBilledLimitExceeded", message)


def _reference(job: _Job) -> dict[str, str]:
    return {"projectId": job.query.project, "jobId": job.query.job_id, "location": job.location}


def _job_resource(job: _Job) -> dict[str, object]:
    query, outcome = job.query, job.outcome
    statistics: dict[str, object] = {"creationTime": "1769900000000", "startTime": "1769900000100"}
    status: dict[str, object] = {"state": "RUNNING"}
    if not isinstance(outcome, Running):
        statistics["endTime"] = "1769900001000"
        status["state"] = "DONE"
    if isinstance(outcome, Failed):
        error = {"reason": outcome.reason, "message": outcome.message}
        status |= {"errorResult": error, "errors": [error]}
    if isinstance(outcome, Rows):
        of_query: dict[str, object] = {
            "cacheHit": False,
            "statementType": "SELECT",
            "schema": schema(outcome.columns),
        }
        if not (outcome.hides_estimate if query.dry_run else outcome.hides_cost):
            statistics["totalBytesProcessed"] = of_query["totalBytesProcessed"] = str(outcome.bytes_processed)
            of_query["totalBytesBilled"] = "0" if query.dry_run else str(outcome.billed)
        if query.dry_run and outcome.accuracy:
            of_query["totalBytesProcessedAccuracy"] = outcome.accuracy
        statistics["query"] = of_query
        if outcome.row_policies:
            statistics["rowLevelSecurityStatistics"] = {"rowLevelSecurityApplied": True}
    return {
        "kind": "bigquery#job",
        "id": f"{query.project}:{job.location}.{query.job_id}",
        "jobReference": _reference(job),
        "configuration": query.configuration,
        "status": status,
        "statistics": statistics,
    }


def _remove(content: Any, path: Sequence[str]) -> None:  # noqa: ANN401 - JSON has no narrower type
    """Remove the field at this path, if there is one."""
    for step in path[:-1]:
        content = content.get(step, {})
    content.pop(path[-1], None)

"""Queries and rows in the form of BigQuery's REST API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Query:
    """A requested job. Settings that the query lacks are None. `configuration` is the whole request as it was sent."""

    job_id: str
    project: str
    location: str | None
    sql: str
    parameters: Mapping[str, object]
    dry_run: bool
    maximum_bytes_billed: int | None
    job_timeout_ms: int | None
    labels: Mapping[str, str]
    configuration: Mapping[str, Any]


def query_of_job(project: str, job: Mapping[str, Any]) -> Query:
    """The query of a jobs.insert request."""
    reference, configuration = job["jobReference"], job["configuration"]
    return _query(reference["jobId"], project, reference.get("location"), configuration["query"], configuration)


def query_of_request(project: str, request: Mapping[str, Any], job_id: str) -> Query:
    """The query of a jobs.query request, which leaves the job's id to the server."""
    return _query(job_id, project, request.get("location"), request, request)


def _query(
    job_id: str, project: str, location: str | None, query: Mapping[str, Any], configuration: Mapping[str, Any]
) -> Query:
    return Query(
        job_id=job_id,
        project=project,
        location=location,
        sql=query["query"],
        parameters={parameter["name"]: _parameter(parameter) for parameter in query.get("queryParameters", ())},
        dry_run=bool(configuration.get("dryRun")),
        maximum_bytes_billed=_whole(query.get("maximumBytesBilled")),
        job_timeout_ms=_whole(configuration.get("jobTimeoutMs")),
        labels=configuration.get("labels", {}),
        configuration=configuration,
    )


def _whole(value: str | int | None) -> int | None:
    return None if value is None else int(value)


def _parameter(parameter: Mapping[str, Any]) -> object:
    kind, value = parameter["parameterType"], parameter["parameterValue"]
    if kind["type"] == "ARRAY":
        return [_scalar(kind["arrayType"]["type"], element["value"]) for element in value.get("arrayValues", ())]
    return _scalar(kind["type"], value.get("value"))


def _scalar(kind: str, value: str | None) -> object:
    if value is None:
        return None
    match kind:
        case "DATE":
            return date.fromisoformat(value)
        case "TIMESTAMP" | "DATETIME":
            return datetime.fromisoformat(value)
        case "INT64" | "INTEGER":
            return int(value)
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as a response has it."""

    value: object


def schema(columns: Mapping[str, str]) -> dict[str, object]:
    """The columns, name to type (`ARRAY<STRING>` for a repeated one), as a response's schema."""
    return {"fields": [_column(name, kind) for name, kind in columns.items()]}


def _column(name: str, kind: str) -> dict[str, object]:
    if kind.startswith("ARRAY<"):
        return {**_column(name, kind[len("ARRAY<") : -1]), "mode": "REPEATED"}
    column: dict[str, object] = {"name": name, "type": kind, "mode": "NULLABLE"}
    if kind.startswith("RANGE<"):
        return {**column, "type": "RANGE", "rangeElementType": {"type": kind[len("RANGE<") : -1]}}
    if kind.startswith("STRUCT<"):
        inner = dict(field.split(" ", 1) for field in kind[len("STRUCT<") : -1].split(", "))
        return {**column, "type": "RECORD", **schema(inner)}
    return column


def row(values: Sequence[object]) -> dict[str, object]:
    """A row as a response's `f` and `v`."""
    return {"f": [{"v": _cell(value)} for value in values]}


def _cell(value: object) -> object:
    match value:
        case None:
            return None
        case Cell():
            return value.value
        case bool():
            return str(value).lower()
        case datetime():
            return str((value - _EPOCH) // timedelta(microseconds=1))
        case list():
            return [{"v": _cell(element)} for element in value]
        case _:
            return str(value)

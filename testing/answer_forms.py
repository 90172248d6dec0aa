"""Normalises the answers of a Firestore server, so that correct servers give equal answers (see `answers.py`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, Final, TypeAlias

import grpc

Message: TypeAlias = Any
"""A message of the Firestore API: protobuf's classes are made at run time and carry no types."""
Json: TypeAlias = Any

_DOCUMENTS: Final = re.compile(r"^projects/[\w-]+/databases/\(default\)/documents/?")
_MADE_UP: Final = re.compile(r"(?<=/)[A-Za-z0-9]{20}$")
_DATE: Final = re.compile(r"(?<=/)\d{4}-\d\d-\d\d$")
_RECENT: Final = timedelta(hours=1)
_LONGEST_TEXT: Final = 100
_FEW: Final = 3  # equal answers in a row that are written out


@dataclass(frozen=True, slots=True, order=True)
class At:
    """The time of a write, until its rank is known."""

    seconds: int
    nanos: int


def _found_or_missing(answer: Message) -> Iterator[Json]:
    match answer.WhichOneof("result"):
        case "found":
            yield _read({"found": name_of(answer.found.name), **document_of(answer.found)}, answer)
        case "missing":
            yield _read({"missing": name_of(answer.missing)}, answer)
        case _:
            pass  # a message that carries no document, only the id of a new transaction


def _result(answer: Message) -> Iterator[Json]:
    if answer.HasField("document"):
        yield _read({"found": name_of(answer.document.name), **document_of(answer.document)}, answer)


def _aggregates(answer: Message) -> Iterator[Json]:
    if answer.HasField("result"):
        fields = answer.result.aggregate_fields
        yield _read({alias: _value(value) for alias, value in sorted(fields.items())}, answer)


def _read(found: Json, answer: Message) -> Json:
    return found if answer.HasField("read_time") else {**found, "read_time": "missing"}


def _page(answer: Message) -> Iterator[Json]:
    for document in answer.documents:
        yield {"found": name_of(document.name), **_times_of(document)}
    if answer.next_page_token:
        yield "and more"


def _ids(answer: Message) -> Iterator[Json]:
    yield from answer.collection_ids
    if answer.next_page_token:
        yield "and more"


def _committed(answer: Message) -> Iterator[Json]:
    for result in answer.write_results:
        yield _written(result)
    if answer.HasField("commit_time"):
        yield {"committed": _at(answer.commit_time)}


def _each_for_itself(answer: Message) -> Iterator[Json]:
    for result, status in zip(answer.write_results, answer.status, strict=True):
        failed = next((code.name for code in grpc.StatusCode if code.value[0] == status.code), str(status.code))
        yield {"status": failed} if status.code else _written(result)


def _written(result: Message) -> Json:
    written: Json = {"updated": _at(result.update_time)} if result.HasField("update_time") else {}
    if result.transform_results:
        written["transformed"] = [_value(value) for value in result.transform_results]
    return written


FORMS: Final[Mapping[str, Callable[[Message], Iterator[Json]]]] = {
    "BatchGetDocuments": _found_or_missing,
    "BatchWrite": _each_for_itself,
    "BeginTransaction": lambda answer: iter(["begun"] if answer.transaction else ["without an id"]),
    "Commit": _committed,
    "GetDocument": lambda answer: iter([{"found": name_of(answer.name), **document_of(answer)}]),
    "ListCollectionIds": _ids,
    "ListDocuments": _page,
    "Rollback": lambda _: iter(["rolled back"]),
    "RunAggregationQuery": _aggregates,
    "RunQuery": _result,
}


# --- their parts ------------------------------------------------------------------------------------------------------


def name_of(name: str) -> str:
    """A document's name below its database; what was made up, and today, by a word."""
    return _DATE.sub(_today, _MADE_UP.sub("<made up>", _DOCUMENTS.sub("", name)))


def _today(found: re.Match[str]) -> str:
    """Whether the text is today's date; a test that began before midnight may end after it."""
    days = datetime.now(UTC).date() - date.fromisoformat(found[0])
    return "<today>" if abs(days) <= timedelta(days=1) else found[0]


def document_of(document: Message) -> Json:
    """A document: its fields and times."""
    return {"fields": _fields(document.fields), **_times_of(document)}


def _times_of(document: Message) -> Json:
    found: Json = {}
    if document.HasField("create_time"):
        found["created"] = _at(document.create_time)
    if document.HasField("update_time"):
        found["updated"] = _at(document.update_time)
    return found


def _at(time: Message) -> At:
    return At(time.seconds, time.nanos)


def _fields(fields: Message) -> Json:
    return {key: _value(value) for key, value in sorted(fields.items())}


def _value(value: Message) -> Json:
    """A value. A key with `$` marks types that JSON lacks. 1 and 1.0 stay different."""
    kind = value.WhichOneof("value_type")
    form = _VALUES.get(kind)
    assert form is not None, f"no form for a {kind}"
    return form(getattr(value, kind))


def _double(value: float) -> Json:
    return value if abs(value) < float("inf") else {"$double": str(value)}


def _string(value: str) -> Json:
    if len(value) <= _LONGEST_TEXT:
        return value
    return {"$string": value[:_LONGEST_TEXT], "characters": len(value)}


def _timestamp(value: Message) -> Json:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value.seconds)
    if abs(datetime.now(UTC) - moment) < _RECENT:
        unit = "milliseconds" if value.nanos % 1_000_000 == 0 else "microseconds"
        return {"$timestamp": f"now, in {unit}"}
    return {"$timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{value.nanos:09}Z"}


_VALUES: Final[Mapping[str, Callable[[Any], Json]]] = {
    "array_value": lambda value: [_value(item) for item in value.values],
    "boolean_value": bool,
    "bytes_value": lambda value: {"$bytes": value.hex()},
    "double_value": _double,
    "geo_point_value": lambda value: {"$geo_point": [value.latitude, value.longitude]},
    "integer_value": int,
    "map_value": lambda value: _fields(value.fields),
    "null_value": lambda _: None,
    "reference_value": lambda value: {"$reference": name_of(value)},
    "string_value": _string,
    "timestamp_value": _timestamp,
}


def condensed(answers: list[Json]) -> list[Json]:
    """Many equal answers in a row are counted."""
    found: list[Json] = []
    for _, equal in groupby(answers, key=text_of):
        row = list(equal)
        found.extend(row if len(row) <= _FEW else [{"equal": len(row), "each": row[0]}])
    return found


def times_in(tree: Json) -> Iterator[At]:
    """Every time of a write in what was answered."""
    if isinstance(tree, At):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from times_in(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from times_in(branch)


def text_of(tree: Json, ranked: Mapping[At, str] | None = None) -> str:
    """JSON in one line."""
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, default=(ranked or {}).get if ranked else repr)

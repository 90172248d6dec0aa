"""What a Firestore server answers to the real client, call by call, in a form that every right server shares.

`Answers.observed` puts an interceptor into a client's channel: it looks on and changes nothing. What is lawfully
different from one server or run to the next is left out or made equal here, and nothing else is:

- the project, ids that the client made up or that are today's date, transaction ids, resume tokens and page tokens; an
  error's text (its code stays);
- times: those of writes become `t1`, `t2`, ... by their rank among the times of the same test, so that it still shows
  which are equal and which is later. A server timestamp in a field becomes `now`, with its resolution. When a read
  happened is left out;
- the order in which BatchGetDocuments sends its documents. A query's order stays;
- the fields in ListDocuments: the client asks for none, and Google's emulator sends all, whatever the mask;
- how a listener's news are spread over messages: what counts is what changed from one consistent moment to the next.
  Listeners run beside the test, so they come after its calls, by what they listen to.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
class _At:
    """The time of a write, until its rank is known."""

    seconds: int
    nanos: int


@dataclass(slots=True)
class _Call:
    """One call; `status` is there once it has failed."""

    method: str
    answers: list[Json] = field(default_factory=list)
    status: str | None = None

    def lines(self) -> Json:
        if self.status is not None and not self.answers:
            return {self.method: self.status}
        answers = sorted(self.answers, key=_text) if self.method == "BatchGetDocuments" else self.answers
        found = {self.method: _condensed(answers)}
        return found if self.status is None else {**found, "status": self.status}


@dataclass(slots=True)
class _Listening:
    """One listener's stream, folded into what changed from one consistent moment to the next."""

    target: str = ""
    moments: list[Json] = field(default_factory=list)
    status: str | None = None
    _missing: set[str] = field(default_factory=set)
    _view: dict[str, Json] = field(default_factory=dict)
    _told: dict[str, Json] = field(default_factory=dict)
    _current: bool = False

    def asked(self, request: Message) -> None:
        if request.add_target.documents.documents:
            self.target = ", ".join(map(_name, request.add_target.documents.documents))
        elif request.add_target.query.parent:
            selected = request.add_target.query.structured_query
            self.target = "query of " + ", ".join(collection.collection_id for collection in selected.from_)

    def take(self, message: Message) -> None:
        match message.WhichOneof("response_type"):
            case "document_change" if not message.document_change.removed_target_ids:
                document = message.document_change.document
                self._view[_name(document.name)] = _document(document)
            case "document_change":
                self._view.pop(_name(message.document_change.document.name), None)
            case "document_delete":
                self._gone(_name(message.document_delete.document))
            case "document_remove":
                self._gone(_name(message.document_remove.document))
            case "target_change":
                self._target_change(message.target_change)
            case _:
                pass  # a filter: a checksum, which a server may send at any time

    def _gone(self, name: str) -> None:
        self._view.pop(name, None)
        self._missing.add(name)

    def _target_change(self, change: Message) -> None:
        kind = change.TargetChangeType.Name(change.target_change_type)
        if kind == "RESET":
            self._view.clear()  # everything is sent again, before the next consistent moment
        self._current = self._current or kind == "CURRENT"
        if self._current and not change.target_ids and change.HasField("read_time"):
            self._consistent()

    def _consistent(self) -> None:
        gone = self._told.keys() - self._view.keys() if self.moments else self._missing
        changes = {name: document for name, document in self._view.items() if self._told.get(name) != document}
        self._told = dict(self._view)
        if changes or gone or not self.moments:
            self.moments.append(dict(sorted({**changes, **dict.fromkeys(gone, "missing")}.items())))

    def lines(self) -> Json:
        found = {f"Listen to {self.target}": list(self.moments)}
        return found if self.status in (None, "CANCELLED") else {**found, "status": self.status}


class Answers:
    """All that was answered to the clients of one test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[_Call | Mapping[str, Json]] = []
        self._listeners: list[_Listening] = []

    def observed(self, channel: grpc.Channel) -> grpc.Channel:
        """The channel, looked upon."""
        return grpc.intercept_channel(channel, _Observer(self))

    def tell(self, what: str, value: Json) -> None:
        """Take down what a test found, where the calls that led to it differ from run to run."""
        with self._lock:
            self._calls.append({what: value})

    def call(self, method: str) -> _Call:
        """A call that begins."""
        call = _Call(method)
        with self._lock:
            self._calls.append(call)
        return call

    def listening(self) -> _Listening:
        """A listener that begins."""
        listening = _Listening()
        with self._lock:
            self._listeners.append(listening)
        return listening

    def lines(self) -> list[str]:
        """One line of JSON for every call, in their order, and then for every listener."""
        with self._lock:
            calls = [call.lines() if isinstance(call, _Call) else call for call in self._calls]
            heard = [listener.lines() for listener in self._listeners]
        times = sorted(set(_times([*calls, *heard])))
        ranked = {time: f"t{rank}" for rank, time in enumerate(times, start=1)}
        return [_text(call, ranked) for call in calls] + sorted(_text(listener, ranked) for listener in heard)


class _Observer(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Sees every call of a channel."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Message) -> Any:  # noqa: ANN401 - as gRPC has it
        method = _method(client_call_details)
        call = self._answers.call(method)
        outcome = continuation(client_call_details, request)
        if outcome.exception() is None:
            call.answers.extend(_FORMS[method](_plain(outcome.result())))
        else:
            call.status = outcome.code().name
        return outcome

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Message) -> Any:  # noqa: ANN401 - as above
        method = _method(client_call_details)
        call = self._answers.call(method)

        def take(message: Message) -> None:
            call.answers.extend(_FORMS[method](message))

        def fail(status: str) -> None:
            call.status = status

        return _Stream(continuation(client_call_details, request), take, fail)

    def intercept_stream_stream(
        self,
        continuation: Any,  # noqa: ANN401 - as above
        client_call_details: Any,  # noqa: ANN401 - as above
        request_iterator: Iterable[Message],
    ) -> Any:  # noqa: ANN401 - as above
        assert _method(client_call_details) == "Listen", client_call_details.method
        listening = self._answers.listening()

        def requests() -> Iterator[Message]:
            for request in request_iterator:
                listening.asked(_plain(request))
                yield request

        def fail(status: str) -> None:
            listening.status = status

        return _Stream(continuation(client_call_details, requests()), listening.take, fail)


class _Stream:
    """A stream of answers that is looked upon; in all else it is the stream itself."""

    def __init__(self, stream: Any, take: Callable[[Message], None], fail: Callable[[str], None]) -> None:  # noqa: ANN401 - gRPC's own
        self._stream = stream
        self._take = take
        self._fail = fail

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            message = next(self._stream)
        except grpc.RpcError as error:
            self._fail(error.code().name)
            raise
        self._take(_plain(message))
        return message

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is
        return getattr(self._stream, name)


def _method(details: Any) -> str:  # noqa: ANN401 - gRPC's own
    method = details.method
    return (method.decode() if isinstance(method, bytes) else str(method)).rpartition("/")[2]


def _plain(message: Message) -> Message:
    """The protobuf message below the client's own class."""
    return type(message).pb(message) if hasattr(type(message), "pb") else message


# --- the forms of the answers, by method ------------------------------------------------------------------------------


def _found_or_missing(answer: Message) -> Iterator[Json]:
    match answer.WhichOneof("result"):
        case "found":
            yield _read({"found": _name(answer.found.name), **_document(answer.found)}, answer)
        case "missing":
            yield _read({"missing": _name(answer.missing)}, answer)
        case _:
            pass  # a message that carries no document, only the id of a new transaction


def _result(answer: Message) -> Iterator[Json]:
    if answer.HasField("document"):
        yield _read({"found": _name(answer.document.name), **_document(answer.document)}, answer)


def _aggregates(answer: Message) -> Iterator[Json]:
    if answer.HasField("result"):
        fields = answer.result.aggregate_fields
        yield _read({alias: _value(value) for alias, value in sorted(fields.items())}, answer)


def _read(found: Json, answer: Message) -> Json:
    return found if answer.HasField("read_time") else {**found, "read_time": "missing"}


def _page(answer: Message) -> Iterator[Json]:
    for document in answer.documents:
        yield {"found": _name(document.name), **_times_of(document)}
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


_FORMS: Final[Mapping[str, Callable[[Message], Iterator[Json]]]] = {
    "BatchGetDocuments": _found_or_missing,
    "BatchWrite": _each_for_itself,
    "BeginTransaction": lambda answer: iter(["begun"] if answer.transaction else ["without an id"]),
    "Commit": _committed,
    "GetDocument": lambda answer: iter([{"found": _name(answer.name), **_document(answer)}]),
    "ListCollectionIds": _ids,
    "ListDocuments": _page,
    "Rollback": lambda _: iter(["rolled back"]),
    "RunAggregationQuery": _aggregates,
    "RunQuery": _result,
}


# --- their parts ------------------------------------------------------------------------------------------------------


def _name(name: str) -> str:
    return _DATE.sub(_today, _MADE_UP.sub("<made up>", _DOCUMENTS.sub("", name)))


def _today(found: re.Match[str]) -> str:
    """A test that began before midnight may end after it."""
    days = datetime.now(UTC).date() - date.fromisoformat(found[0])
    return "<today>" if abs(days) <= timedelta(days=1) else found[0]


def _document(document: Message) -> Json:
    return {"fields": _fields(document.fields), **_times_of(document)}


def _times_of(document: Message) -> Json:
    found: Json = {}
    if document.HasField("create_time"):
        found["created"] = _at(document.create_time)
    if document.HasField("update_time"):
        found["updated"] = _at(document.update_time)
    return found


def _at(time: Message) -> _At:
    return _At(time.seconds, time.nanos)


def _fields(fields: Message) -> Json:
    return {key: _value(value) for key, value in sorted(fields.items())}


def _value(value: Message) -> Json:
    """A value; where JSON has no such type, it says so with a `$`. 1 and 1.0 stay apart."""
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
    "reference_value": lambda value: {"$reference": _name(value)},
    "string_value": _string,
    "timestamp_value": _timestamp,
}


def _condensed(answers: list[Json]) -> list[Json]:
    """Many equal answers in a row are counted."""
    found: list[Json] = []
    for _, equal in groupby(answers, key=_text):
        row = list(equal)
        found.extend(row if len(row) <= _FEW else [{"equal": len(row), "each": row[0]}])
    return found


def _times(tree: Json) -> Iterator[_At]:
    if isinstance(tree, _At):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from _times(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from _times(branch)


def _text(tree: Json, ranked: Mapping[_At, str] | None = None) -> str:
    """JSON in one line."""
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, default=(ranked or {}).get if ranked else repr)

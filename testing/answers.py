"""Records what a Firestore server answers to the real client, normalised so that correct servers give equal answers.

`Answers.observed` adds an interceptor to a client's channel, which changes nothing. Lawful differences between servers
or runs are omitted or made equal here, and no others:

- the project, ids that the client made up or that are today's date, transaction ids, resume tokens and page tokens; an
  error's text (its code stays);
- times: those of writes become `t1`, `t2`, ... by their rank among the times of the same test, so that it still shows
  which are equal and which is later. A server timestamp in a field becomes `now`, with its resolution. When a read
  happened is left out;
- the order in which BatchGetDocuments sends its documents. A query's order stays;
- the fields in ListDocuments: the client asks for none, and Google's emulator sends all, whatever the mask;
- how a listener's changes are spread over messages: only the changes between two consistent moments count.
  Listeners run beside the test, so they come after its calls, by what they listen to.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from testing.answer_forms import FORMS, Json, Message, condensed, document_of, name_of, text_of, times_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(slots=True)
class _Call:
    """One call. `status` is set if it failed."""

    method: str
    answers: list[Json] = field(default_factory=list)
    status: str | None = None

    def lines(self) -> Json:
        if self.status is not None and not self.answers:
            return {self.method: self.status}
        answers = sorted(self.answers, key=text_of) if self.method == "BatchGetDocuments" else self.answers
        found = {self.method: condensed(answers)}
        return found if self.status is None else {**found, "status": self.status}


@dataclass(slots=True)
class _Listening:
    """One listener's stream, reduced to the changes between consistent moments."""

    target: str = ""
    moments: list[Json] = field(default_factory=list)
    status: str | None = None
    _missing: set[str] = field(default_factory=set)
    _view: dict[str, Json] = field(default_factory=dict)
    _told: dict[str, Json] = field(default_factory=dict)
    _current: bool = False

    def asked(self, request: Message) -> None:
        if request.add_target.documents.documents:
            self.target = ", ".join(map(name_of, request.add_target.documents.documents))
        elif request.add_target.query.parent:
            selected = request.add_target.query.structured_query
            self.target = "query of " + ", ".join(collection.collection_id for collection in selected.from_)

    def take(self, message: Message) -> None:
        match message.WhichOneof("response_type"):
            case "document_change" if not message.document_change.removed_target_ids:
                document = message.document_change.document
                self._view[name_of(document.name)] = document_of(document)
            case "document_change":
                self._view.pop(name_of(message.document_change.document.name), None)
            case "document_delete":
                self._gone(name_of(message.document_delete.document))
            case "document_remove":
                self._gone(name_of(message.document_remove.document))
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
    """All answers to the clients of one test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[_Call | Mapping[str, Json]] = []
        self._listeners: list[_Listening] = []

    def observed(self, channel: grpc.Channel) -> grpc.Channel:
        """The channel with an observer."""
        return grpc.intercept_channel(channel, _Observer(self))

    def tell(self, what: str, value: Json) -> None:
        """Record a test's result, if the calls that led to it differ from run to run."""
        with self._lock:
            self._calls.append({what: value})

    def call(self, method: str) -> _Call:
        """Record the beginning of a call."""
        call = _Call(method)
        with self._lock:
            self._calls.append(call)
        return call

    def listening(self) -> _Listening:
        """Record the beginning of a listener."""
        listening = _Listening()
        with self._lock:
            self._listeners.append(listening)
        return listening

    def lines(self) -> list[str]:
        """One line of JSON for every call, in their order, and then for every listener."""
        with self._lock:
            calls = [call.lines() if isinstance(call, _Call) else call for call in self._calls]
            heard = [listener.lines() for listener in self._listeners]
        times = sorted(set(times_in([*calls, *heard])))
        ranked = {time: f"t{rank}" for rank, time in enumerate(times, start=1)}
        return [text_of(call, ranked) for call in calls] + sorted(text_of(listener, ranked) for listener in heard)


class _Observer(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Observes every call of a channel."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Message) -> Any:  # noqa: ANN401 - as gRPC has it
        method = _method(client_call_details)
        call = self._answers.call(method)
        outcome = continuation(client_call_details, request)
        if outcome.exception() is None:
            call.answers.extend(FORMS[method](_plain(outcome.result())))
        else:
            call.status = outcome.code().name
        return outcome

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Message) -> Any:  # noqa: ANN401 - as above
        method = _method(client_call_details)
        call = self._answers.call(method)

        def take(message: Message) -> None:
            call.answers.extend(FORMS[method](message))

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
    """A stream of answers with an observer; otherwise it behaves as the stream itself."""

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

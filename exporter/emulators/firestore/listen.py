"""Listen: a stream that reports to a client what every commit changes in its targets.

As the protocol requires, every snapshot ends with a TargetChange without a target, which has the time as of which the
client's view is consistent. A resume token is the number of the last commit that the client has seen. If the commits
since then are still known, only they are sent; otherwise the client is told to reset and gets everything again.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import RpcError, ServicerContext

from exporter.emulators.firestore import names, supported, targets
from exporter.emulators.firestore.calls import Calls
from exporter.emulators.firestore.errors import invalid
from exporter.emulators.firestore.faults import Faults
from exporter.emulators.firestore.messages import ListenResponse, Message, TargetChange
from exporter.emulators.firestore.store import Commit, Store
from exporter.emulators.firestore.targets import Target


class ListenStream:
    """One open stream."""

    def __init__(self, store: Store, faults: Faults, calls: Calls, context: ServicerContext, name: str) -> None:
        self._store = store
        self._faults = faults
        self._calls = calls
        self._context = context
        self._name = name
        self._targets: dict[int, Target] = {}
        self._seen = store.number
        self._requests: deque[Message] = deque()
        self._ended = False
        self._breaks = faults.breaks

    def responses(self, requests: Iterable[Message]) -> Iterator[Message]:
        """The client's responses, until it hangs up. Raises CallError if the stream is broken or a request is wrong."""
        self._context.add_callback(self._wake)
        threading.Thread(target=self._receive, args=(requests,), name=f"{self._name}-listen", daemon=True).start()
        while True:
            with self._store.changed:
                self._store.changed.wait_for(self._has_work)
                if error := self._faults.broken(self._breaks):
                    raise error
                if not self._context.is_active():
                    return
                # Requests from before the client closed its side are still answered.
                last = self._ended
                news = [*self._news()]
            self._calls.read(sum(1 for response in news if response.document_change.target_ids))
            yield from news
            if last:
                return

    def _has_work(self) -> bool:
        return bool(
            self._requests
            or self._store.number > self._seen
            or self._ended
            or self._faults.broken(self._breaks)
            or not self._context.is_active()
        )

    def _wake(self) -> None:
        with self._store.changed:
            self._store.changed.notify_all()

    def _receive(self, requests: Iterable[Message]) -> None:
        try:
            for request in requests:
                with self._store.changed:
                    self._requests.append(request)
                    self._store.changed.notify_all()
        except RpcError:
            # How gRPC ends the requests of a stream that was cancelled or broken.
            pass
        finally:
            with self._store.changed:
                self._ended = True
                self._store.changed.notify_all()

    def _news(self) -> Iterator[Message]:
        yield from self._commits()
        while self._requests:
            request = self._requests.popleft()
            supported.check(request)
            names.check_database(request.database)
            if request.WhichOneof("target_change") == "remove_target":
                yield from self._remove(request.remove_target)
            else:
                yield from self._add(request.add_target)

    def _commits(self) -> Iterator[Message]:
        since = self._store.since(self._seen)
        self._seen = self._store.number
        if since is None:
            for number, target in self._targets.items():
                yield from self._everything(number, target, reset=True)
            yield self._consistent(self._store.read_time(), self._seen)
            return
        for commit in since:
            yield from self._snapshot(self._targets.values(), commit)
        if since:
            at = since[-1].at
            moved = [message for target in self._targets.values() for message in target.settled(self._store.view(), at)]
            if moved:
                yield from moved
                yield self._consistent(at, self._seen)

    def _snapshot(self, of: Iterable[Target], commit: Commit) -> Iterator[Message]:
        changes = [message for target in of for message in target.after(commit)]
        if changes:
            yield from changes
            yield self._consistent(commit.at, commit.number)

    def _add(self, request: Message) -> Iterator[Message]:
        number = request.target_id
        if number in self._targets:
            raise invalid(f"the stream has a target {number} already")
        target = targets.target(request)
        self._targets[number] = target
        yield _target_change("ADD", number)
        missed = self._missed(request.resume_token) if target.resumable else None
        if missed is None:
            yield from self._everything(number, target, reset=bool(request.resume_token))
        else:
            for commit in missed:
                yield from target.after(commit)
            yield self._current(number)
        yield self._consistent(self._store.read_time(), self._seen)

    def _remove(self, number: int) -> Iterator[Message]:
        if self._targets.pop(number, None) is not None:
            yield _target_change("REMOVE", number)

    def _everything(self, number: int, target: Target, *, reset: bool) -> Iterator[Message]:
        if reset:
            yield _target_change("RESET", number)
        yield from target.initial(self._store.view(), self._store.read_time())
        yield self._current(number)

    def _missed(self, token: bytes) -> Iterable[Commit] | None:
        identity, _, number = token.decode(errors="replace").partition(":")
        if identity != self._store.identity or not number.isdigit():
            return None
        return self._store.since(int(number))

    def _token(self, number: int) -> bytes:
        return f"{self._store.identity}:{number}".encode()

    def _current(self, number: int) -> Message:
        at, token = self._store.read_time(), self._token(self._seen)
        return _target_change("CURRENT", number, read_time=at, resume_token=token)

    def _consistent(self, at: Timestamp, number: int) -> Message:
        return _target_change("NO_CHANGE", read_time=at, resume_token=self._token(number))


def _target_change(kind: str, *numbers: int, **rest: object) -> Message:
    change = TargetChange(target_change_type=kind, target_ids=numbers, **rest)
    return ListenResponse(target_change=change)

"""The Firestore client of the probe: the real one, with every call bounded and every failed answer counted.

The library retries silently inside its calls, and its transactions take no time limit. So the generated client below it
gets the only retry layer here, where every conflict can be counted.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
from google.api_core.exceptions import Aborted, GoogleAPICallError
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from exporter.sources import credentials as machine
from exporter.sources.errors import transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from google.auth.credentials import Credentials
    from google.cloud.firestore_v1.types import BatchGetDocumentsResponse, BeginTransactionResponse, CommitResponse

T = TypeVar("T")

_HOST: Final = "firestore.googleapis.com"
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


@dataclass(slots=True)
class Tally:
    """The calls of one writer that were answered with an error: all of them, those that were ABORTED, and the last."""

    failed: int = 0
    aborted: int = 0
    failed_last: bool = False

    @property
    def retries(self) -> int:
        """How often something was retried: every failure except one that ended the write."""
        return self.failed - self.failed_last


class CountingApi(FirestoreClient):
    """The generated client. An attempt takes at most `seconds`, and no new one begins after that time.

    Transient failures, ABORTED included, are retried, except inside a transaction: a transaction has to be repeated as
    a whole, and `firestore.transactional` does that.
    """

    def __init__(self, transport: FirestoreGrpcTransport, seconds: float) -> None:
        super().__init__(transport=transport)
        self._seconds = seconds
        self._current = threading.local()

    @contextmanager
    def counted(self) -> Iterator[Tally]:
        """Count the answers to this thread's calls."""
        tally = self._current.tally = Tally()
        try:
            yield tally
        finally:
            del self._current.tally

    def batch_get_documents(self, *args: Any, **more: Any) -> Iterator[BatchGetDocumentsResponse]:  # noqa: ANN401 - passed on as it is
        """Read documents. All answers have arrived when this returns."""
        call = super().batch_get_documents
        return iter(self._tried(lambda **bounded: list(call(*args, **bounded)), more))

    def begin_transaction(self, *args: Any, **more: Any) -> BeginTransactionResponse:  # noqa: ANN401 - as above
        """Begin a transaction."""
        call = super().begin_transaction
        return self._tried(lambda **bounded: call(*args, **bounded), more)

    def commit(self, *args: Any, **more: Any) -> CommitResponse:  # noqa: ANN401 - as above
        """Commit writes, those of a transaction or others."""
        call = super().commit
        return self._tried(lambda **bounded: call(*args, **bounded), more)

    def rollback(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as above
        """End a transaction that has already failed. The result is not counted."""
        super().rollback(*args, **{**more, "retry": None, "timeout": self._seconds})

    def _tried(self, call: Callable[..., T], more: Mapping[str, Any]) -> T:
        in_transaction = bool(more["request"].get("transaction"))
        tally: Tally = getattr(self._current, "tally", Tally())
        bounded = {**more, "retry": None, "timeout": self._seconds}

        def attempt() -> T:
            try:
                answer = call(**bounded)
            except GoogleAPICallError as error:
                tally.failed += 1
                tally.aborted += isinstance(error, Aborted)
                tally.failed_last = True
                raise
            tally.failed_last = False
            return answer

        again = Retry(
            predicate=lambda error: transient(error) and not (in_transaction and isinstance(error, Aborted)),
            initial=_FIRST_PAUSE,
            maximum=_LONGEST_PAUSE,
            timeout=self._seconds,
        )
        return again(attempt)()


@dataclass(frozen=True, slots=True)
class Connection:
    """The client, and the generated one below it that counts."""

    client: firestore.Client
    api: CountingApi

    def close(self) -> None:
        """Close the channel."""
        self.api.transport.close()


def connect(project: str, database: str, endpoint: str | None, seconds: float) -> Connection:
    """A connection to this database. `endpoint` (host:port) is a local server; by default it is Google's.

    Raises CallFailed if this machine has no credentials for Google's server.
    """
    if endpoint:
        credentials: Credentials = AnonymousCredentials()
        # A proxy of the environment is for addresses outside this machine.
        channel = grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)])
    else:
        credentials = machine.find(FirestoreGrpcTransport.AUTH_SCOPES, self_signed=True)
        channel = FirestoreGrpcTransport.create_channel(_HOST, credentials=credentials)
    api = CountingApi(FirestoreGrpcTransport(host=endpoint or _HOST, channel=channel), seconds)
    client = firestore.Client(project=project, database=database, credentials=credentials)
    # The client has no argument for what is below it. The host makes it send the header that Google's emulator asks of
    # an administrator.
    client._emulator_host = endpoint  # noqa: SLF001 - see above
    client._firestore_api_internal = api  # noqa: SLF001 - see above
    return Connection(client, api)

"""Connections to BigQuery that can be ended while another thread waits for an answer.

The HTTP library's time-out starts again with every byte that arrives, and closing a session does not affect connections
in use. Ending a connection here shuts down its sockets, so that a call that was given up really ends.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import requests
from google.api_core.client_info import ClientInfo
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool

from exporter import __version__
from exporter.sources import credentials as machine

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from requests import PreparedRequest, Response
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import ConnectionPool

_SCHEMES: Final = ("https://", "http://")
_TRACKED: Final = "tracked"


class Connection:
    """A BigQuery client and the sockets behind it."""

    def __init__(self, client: bigquery.Client, adapter: _EndableAdapter) -> None:
        self.client = client
        self._adapter = adapter

    def limit(self, seconds: float) -> None:
        """Limit the wait for each answer from now on; the client itself waits two minutes for results."""
        self._adapter.seconds = seconds
        self._adapter.used = False

    @property
    def used(self) -> bool:
        """Whether a request may have left this machine since `limit`, because there was a connection for it."""
        return self._adapter.used

    def end(self) -> None:
        """Shut down open sockets, also those that are waited for, and refuse further requests."""
        self._adapter.end()
        self.client.close()


def find_credentials(endpoint: str | None) -> Credentials:
    """The credentials of this machine or its user; a local server needs none. Raises CallFailed."""
    return AnonymousCredentials() if endpoint else machine.find(bigquery.Client.SCOPE)


def connect(*, project: str, location: str | None, endpoint: str | None, credentials: Credentials) -> Connection:
    """A connection for jobs in this project; `endpoint` is the URL of a local server."""
    adapter = _EndableAdapter()
    session: AuthorizedSession = _Session(credentials)  # type: ignore[no-untyped-call] # the library has no types
    # A proxy of the environment is for addresses outside this machine.
    session.trust_env = endpoint is None
    for scheme in _SCHEMES:
        session.mount(scheme, adapter)
    client = bigquery.Client(
        project=project,
        credentials=credentials,
        location=location,
        client_info=ClientInfo(user_agent=f"orchestration-exporter/{__version__}"),
        client_options=ClientOptions(api_endpoint=endpoint),
        _http=session,
    )
    return Connection(client, adapter)


class _Session(AuthorizedSession):
    """Google's session, but the token is refreshed beforehand, so that its error is not an error of the request."""

    def request(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - passed on as it is
        machine.refresh(self.credentials)
        response: Response = super().request(*args, **kwargs)  # type: ignore[no-untyped-call] # the library has no types
        return response


class _EndableAdapter(HTTPAdapter):
    """The HTTP library's adapter, which keeps track of its connections so that they can be ended."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: float | None = None
        self.used = False
        self._ended = False
        self._connections: WeakSet[HTTPConnection] = WeakSet()

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - passed on as it is
        if self._ended:
            raise requests.exceptions.RequestException("the connection was given up")
        # An open connection sends the request at once; a new one sets `used` when it has connected.
        self.used = self.used or any(connection.sock is not None for connection in list(self._connections))
        return super().send(request, *args, **{**kwargs, "timeout": self.seconds})

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:  # noqa: ANN401 - as above
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if isinstance(pool, HTTPConnectionPool) and not hasattr(pool.ConnectionCls, _TRACKED):
            pool.ConnectionCls = self._tracked(pool.ConnectionCls)
        return pool

    def end(self) -> None:
        self._ended = True
        for connection in list(self._connections):
            sock = connection.sock
            if sock is not None:
                with suppress(OSError):
                    # Not the TLS socket's own, which waits its turn.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.close()

    def _tracked(self, kind: type[Any]) -> type[Any]:
        """The same kind of connection, known here from its beginning."""
        adapter = self

        def connect(connection: HTTPConnection) -> None:
            adapter._connections.add(connection)
            kind.connect(connection)
            # While a connection is being made its socket changes, and ending it then ends nothing.
            if adapter._ended:
                connection.close()
                raise ConnectionAbortedError("the connection was given up")
            adapter.used = True

        return type(kind.__name__, (kind,), {"connect": connect, _TRACKED: True})

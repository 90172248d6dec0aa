"""Applies the web configuration file to every request: users, rate limit, headers. A changed file is read again."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import os
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import bcrypt
import structlog

from exporter.metrics.telemetry import Refusal
from exporter.web.answers import plain
from exporter.web.headers import adding
from exporter.web.threads import in_thread
from exporter.web.tls import CurrentContext
from exporter.web.webconfig import WebConfigError, load, signature

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from exporter.web.refusals import Refusals
    from exporter.web.webconfig import RateLimit, WebConfig

_log = structlog.get_logger(__name__)

OPEN_PATHS: Final = frozenset({"/-/healthy", "/-/ready", "/healthz", "/readyz"})
"""Answered without a user and outside the rate limit, because an orchestrator's probe has no credentials."""

_BCRYPT_BYTES: Final = 72
"""The bytes of a password that bcrypt uses; programs that make hashes ignore the rest as well."""

_REMEMBERED: Final = 128
_MOST_WAITING: Final = 16
"""Passwords of strangers that may wait for their check, from all addresses together."""

_MOST_OF_A_CLIENT: Final = 4
"""Passwords from one address that may wait for their check."""

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="orchestration-exporter", charset="UTF-8"'}


class WebConfigFile:
    """The web configuration in force: the last usable version of the file.

    Use it on the event loop's thread only.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] | None = None) -> None:
        """Read the file. With `clock`, a certificate outside its dates is logged. Raises WebConfigError."""
        self._path = path
        self._clock = clock
        self._config = self._load()
        self._watched = self._config.files
        self._signature = signature(self._watched)
        self._note_faults()

    def current(self) -> WebConfig:
        """The configuration for this request or connection. It checks the files' times."""
        now = signature(self._watched)
        if now != self._signature:
            self._signature = now
            self._read_again()
        return self._config

    def server_context(self) -> ssl.SSLContext | None:
        """The TLS context for the server, which uses the TLS in force for each new connection; None without TLS."""
        return CurrentContext.of(self._tls) if self._config.tls else None

    def _tls(self) -> ssl.SSLContext:
        context = self.current().tls
        assert context is not None, "TLS is never switched off while running"  # noqa: S101 - for the type checker
        return context

    def _load(self) -> WebConfig:
        return load(self._path, self._clock() if self._clock else None)

    def _read_again(self) -> None:
        try:
            config = self._load()
        except WebConfigError as error:
            _log.error("web configuration not usable, the old one stays in force", error=str(error))
            self._watch((*self._config.files, *error.files))
            return
        self._watch(config.files)
        if (config.tls is None) is not (self._config.tls is None):
            _log.error("switching TLS on or off needs a restart, the old web configuration stays in force")
            return
        self._config = config
        self._note_faults()
        _log.info("web configuration read again", file=str(self._path))

    def _watch(self, files: tuple[Path, ...]) -> None:
        if files != self._watched:
            self._watched = files
            self._signature = signature(files)

    def _note_faults(self) -> None:
        if self._config.http2_wanted:
            _log.warning("http2 is set in the web configuration; this server speaks HTTP/1.1 only")
        if self._config.certificate_fault:
            _log.error(self._config.certificate_fault, remedy="renew it; the new file is used at once")


class BasicAuth:
    """Checks user and password against bcrypt hashes. That is slow by design, so it runs on a thread and is cached.

    The cache holds a keyed hash of user, password and bcrypt hash, so a changed password counts at once. Addresses from
    which a user was admitted before have a queue of their own, so that guesses from elsewhere do not delay them.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._admitted: dict[bytes, None] = {}
        self._known: dict[str, None] = {}
        self._checks: dict[bytes, asyncio.Future[bool]] = {}
        self._queues = {known: _Queue() for known in (True, False)}

    async def admits(self, authorization: bytes, users: Mapping[str, bytes], client: str = "") -> bool:
        """Whether the header names one of the users with the right password; `client` is the address it came from.

        Raises BusyError.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = users.get(user)
        against = hashed or next(iter(users.values()))
        token = self._token(authorization, against)
        if token in self._admitted:
            return True
        check = self._checks.get(token)
        if check is None:
            # Of many simultaneous requests with the same password, one computes the hash.
            check = self._checks[token] = asyncio.ensure_future(self._matches(password, against, users, client))
            check.add_done_callback(partial(self._forget, token))
        if not await asyncio.shield(check) or hashed is None:
            return False
        _remember(self._admitted, token)
        _remember(self._known, client)
        return True

    def _forget(self, token: bytes, check: asyncio.Future[bool]) -> None:
        del self._checks[token]
        check.exception()  # It is raised where the check is awaited, unless that client has left.

    async def _matches(self, password: bytes, hashed: bytes, users: Mapping[str, bytes], client: str) -> bool:
        async with self._queues[client in self._known].turn(client):
            return await in_thread(lambda: _matches(password, hashed, users.values()))

    def _token(self, authorization: bytes, hashed: bytes) -> bytes:
        return hashlib.blake2b(hashed + b" " + authorization, key=self._key, digest_size=32).digest()


class _Queue:
    """Lets one check run at a time, and bounds how many wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for this client's turn. Raises BusyError."""
        if self._waiting[client] >= _MOST_OF_A_CLIENT or self._waiting.total() >= _MOST_WAITING:
            raise BusyError
        self._waiting[client] += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # It drops clients that no longer wait.


def _remember(known: dict[Any, None], key: object) -> None:
    known.pop(key, None)
    while len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[key] = None


def _matches(password: bytes, hashed: bytes, all_hashes: Iterable[bytes]) -> bool:
    """Whether the password has this hash. It takes as long as the costliest of all hashes.

    So the time reveals neither which users exist nor whose hash was compared.
    """
    matches = bcrypt.checkpw(password, hashed)
    for cost in further_costs(hashed, all_hashes):
        bcrypt.hashpw(password, bcrypt.gensalt(cost))
    return matches


def further_costs(hashed: bytes, all_hashes: Iterable[bytes]) -> range:
    """The bcrypt costs that, with this hash's, take as long as the highest cost of all hashes.

    Each cost takes twice the time of the one below, so those from this hash's to one below the highest fill the gap.
    """
    return range(_cost(hashed), max(map(_cost, all_hashes)))


def _cost(hashed: bytes) -> int:
    return int(hashed.split(b"$")[2])


class BusyError(Exception):
    """Too many passwords are waiting to be checked."""


def _credentials(authorization: bytes) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password[:_BCRYPT_BYTES]) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


class Guard:
    """An ASGI application that applies the web configuration to requests for another application."""

    def __init__(
        self,
        app: ASGIApp,
        file: WebConfigFile,
        refusals: Refusals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._file = file
        self._refusals = refusals
        self._auth = BasicAuth()
        self._limiter = _RateLimiter(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or refuse it."""
        config = self._file.current()
        if config.headers:
            send = adding(send, config.headers)
        if scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        app = await self._refusal(scope, config) or self._app
        await app(scope, receive, send)

    async def _refusal(self, scope: Scope, config: WebConfig) -> ASGIApp | None:
        """The answer to a request that is refused."""
        client = (scope.get("client") or ("",))[0]
        if config.rate_limit and not self._limiter.admits(config.rate_limit):
            self._refusals.add(Refusal.RATE_LIMIT, client)
            return plain("Too many requests.\n", 429)
        if not config.users:
            return None
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        try:
            if await self._auth.admits(authorization, config.users, client):
                return None
        except BusyError:
            self._refusals.add(Refusal.PASSWORD_QUEUE, client)
            return plain("Too many passwords are being checked.\n", 429, {"Retry-After": "1"})
        if authorization:
            self._refusals.add(Refusal.UNAUTHORIZED, client)
        return plain("Unauthorized\n", 401, _CHALLENGE)


class _RateLimiter:
    """A token bucket: `burst` tokens, and one more every `interval`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limit: RateLimit | None = None
        self._tokens = 0.0
        self._at = 0.0

    def admits(self, limit: RateLimit) -> bool:
        now = self._clock()
        if limit != self._limit:
            self._limit, self._tokens, self._at = limit, limit.burst, now
        self._tokens = min(limit.burst, self._tokens + (now - self._at) / limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

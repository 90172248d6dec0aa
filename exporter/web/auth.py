"""Applies the web configuration file to every request: users, rate limit, headers. A changed file is read again."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import time
from typing import TYPE_CHECKING, Final

import bcrypt
import structlog

from exporter.web.answers import plain
from exporter.web.headers import adding
from exporter.web.threads import in_thread
from exporter.web.tls import CurrentContext
from exporter.web.webconfig import WebConfigError, load, signature

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from exporter.web.webconfig import RateLimit, WebConfig

_log = structlog.get_logger(__name__)

OPEN_PATHS: Final = frozenset({"/-/healthy", "/-/ready", "/healthz", "/readyz"})
"""Answered without a user and outside the rate limit, because an orchestrator's probe has no credentials."""

_BCRYPT_BYTES: Final = 72
"""The bytes of a password that bcrypt uses; programs that make hashes ignore the rest as well."""

_REMEMBERED: Final = 128
_MOST_WAITING: Final = 16
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="orchestration-exporter", charset="UTF-8"'}


class WebConfigFile:
    """The web configuration in force: the last usable version of the file.

    Use it on the event loop's thread only.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. Raises WebConfigError."""
        self._path = path
        self._config = load(path)
        self._watched = self._config.files
        self._signature = signature(self._watched)
        self._note_http2()

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

    def _read_again(self) -> None:
        try:
            config = load(self._path)
        except WebConfigError as error:
            _log.error("web configuration not usable, the old one stays in force", error=str(error))
            self._watch((*self._config.files, *error.files))
            return
        self._watch(config.files)
        if (config.tls is None) is not (self._config.tls is None):
            _log.error("switching TLS on or off needs a restart, the old web configuration stays in force")
            return
        self._config = config
        self._note_http2()
        _log.info("web configuration read again", file=str(self._path))

    def _watch(self, files: tuple[Path, ...]) -> None:
        if files != self._watched:
            self._watched = files
            self._signature = signature(files)

    def _note_http2(self) -> None:
        if self._config.http2_wanted:
            _log.warning("http2 is set in the web configuration; this server speaks HTTP/1.1 only")


class BasicAuth:
    """Checks user and password against bcrypt hashes. That is slow by design, so it runs on a thread and is cached.

    The cache holds a keyed hash of user, password and bcrypt hash, so a changed password counts at once.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._admitted: dict[bytes, None] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def admits(self, authorization: bytes, users: Mapping[str, bytes]) -> bool:
        """Whether the header names one of the users with the right password. Raises BusyError."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = users.get(user)
        # An unknown name takes as long as a wrong password, so that the time does not reveal which names exist.
        against = hashed or next(iter(users.values()))
        token = self._token(authorization, against)
        if token in self._admitted:
            return True
        if self._waiting >= _MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                # Of many simultaneous requests with the same password, one computes the hash.
                if token in self._admitted:
                    return True
                matches = await in_thread(lambda: bcrypt.checkpw(password, against))
        finally:
            self._waiting -= 1
        if not matches or hashed is None:
            return False
        while len(self._admitted) >= _REMEMBERED:
            del self._admitted[next(iter(self._admitted))]
        self._admitted[token] = None
        return True

    def _token(self, authorization: bytes, hashed: bytes) -> bytes:
        return hashlib.blake2b(hashed + b" " + authorization, key=self._key, digest_size=32).digest()


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

    def __init__(self, app: ASGIApp, file: WebConfigFile, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._file = file
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
        if config.rate_limit and not self._limiter.admits(config.rate_limit):
            return plain("Too many requests.\n", 429)
        if not config.users:
            return None
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        try:
            if await self._auth.admits(authorization, config.users):
                return None
        except BusyError:
            return plain("Too many passwords are being checked.\n", 429, {"Retry-After": "1"})
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

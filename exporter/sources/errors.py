"""What a client library raises, as one of the closed set of kinds: the one place that knows Google's errors.

A `Fault` is what went wrong, without saying with what; the adapters make a `SourceError` of it that names the table or
document and what to do next (`remedies.py`). `transient` decides what is tried again inside the deadline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth import exceptions as auth

from exporter.model import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_MESSAGE: Final = 240


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call gave nothing. `message` is one line without secrets.

    `transient`: the same call may succeed in a moment. `of_request`: the service understood the request and refuses
    this very one, so another one (without the table that is missing) may well be answered.
    """

    kind: ErrorKind
    message: str
    transient: bool = False
    of_request: bool = False


STOPPING: Final = Fault(ErrorKind.UNREACHABLE, "the exporter is stopping")
"""Why every call fails that is under way when the sources are closed, or comes after that."""


class CallFailed(Exception):  # noqa: N818 - it carries a fault, and becomes a SourceError where its subject is known
    """A call to a source failed; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.kind}: {fault.message}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: ErrorKind
    transient: bool = False
    of_request: bool = False


_UNREACHABLE = _Meaning(ErrorKind.UNREACHABLE, transient=True)
_TIMEOUT = _Meaning(ErrorKind.TIMEOUT, transient=True)
_DENIED = _Meaning(ErrorKind.PERMISSION_DENIED)
_NOT_FOUND = _Meaning(ErrorKind.NOT_FOUND)
_INVALID = _Meaning(ErrorKind.INVALID)
_QUOTA = _Meaning(ErrorKind.QUOTA)
_TOO_FAST = _Meaning(ErrorKind.QUOTA, transient=True)
_REQUEST_INVALID = _Meaning(ErrorKind.INVALID, of_request=True)
_REQUEST_DENIED = _Meaning(ErrorKind.PERMISSION_DENIED, of_request=True)

# https://cloud.google.com/bigquery/docs/error-messages: the reason is more exact than the HTTP status beside it.
_REASONS: Final[Mapping[str, _Meaning]] = MappingProxyType(
    {
        "accessDenied": _REQUEST_DENIED,
        "policyViolation": _REQUEST_DENIED,
        "billingNotEnabled": _DENIED,
        "accessNotConfigured": _DENIED,
        "authError": _DENIED,
        "required": _DENIED,
        "notFound": _Meaning(ErrorKind.NOT_FOUND, of_request=True),
        "invalid": _REQUEST_INVALID,
        "invalidQuery": _REQUEST_INVALID,
        "badRequest": _REQUEST_INVALID,
        "notImplemented": _REQUEST_INVALID,
        "resourcesExceeded": _REQUEST_INVALID,
        "responseTooLarge": _REQUEST_INVALID,
        "duplicate": _INVALID,
        "quotaExceeded": _QUOTA,
        "rateLimitExceeded": _TOO_FAST,
        "jobRateLimitExceeded": _TOO_FAST,
        "billingTierLimitExceeded": _QUOTA,
        "blocked": _QUOTA,
        "bytesBilledLimitExceeded": _Meaning(ErrorKind.BUDGET),
        "stopped": _Meaning(ErrorKind.TIMEOUT),
        "timeout": _Meaning(ErrorKind.TIMEOUT),
        "backendError": _UNREACHABLE,
        "internalError": _UNREACHABLE,
        "jobBackendError": _UNREACHABLE,
        "jobInternalError": _UNREACHABLE,
        "tableUnavailable": _UNREACHABLE,
    }
)

# HTTP statuses, which google.api_core also gives to gRPC's codes.
_STATUSES: Final[Mapping[int, _Meaning]] = MappingProxyType(
    {
        401: _DENIED,
        403: _DENIED,
        404: _NOT_FOUND,
        408: _TIMEOUT,
        409: _UNREACHABLE,
        429: _QUOTA,
        499: _Meaning(ErrorKind.UNREACHABLE),
        500: _UNREACHABLE,
        501: _INVALID,
        502: _UNREACHABLE,
        503: _UNREACHABLE,
        504: _TIMEOUT,
    }
)

# The first type that fits, for everything that is no answer of the service.
_TYPES: Final[tuple[tuple[type[BaseException], _Meaning], ...]] = (
    (auth.DefaultCredentialsError, _DENIED),
    (auth.TransportError, _UNREACHABLE),
    (auth.TimeoutError, _TIMEOUT),
    (auth.GoogleAuthError, _DENIED),
    (requests.exceptions.ConnectTimeout, _UNREACHABLE),
    (requests.exceptions.Timeout, _TIMEOUT),
    (requests.exceptions.SSLError, _Meaning(ErrorKind.UNREACHABLE)),
    (requests.exceptions.JSONDecodeError, _INVALID),
    (requests.exceptions.ConnectionError, _UNREACHABLE),
    (requests.exceptions.ChunkedEncodingError, _UNREACHABLE),
    (requests.exceptions.RequestException, _Meaning(ErrorKind.UNREACHABLE)),
    (TimeoutError, _Meaning(ErrorKind.TIMEOUT)),
    (OSError, _UNREACHABLE),
)

# What only the text tells: gRPC reports under a code of the service's what happens inside this process, and BigQuery
# misses a job that it has just made with the reason that it also has for a table.
_TEXTS: Final[tuple[tuple[re.Pattern[str], _Meaning], ...]] = (
    (re.compile(r"deserializing response"), _INVALID),
    (re.compile(r"metadata from plugin failed.*([Mm]ax retries|[Cc]onnection|timed out|unavailable)"), _UNREACHABLE),
    (re.compile(r"metadata from plugin failed"), _DENIED),
    (re.compile(r"Not found: Job\b"), _UNREACHABLE),
)

_SECRETS: Final = re.compile(
    r"ya29\.[\w.-]+"
    r"|\bBearer\s+\S+"
    r"|-----BEGIN.*?(-----END[^-]*-----|$)"
    r"|\b(access_token|refresh_token|id_token|client_secret|private_key|assertion|password|key)\b['\"]?\s*[:=]\s*\S+",
    re.IGNORECASE,
)


def fault_of(error: BaseException) -> Fault:
    """What an exception of a client library (or of this package) means."""
    if isinstance(error, CallFailed):
        return error.fault
    if isinstance(error, RetryError) and error.cause is not None:
        return fault_of(error.cause)
    meaning = _meaning(error)
    return Fault(meaning.kind, _message(error), meaning.transient, meaning.of_request)


def transient(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment."""
    return fault_of(error).transient


def one_line(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    """A text as it may stand in a log or on a page: one line, bounded, nothing that opens a door."""
    line = _SECRETS.sub("(hidden)", " ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _meaning(error: BaseException) -> _Meaning:
    if isinstance(error, GoogleAPICallError):
        return _api_meaning(error)
    if isinstance(error, auth.GoogleAuthError) and error.retryable:
        return _UNREACHABLE
    for kind, meaning in _TYPES:
        if isinstance(error, kind):
            return meaning
    # Anything else was raised while an answer was taken apart: it is not what the service's interface promises.
    return _INVALID


def _api_meaning(error: GoogleAPICallError) -> _Meaning:
    for pattern, meaning in _TEXTS:
        if pattern.search(error.message or ""):
            return meaning
    reason = _first_error(error).get("reason", "")
    if reason in _REASONS:
        return _REASONS[reason]
    code = error.code
    if code is None:
        return _UNREACHABLE
    return _STATUSES.get(int(code), _INVALID if 400 <= int(code) < 500 else _UNREACHABLE)  # noqa: PLR2004 - HTTP's own


def _first_error(error: GoogleAPICallError) -> Mapping[str, str]:
    """The first of the REST API's structured errors; gRPC and other answers have none."""
    errors = error.errors
    first = errors[0] if errors else None
    return {name: text for name, text in first.items() if isinstance(text, str)} if isinstance(first, dict) else {}


def _message(error: BaseException) -> str:
    if isinstance(error, GoogleAPICallError):
        text = _first_error(error).get("message") or error.message or type(error).__name__
        if "<html" in text.lower() or "<!doctype" in text.lower():
            text = f"answered with a page of HTML (status {error.code}): a proxy, or no such service at this address"
    elif isinstance(error, requests.exceptions.JSONDecodeError):
        text = "the answer is not JSON: a proxy, or no such service at this address"
    elif isinstance(error, requests.exceptions.RequestException):
        text = _innermost(error)
    elif isinstance(error, auth.GoogleAuthError):
        text = str(error.args[0]) if error.args else type(error).__name__
    elif isinstance(error, TimeoutError):
        text = "no answer in time"
    elif isinstance(error, OSError):
        text = error.strerror or str(error)
    else:
        text = f"the answer makes no sense ({type(error).__name__}: {error})"
    return one_line(text)


def _innermost(error: BaseException) -> str:
    """What the operating system said, where it did: the layers above it add addresses of objects, new each time."""
    seen: BaseException | None = error
    text = f"{type(error).__name__} while waiting for the answer"
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            text = seen.strerror
        elif isinstance(seen, ConnectionError):
            text = str(seen)
        following = [*(arg for arg in seen.args if isinstance(arg, BaseException))]
        reason = getattr(seen, "reason", None)
        if isinstance(reason, BaseException):
            following.append(reason)
        seen = following[0] if following else (seen.__cause__ or seen.__context__)
    return text

"""Maps what a client library raises to one of the closed set of kinds. The only module that knows Google's errors.

A `Fault` says what went wrong, but not with which table or document. The adapters turn it into a `SourceError` that
names that and says what to do (`remedies.py`, `refusals.py`). `transient` decides what is retried within the deadline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth import exceptions as auth

from exporter.messages.secrets import beginning
from exporter.model import ErrorKind
from exporter.sources.refusals import named, refusal
from exporter.sources.signs import PLUGIN, PLUGIN_UNANSWERED, first_error, signs_of, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_MESSAGE: Final = 240


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call failed. `message` is one line without secrets.

    `transient`: the same call may succeed in a moment. `of_request`: the service refuses this particular request, so a
    different one (without the missing table) may succeed. `remedy`: what is wrong and what to run, where the table of
    refusals knows it.
    """

    kind: ErrorKind
    message: str
    transient: bool = False
    of_request: bool = False
    remedy: str = ""


STOPPING: Final = Fault(ErrorKind.UNREACHABLE, "the exporter is stopping")
"""The fault of every call that is running when the sources are closed, or that comes after that."""


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

# For everything that is not an answer of the service: the first type that matches.
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

# Cases that only the text tells apart: gRPC reports local failures under a code of the service, and BigQuery gives the
# same reason for a job that it cannot find yet as for a missing table.
_TEXTS: Final[tuple[tuple[re.Pattern[str], _Meaning], ...]] = (
    (re.compile(r"deserializing response"), _INVALID),
    (PLUGIN_UNANSWERED, _UNREACHABLE),
    (PLUGIN, _DENIED),
    (re.compile(r"Not found: Job\b"), _UNREACHABLE),
)


def fault_of(error: BaseException) -> Fault:
    """What an exception of a client library (or of this package) means."""
    if isinstance(error, CallFailed):
        return error.fault
    if isinstance(error, RetryError) and error.cause is not None:
        return fault_of(error.cause)
    meaning = _meaning(error)
    fault = Fault(meaning.kind, one_line(words_of(error)), meaning.transient, meaning.of_request)
    signs = signs_of(error)
    row = refusal(signs) if signs else None
    if signs is None or row is None:
        return fault
    if isinstance(error, auth.GoogleAuthError) and error.retryable:
        # What to do if it lasts is the same.
        return replace(fault, remedy=row.remedy(signs.said))
    return replace(fault, kind=row.kind, transient=row.transient, remedy=row.remedy(signs.said))


def fault_of_credentials(error: Exception) -> Fault:
    """The fault if no credentials were found, or if they gave no token.

    Exceptions that are not google-auth's own come from the files that it reads, whose content must not be quoted.
    """
    if isinstance(error, auth.GoogleAuthError | requests.exceptions.RequestException):
        return fault_of(error)
    if isinstance(error, OSError) and error.filename is not None:
        row, text = named("file_unreadable"), f"{error.filename}: {error.strerror}"
    else:
        row, text = named("credentials_malformed"), f"the credentials cannot be used ({type(error).__name__})"
    return Fault(row.kind, one_line(text), remedy=row.remedy({}))


def transient(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment."""
    return fault_of(error).transient


def one_line(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    """A text that is safe in a log or on a page: one line, bounded, without secrets."""
    line = beginning(" ".join(text.split()), longest + 1)
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _meaning(error: BaseException) -> _Meaning:
    if isinstance(error, GoogleAPICallError):
        return _api_meaning(error)
    if isinstance(error, auth.GoogleAuthError) and error.retryable:
        return _UNREACHABLE
    for kind, meaning in _TYPES:
        if isinstance(error, kind):
            return meaning
    # Anything else was raised while an answer was decoded: the answer breaks the service's interface.
    return _INVALID


def _api_meaning(error: GoogleAPICallError) -> _Meaning:
    for pattern, meaning in _TEXTS:
        if pattern.search(error.message or ""):
            return meaning
    reason = first_error(error).get("reason", "")
    if reason in _REASONS:
        return _REASONS[reason]
    code = error.code
    if code is None:
        return _UNREACHABLE
    return _STATUSES.get(int(code), _INVALID if 400 <= int(code) < 500 else _UNREACHABLE)  # noqa: PLR2004 - HTTP's own

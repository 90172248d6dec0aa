"""Reads Google's exceptions: the words for a message, and the reasons by which the table of refusals is searched.

Bodies of answers and contents of files are searched but never quoted: google-auth keeps both in its exceptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth import exceptions as auth
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # the package has none
    ErrorInfo,
    PreconditionFailure,
)

from exporter.messages.secrets import without_opaque
from exporter.sources.refusals import NO_ANSWER, NO_TOKEN, Signs

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGIN: Final = re.compile(r"metadata from plugin failed")
"""How gRPC's text begins when google-auth raised inside it; all of the exception's arguments follow."""
PLUGIN_UNANSWERED: Final = re.compile(rf"{PLUGIN.pattern}.*([Mm]ax retries|[Cc]onnection|timed out|unavailable)")

_UNAUTHENTICATED: Final = 401
_FORBIDDEN: Final = 403
# Where an answer's body begins in google-auth's own words.
_BODY: Final = re.compile(r"\s*(Response( details)?:|[{<\[]|b['\"]|(?<=metadata service: )).*", re.DOTALL)
_FIELDS: Final = re.compile(r"missing fields [\w, ]+")
# Reasons that an answer without `google.rpc.ErrorInfo` has only in its text.
_SAID: Final[Mapping[str, re.Pattern[str]]] = {
    "service": re.compile(r"\b([a-z]+\.googleapis\.com)\b"),
    "project": re.compile(r"\bproject(?:s/|=| #?)([a-z0-9](?:[\w.:-]*\w)?)"),
    "uid": re.compile(r"vpcServiceControlsUniqueIdentifier: ?([\w-]+)"),
}


def signs_of(error: BaseException) -> Signs | None:
    """The signs by which the table of refusals is searched; None if the error is no refusal."""
    if isinstance(error, GoogleAPICallError):
        return _signs_of_answer(error)
    if isinstance(error, auth.GoogleAuthError):
        return _signs_of_credentials(_unwrapped(error))
    return None


def _signs_of_answer(error: GoogleAPICallError) -> Signs | None:
    first = first_error(error)
    text = first.get("message") or error.message or ""
    reasons = {reason for reason, _ in _details(error.details)} | {first.get("reason", "")}
    if PLUGIN.search(text):
        reasons.add(NO_ANSWER if PLUGIN_UNANSWERED.search(text) else NO_TOKEN)
    elif error.code == _UNAUTHENTICATED:
        reasons.add("UNAUTHENTICATED")
    elif error.code != _FORBIDDEN:
        return None
    return Signs(text, frozenset(reasons), _said(text, error.details))


def _signs_of_credentials(error: auth.GoogleAuthError) -> Signs:
    text = "\n".join(str(arg) for arg in error.args if isinstance(arg, str))
    reasons = {NO_TOKEN}
    if isinstance(error, auth.TransportError | auth.TimeoutError):
        reasons.add(NO_ANSWER)
    details: list[object] = []
    for answer in filter(None, map(_json, error.args)):
        told = answer.get("error")
        if isinstance(told, Mapping):
            details += told.get("details") or ()
        else:
            reasons |= {str(told), str(answer.get("error_subtype"))}
    reasons |= {reason for reason, _ in _details(details)}
    return Signs(text, frozenset(reasons), _said(text, details))


def first_error(error: GoogleAPICallError) -> Mapping[str, str]:
    """The first structured error of a REST answer; gRPC and other answers have none."""
    errors = error.errors
    first = errors[0] if errors else None
    return {name: text for name, text in first.items() if isinstance(text, str)} if isinstance(first, dict) else {}


def words_of(error: BaseException) -> str:
    """The text of an exception, without the bodies of answers, and not masked or cut yet."""
    if isinstance(error, GoogleAPICallError):
        text = first_error(error).get("message") or error.message or type(error).__name__
        if PLUGIN.search(text):
            text = "google-auth gave gRPC no token"
        elif "<html" in text.lower() or "<!doctype" in text.lower():
            text = f"answered with a page of HTML (status {error.code}): a proxy, or no such service at this address"
    elif isinstance(error, requests.exceptions.JSONDecodeError):
        text = "the answer is not JSON: a proxy, or no such service at this address"
    elif isinstance(error, requests.exceptions.RequestException):
        text = _innermost(error)
    elif isinstance(error, auth.GoogleAuthError):
        text = _credential_words(_unwrapped(error))
    elif isinstance(error, TimeoutError):
        text = "no answer in time"
    elif isinstance(error, OSError):
        text = error.strerror or str(error)
    else:
        text = f"the answer makes no sense ({type(error).__name__}: {error})"
    return text


def _unwrapped(error: auth.GoogleAuthError) -> auth.GoogleAuthError:
    """The inner error, where one error of google-auth contains another."""
    inner = error.args[0] if error.args else None
    return _unwrapped(inner) if isinstance(inner, auth.GoogleAuthError) else error


def _credential_words(error: auth.GoogleAuthError) -> str:
    first, *more = error.args or ("",)
    if isinstance(first, BaseException):
        return _innermost(first)
    text = without_opaque(_BODY.sub("", str(first))).strip()
    missing = next(filter(None, (_FIELDS.search(str(arg)) for arg in more if isinstance(arg, ValueError))), None)
    if not text:
        return f"the answer to {type(error).__name__} is no JSON" if error.args else type(error).__name__
    return f"{text} ({missing[0]})" if missing else text


def _innermost(error: BaseException) -> str:
    """The operating system's text, if there is one: the layers above it add addresses of objects, which change."""
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


def _details(details: Any) -> Iterator[tuple[str, Mapping[str, str]]]:  # noqa: ANN401 - protobuf messages or JSON
    """The reasons of `google.rpc.ErrorInfo` with their metadata, and the types of a `PreconditionFailure`."""
    for detail in details if isinstance(details, list | tuple) else ():
        if isinstance(detail, ErrorInfo):
            yield detail.reason, dict(detail.metadata)
        elif isinstance(detail, PreconditionFailure):
            yield from ((violation.type, {"uid": violation.description}) for violation in detail.violations)
        elif isinstance(detail, Mapping):
            metadata = detail.get("metadata")
            yield str(detail.get("reason", "")), _texts(metadata) if isinstance(metadata, Mapping) else {}
            for violation in detail.get("violations") or ():
                if isinstance(violation, Mapping):
                    yield str(violation.get("type", "")), {"uid": str(violation.get("description", ""))}


def _said(text: str, details: Any) -> Mapping[str, str]:  # noqa: ANN401 - as above
    said = {name: found[1] for name, pattern in _SAID.items() if (found := pattern.search(text))}
    for _, metadata in _details(details):
        said |= metadata
    if "consumer" in said:
        said["project"] = said["consumer"].removeprefix("projects/")
    return said


def _texts(metadata: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in metadata.items()}


def _json(arg: object) -> Mapping[str, Any] | None:
    if isinstance(arg, str):
        try:
            arg = json.loads(arg)
        except ValueError:
            return None
    return arg if isinstance(arg, Mapping) else None

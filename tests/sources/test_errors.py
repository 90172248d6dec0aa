from __future__ import annotations

import http.client
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3
from google.api_core import exceptions
from google.auth import exceptions as auth
from grpc import StatusCode

from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault, fault_of, one_line, transient

if TYPE_CHECKING:
    from collections.abc import Callable


def answered(status: int, reason: str, message: str = "said so") -> exceptions.GoogleAPICallError:
    error = exceptions.from_http_status(
        status, f"POST https://x: {message}", errors=[{"reason": reason, "message": message}]
    )
    assert isinstance(error, exceptions.GoogleAPICallError)
    return error


def fault(kind: ErrorKind, *, again: bool = False, of_request: bool = False) -> Fault:
    return Fault(kind, "said so", transient=again, of_request=of_request)


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (403, "accessDenied", fault(ErrorKind.PERMISSION_DENIED, of_request=True)),
        (403, "billingNotEnabled", fault(ErrorKind.PERMISSION_DENIED)),
        (401, "authError", fault(ErrorKind.PERMISSION_DENIED)),
        (404, "notFound", fault(ErrorKind.NOT_FOUND, of_request=True)),
        (400, "invalidQuery", fault(ErrorKind.INVALID, of_request=True)),
        (400, "invalid", fault(ErrorKind.INVALID, of_request=True)),
        (400, "resourcesExceeded", fault(ErrorKind.INVALID, of_request=True)),
        (403, "quotaExceeded", fault(ErrorKind.QUOTA)),
        (403, "rateLimitExceeded", fault(ErrorKind.QUOTA, again=True)),
        (400, "bytesBilledLimitExceeded", fault(ErrorKind.BUDGET)),
        (200, "stopped", fault(ErrorKind.TIMEOUT)),
        (503, "backendError", fault(ErrorKind.UNREACHABLE, again=True)),
        (500, "internalError", fault(ErrorKind.UNREACHABLE, again=True)),
        (400, "somethingNew", fault(ErrorKind.INVALID)),
        (403, "somethingNew", fault(ErrorKind.PERMISSION_DENIED)),
        (502, "somethingNew", fault(ErrorKind.UNREACHABLE, again=True)),
    ],
)
def test_bigquerys_reason_says_more_than_its_status(status: int, reason: str, expected: Fault) -> None:
    assert replace(fault_of(answered(status, reason)), remedy="") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (StatusCode.UNAVAILABLE, fault(ErrorKind.UNREACHABLE, again=True)),
        (StatusCode.INTERNAL, fault(ErrorKind.UNREACHABLE, again=True)),
        (StatusCode.ABORTED, fault(ErrorKind.UNREACHABLE, again=True)),
        (StatusCode.UNKNOWN, fault(ErrorKind.UNREACHABLE, again=True)),
        (StatusCode.CANCELLED, fault(ErrorKind.UNREACHABLE)),
        (StatusCode.DEADLINE_EXCEEDED, fault(ErrorKind.TIMEOUT, again=True)),
        (StatusCode.PERMISSION_DENIED, fault(ErrorKind.PERMISSION_DENIED)),
        (StatusCode.UNAUTHENTICATED, fault(ErrorKind.PERMISSION_DENIED)),
        (StatusCode.NOT_FOUND, fault(ErrorKind.NOT_FOUND)),
        (StatusCode.RESOURCE_EXHAUSTED, fault(ErrorKind.QUOTA)),
        (StatusCode.FAILED_PRECONDITION, fault(ErrorKind.INVALID)),
        (StatusCode.INVALID_ARGUMENT, fault(ErrorKind.INVALID)),
        (StatusCode.UNIMPLEMENTED, fault(ErrorKind.INVALID)),
    ],
)
def test_firestores_status_codes_have_their_kinds(code: StatusCode, expected: Fault) -> None:
    assert replace(fault_of(exceptions.from_grpc_status(code, "said so")), remedy="") == expected


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Exception deserializing response!", ErrorKind.INVALID),
        (
            "Getting metadata from plugin failed with error: ('invalid_grant: Bad Request', {})",
            ErrorKind.PERMISSION_DENIED,
        ),
        ("Getting metadata from plugin failed with error: HTTPSConnectionPool: Max retries", ErrorKind.UNREACHABLE),
        ("Getting metadata from plugin failed with error: Metadata server unavailable", ErrorKind.UNREACHABLE),
    ],
)
def test_what_grpc_reports_about_this_process_is_told_apart_by_its_text(message: str, kind: ErrorKind) -> None:
    assert fault_of(exceptions.from_grpc_status(StatusCode.UNAVAILABLE, message)).kind is kind


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (auth.DefaultCredentialsError("none"), fault(ErrorKind.PERMISSION_DENIED)),
        (auth.RefreshError("invalid_grant"), fault(ErrorKind.PERMISSION_DENIED)),
        (auth.RefreshError("try later", retryable=True), fault(ErrorKind.UNREACHABLE, again=True)),
        (auth.TransportError("no metadata server"), fault(ErrorKind.UNREACHABLE, again=True)),
        (auth.MutualTLSChannelError("bad certificate"), fault(ErrorKind.PERMISSION_DENIED)),
        (requests.exceptions.ReadTimeout("read"), fault(ErrorKind.TIMEOUT, again=True)),
        (requests.exceptions.ConnectTimeout("connect"), fault(ErrorKind.UNREACHABLE, again=True)),
        (requests.exceptions.ConnectionError("gone"), fault(ErrorKind.UNREACHABLE, again=True)),
        (requests.exceptions.SSLError("certificate"), fault(ErrorKind.UNREACHABLE)),
        (requests.exceptions.ChunkedEncodingError("cut"), fault(ErrorKind.UNREACHABLE, again=True)),
        (requests.exceptions.JSONDecodeError("Expecting value", "<html>", 0), fault(ErrorKind.INVALID)),
        (requests.exceptions.RequestException("given up"), fault(ErrorKind.UNREACHABLE)),
        (TimeoutError(), fault(ErrorKind.TIMEOUT)),
        (ConnectionRefusedError(111, "Connection refused"), fault(ErrorKind.UNREACHABLE, again=True)),
        (KeyError("jobReference"), fault(ErrorKind.INVALID)),
        (AttributeError("no schema"), fault(ErrorKind.INVALID)),
    ],
)
def test_local_errors_have_a_kind(error: Exception, expected: Fault) -> None:
    found = fault_of(error)

    assert replace(found, message="said so", remedy="") == expected
    assert transient(error) is expected.transient
    assert found.message


def test_an_exhausted_retry_has_the_kind_of_its_cause() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")

    assert fault_of(exceptions.RetryError("too long", refused)) == fault_of(refused)
    assert fault_of(exceptions.RetryError("too long", None)).kind is ErrorKind.INVALID


def test_a_fault_stays_itself() -> None:
    used_up = Fault(ErrorKind.BUDGET, "used up")

    assert fault_of(CallFailed(used_up)) is used_up
    assert str(CallFailed(used_up)) == "budget: used up"


def test_a_page_of_html_is_not_quoted() -> None:
    error = exceptions.from_http_status(502, "GET http://x: <html><title>502 Bad Gateway</title></html>")

    assert "HTML (status 502)" in fault_of(error).message
    assert "<" not in fault_of(error).message


def refused_by_the_system() -> Exception:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 1)
    reason = urllib3.exceptions.MaxRetryError(
        pool, "/", urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("127.0.0.1"), "refused")
    )
    assert reason.reason is not None
    reason.reason.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.exceptions.ConnectionError(reason)


def closed_without_an_answer() -> Exception:
    end = http.client.RemoteDisconnected("Remote end closed connection without response")
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", end))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (refused_by_the_system, "Connection refused"),
        (closed_without_an_answer, "Remote end closed connection without response"),
        (requests.exceptions.ReadTimeout, "ReadTimeout while waiting for the answer"),
    ],
)
def test_a_broken_connection_is_told_in_the_systems_words_without_addresses_of_objects(
    make: Callable[[], Exception], message: str
) -> None:
    assert fault_of(make()).message == message


@pytest.mark.parametrize(
    "secret",
    [
        "ya29.a0AfH6SMC-x_y",
        "Bearer abc.def.ghi",
        '"refresh_token": "1//0g"',
        "client_secret=GOCSPX-abc",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----",
        "?key=AIzaSy",
    ],
)
def test_a_secret_does_not_get_into_a_message(secret: str) -> None:
    line = one_line(f"refused: {secret} was sent")

    assert "(hidden)" in line
    for word in ("a0AfH6SMC", "abc.def", "1//0g", "GOCSPX", "MIIE", "AIzaSy"):
        assert word not in line


def test_a_message_is_one_bounded_line() -> None:
    assert one_line("a\n  b\r\n\tc") == "a b c"
    assert one_line("x" * 1000, 10) == "xxxxxxx..."


def test_an_error_without_words_still_says_what_it_is() -> None:
    assert fault_of(exceptions.ServiceUnavailable("")).message == "ServiceUnavailable"
    assert fault_of(auth.RefreshError()).message == "RefreshError"
    assert fault_of(exceptions.from_http_status(400, "odd", errors=["no mapping"])).message == "odd"

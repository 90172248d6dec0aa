"""Credentials of this machine that give none: the fault of the file by name, and nothing of it quoted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import ErrorKind
from exporter.sources import credentials as machine
from exporter.sources.errors import CallFailed
from testing.google_auth import (
    CLOSED,
    SECRET,
    federation,
    service_account,
)
from tests.sources.refused import (
    SCOPES,
    bigquery_error,
    expect,
    firestore_error,
    json_token,
    token_file,
    use_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.sources.ports import SourceError


FILES: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "not there": ("credentials_file_missing", lambda _: None),
    "empty": ("credentials_malformed", lambda _: ""),
    "no JSON": ("credentials_malformed", lambda _: f"{{{SECRET}"),
    "no UTF-8": ("credentials_malformed", lambda _: b"\xff\xfe" + SECRET.encode()),
    "a list": ("credentials_malformed", lambda _: [SECRET]),
    "an OAuth client's": ("credentials_malformed", lambda _: {"installed": {"client_secret": SECRET}}),
    "a key without its fields": ("credentials_malformed", lambda _: {"type": "service_account", "private_key": SECRET}),
    "a key that is none": ("credentials_malformed", lambda _: service_account(CLOSED, private_key=SECRET)),
    "a key of another type": ("credentials_malformed", lambda _: service_account(CLOSED, private_key=[SECRET])),
    "a login without its fields": (
        "credentials_malformed",
        lambda _: {"type": "authorized_user", "client_secret": "x"},
    ),
    "a federation without a source": ("credentials_malformed", lambda _: federation({})),
    "a federation with an odd source": ("credentials_malformed", lambda _: federation([SECRET])),  # type: ignore[arg-type] # on purpose
    "a federation without audience": (
        "credentials_malformed",
        lambda tmp: federation({"file": str(tmp)}, audience=None),
    ),
    "an impersonation without a source": (
        "credentials_malformed",
        lambda _: {"type": "impersonated_service_account", "x": SECRET},
    ),
    "an impersonation of an unknown source": (
        "credentials_malformed",
        lambda _: {"type": "impersonated_service_account", "source_credentials": {"type": "other", "x": SECRET}},
    ),
    "a token file that is not there": ("token_file_missing", lambda tmp: federation({"file": str(tmp / "gone")})),
    "an empty token file": ("token_file_empty", lambda tmp: federation({"file": token_file(tmp, b"")})),
    "a token file that is no JSON": ("token_file_malformed", lambda tmp: json_token(tmp, SECRET.encode())),
    "a token file without the field": (
        "token_file_malformed",
        lambda tmp: json_token(tmp, b'{"x": "%b"}' % SECRET.encode()),
    ),
    "a token file with a list": ("credentials_malformed", lambda tmp: json_token(tmp, b'["%b"]' % SECRET.encode())),
    "a token file that is no text": (
        "credentials_malformed",
        lambda tmp: federation({"file": token_file(tmp, b"\xff" + SECRET.encode())}),
    ),
    "a folder in place of the token file": ("file_unreadable", lambda tmp: federation({"file": str(tmp)})),
}


@pytest.mark.parametrize("source", [firestore_error, bigquery_error])
@pytest.mark.parametrize("case", FILES)
@pytest.mark.usefixtures("tokens")
def test_a_file_that_gives_no_credentials_is_named_as_the_fault(
    case: str, source: Callable[[], SourceError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, content = FILES[case]
    use_file(tmp_path / "credentials.json", monkeypatch, content(tmp_path))

    expect(source(), row)


@pytest.mark.usefixtures("tokens")
def test_the_message_names_the_file_and_the_fields_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials.json"
    use_file(file, monkeypatch, {"type": "service_account", "private_key": SECRET, "client_email": "x"})

    assert f"from {file} (missing fields token_uri)" in bigquery_error().detail


@pytest.mark.parametrize("source", [firestore_error, bigquery_error])
@pytest.mark.usefixtures("tokens")
def test_a_folder_in_place_of_the_credentials_file_is_no_broken_connection(
    source: Callable[[], SourceError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))

    error = source()

    expect(error, "file_unreadable")
    assert f"{tmp_path}: Is a directory" in error.detail


@pytest.mark.parametrize("source", [firestore_error, bigquery_error])
@pytest.mark.usefixtures("tokens")
def test_a_machine_without_credentials_is_told_how_to_get_some(source: Callable[[], SourceError]) -> None:
    expect(source(), "no_credentials")


@given(content=st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=8), lambda x: st.dictionaries(
    st.sampled_from(["type", "private_key", "credential_source", "file", "source_credentials", "audience"]),
    x | st.sampled_from(["service_account", "external_account", "authorized_user", "impersonated_service_account"]),
)).map(lambda value: json.dumps(value).encode()), as_token=st.booleans())  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@pytest.mark.usefixtures("tokens")
def test_any_bad_credentials_file_is_named_and_never_quoted(
    content: bytes, *, as_token: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = content + SECRET.encode()
    file = tmp_path / "credentials.json"
    use_file(file, monkeypatch, json_token(tmp_path, marked) if as_token else marked)

    with pytest.raises(CallFailed) as caught:
        machine.refresh(machine.find(SCOPES))

    fault = caught.value.fault
    assert fault.kind is ErrorKind.PERMISSION_DENIED
    assert fault.remedy
    assert SECRET not in f"{fault.message}{fault.remedy}"

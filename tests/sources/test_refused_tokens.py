"""Servers that give out tokens and refuse one: federation, keys, logins, impersonation, metadata."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from google.oauth2.credentials import Credentials as Login

from exporter.sources import credentials as machine
from exporter.sources.errors import CallFailed
from exporter.sources.refusals import named
from exporter.sources.remedies import FIRESTORE_REMEDIES, source_error
from testing.google_auth import (
    CLOSED,
    SECRET,
    TokenServer,
    error_info,
    federation,
    rest_error,
    service_account,
)
from tests.sources.refused import (
    SCOPES,
    bigquery_error,
    expect,
    firestore_error,
    token_file,
    use_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.sources.ports import SourceError


INVALID_TARGET = (
    'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or'
    " provider is disabled or deleted or because it doesn't exist."
)
EXCHANGES: Mapping[str, tuple[str, int, object]] = {
    "no such provider": ("federation_target", 400, ("invalid_target", INVALID_TARGET)),
    "an audience of another form": ("federation_target", 400, ("invalid_request", 'Invalid value for "audience".')),
    "the attribute condition": (
        "federation_condition",
        401,
        ("unauthorized_client", "The given credential is rejected by the attribute condition."),
    ),
    "an old token": ("federation_token", 400, ("invalid_grant", "ID Token issued at 1769900000 is stale to sign-in.")),
    "a scope": ("scopes", 400, ("invalid_scope", "Invalid OAuth scope or ID token audience provided.")),
    "a page of HTML": ("credentials_failed", 502, f"<html>{SECRET}</html>"),
    "something new": ("credentials_failed", 400, ("something_new", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln is odd")),
}
GRANTS: Mapping[str, tuple[str, int, object]] = {
    "a deleted key": ("key_deleted", 400, ("invalid_grant", "Invalid JWT Signature.")),
    "a deleted account": ("key_deleted", 400, ("invalid_grant", "Invalid grant: account not found")),
    "a clock that is wrong": (
        "clock",
        400,
        ("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."),
    ),
    "an unknown client": ("oauth_client", 401, ("unauthorized_client", "Client is unauthorized to retrieve tokens.")),
    "a page of HTML": ("credentials_failed", 403, f"<html>{SECRET}</html>"),
    "plain text": ("credentials_failed", 403, f"access_token={SECRET}"),
    "no token": ("credentials_failed", 200, {"other": SECRET}),
    "no JSON at all": ("credentials_malformed", 200, SECRET),
}
LOGINS: Mapping[str, tuple[str, int, object]] = {
    "an expired login": ("login_expired", 400, ("invalid_grant", "Token has been expired or revoked.")),
    "a login to be repeated": ("login_expired", 400, ("invalid_grant", "reauth related error (invalid_rapt)")),
    "a deleted client": ("oauth_client", 401, ("deleted_client", "The OAuth client was deleted.")),
}


def oauth(answer: object) -> object:
    """The body of an OAuth error; other content stays."""
    return {"error": answer[0], "error_description": answer[1]} if isinstance(answer, tuple) else answer


@pytest.mark.parametrize("source", [firestore_error, bigquery_error])
@pytest.mark.parametrize("case", EXCHANGES)
def test_a_refused_exchange_of_tokens_is_one_of_the_federation(
    case: str, source: Callable[[], SourceError], tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, status, answer = EXCHANGES[case]
    url = tokens.answer("/v1/token", status, oauth(answer))
    use_file(tmp_path / "credentials.json", monkeypatch, federation({"file": token_file(tmp_path, b"eyJ.eyJ.x")}, url))

    expect(source(), row)


@pytest.mark.parametrize("case", GRANTS)
def test_a_refused_key_is_one_of_the_key(
    case: str, tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, status, answer = GRANTS[case]
    url = tokens.answer("/token", status, oauth(answer))
    use_file(tmp_path / "credentials.json", monkeypatch, service_account(url))

    expect(bigquery_error(), row)


def test_a_key_signs_firestores_tokens_itself_and_needs_no_token_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    use_file(tmp_path / "credentials.json", monkeypatch, service_account(CLOSED))
    credentials = machine.find(SCOPES, self_signed=True)

    machine.refresh(credentials)

    assert credentials.valid


@pytest.mark.parametrize("case", LOGINS)
def test_a_refused_login_is_one_of_the_login(case: str, tokens: TokenServer) -> None:
    row, status, answer = LOGINS[case]
    url = tokens.answer("/token", status, oauth(answer))
    login = Login(None, refresh_token=SECRET, token_uri=url, client_id="x", client_secret=SECRET)

    with pytest.raises(CallFailed) as caught:
        machine.refresh(login)

    expect(source_error("Firestore", caught.value.fault, FIRESTORE_REMEDIES), row)


def test_a_token_server_that_is_not_there_is_worth_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    use_file(tmp_path / "credentials.json", monkeypatch, service_account(CLOSED))

    with pytest.raises(CallFailed) as caught:
        machine.refresh(machine.find(SCOPES))

    assert caught.value.fault.transient
    assert caught.value.fault.message == "Connection refused"
    expect(source_error("BigQuery", caught.value.fault, {}), "token_endpoint_unreachable")


def test_a_server_of_workload_tokens_that_refuses_is_named(
    tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tokens.answer("/workload", 500, SECRET)
    use_file(tmp_path / "credentials.json", monkeypatch, federation({"url": url}))

    expect(bigquery_error(), "token_url_refused")


IMPERSONATIONS: Mapping[str, tuple[str, str, list[Any], dict[str, str]]] = {
    "refused": (
        "impersonation",
        "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
        [error_info("IAM_PERMISSION_DENIED", "iam.googleapis.com", permission="iam.serviceAccounts.getAccessToken")],
        {},
    ),
    "its API switched off": (
        "service_disabled",
        "IAM Service Account Credentials API has not been used in project 123 before or it is disabled.",
        [error_info("SERVICE_DISABLED", consumer="projects/123", service="iamcredentials.googleapis.com")],
        {"service": "iamcredentials.googleapis.com", "project": "123"},
    ),
    "no such account": ("account_unusable", "Not found; Gaia id not found for email gone@test-project", [], {}),
}


@pytest.mark.parametrize("source", [firestore_error, bigquery_error])
@pytest.mark.parametrize("case", IMPERSONATIONS)
def test_a_refused_impersonation_is_one_of_the_account(
    case: str, source: Callable[[], SourceError], tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, message, details, said = IMPERSONATIONS[case]
    exchange = tokens.answer(
        "/v1/token", 200, {"access_token": f"ya29.{SECRET}", "token_type": "Bearer", "expires_in": 9}
    )
    path = "/v1/projects/-/serviceAccounts/target@test-project.iam.gserviceaccount.com:generateAccessToken"
    url = tokens.answer(path, 403, rest_error(403, message, details))
    content = federation({"file": token_file(tmp_path, b"eyJ.eyJ.x")}, exchange, service_account_impersonation_url=url)
    use_file(tmp_path / "credentials.json", monkeypatch, content)

    expect(source(), row, **said)


METADATA: Mapping[str, tuple[str, int, str]] = {
    "no service account": ("metadata_account", 404, "not found"),
    "a workload that may not": (
        "impersonation",
        403,
        (
            "Unable to generate access token; IAM returned 403 Forbidden: Permission"
            " 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
        ),
    ),
    "a refusal": ("metadata_refused", 403, SECRET),
}


@pytest.mark.parametrize("case", METADATA)
def test_a_metadata_server_that_gives_no_token_is_named(case: str, tokens: TokenServer, tmp_path: Path) -> None:
    row, status, answer = METADATA[case]
    google = {"Metadata-Flavor": "Google"}
    tokens.answer("/", 200, "", **google)
    account = "/computeMetadata/v1/instance/service-accounts/default"
    tokens.answer(
        f"{account}/", 200, {"email": "exporter@test-project.iam.gserviceaccount.com", "scopes": []}, **google
    )
    tokens.answer(f"{account}/token", status, answer)
    host = tokens.address.removeprefix("http://")
    known = {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host, "CLOUDSDK_CONFIG": str(tmp_path), "NO_PROXY": "*"}

    run = subprocess.run(
        [sys.executable, "-m", "exporter", "config", "check", "--preset", "nba", "--connect"],
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert " ".join(run.stdout.split()).count(named(row).remedy({})) >= 2, run.stdout + run.stderr
    assert "roles/datastore" not in run.stdout
    assert SECRET not in run.stdout + run.stderr

"""Every row of the table of refusals, with the real exception of the real library; and no secret in any message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.oauth2.credentials import Credentials as Login
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # the package has no types
    ErrorInfo,
    PreconditionFailure,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model import DocumentId, ErrorKind
from exporter.scenario.bigquery.loopback import json_answer
from exporter.scenario.firestore import FirestoreServer
from exporter.sources import credentials as machine
from exporter.sources.errors import CallFailed, fault_of
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, SourceError
from exporter.sources.refusals import REFUSALS, markdown, named
from exporter.sources.remedies import BIGQUERY_REMEDIES, FIRESTORE_REMEDIES, source_error
from exporter.sources.sessions import connect
from exporter.telemetry import Telemetry
from tests.sources.asking import PLAYERS, WINDOW, outcome, warehouse_at
from tests.support.bigquery_rest import PROJECT, BigQueryRest, Failed
from tests.support.google_auth import (
    CLOSED,
    SECRET,
    TokenServer,
    error_info,
    federation,
    private_key,
    rest_error,
    service_account,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.sources.bigquery import BigQueryWarehouse

UNAUTHENTICATED = 401
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
PHASE3 = DocumentId("phase3_completion", date(2026, 2, 1))
PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    """The servers that give out tokens; nothing else gives this process credentials, no metadata server either."""
    with TokenServer() as server:
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
        monkeypatch.setenv("GCE_METADATA_IP", server.address.removeprefix("http://"))
        server.answer("/", 200, "no metadata server")
        yield server


def firestore_error() -> SourceError:
    """What Google's Firestore gives with the credentials at hand."""
    store = FirestoreStore(project="test-project", database="(default)", telemetry=Telemetry())
    try:
        with pytest.raises(SourceError) as caught:
            store.documents([PHASE3], Deadline(20))
    finally:
        store.close()
    return caught.value


def bigquery_error() -> SourceError:
    """What Google's BigQuery gives with the credentials at hand."""
    with warehouse_at(None) as warehouse, pytest.raises(SourceError) as caught:
        warehouse.row_counts([PLAYERS], WINDOW, Deadline(20))
    return caught.value


def use_file(path: Path, monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    """Make this the credentials file; None: it is not there."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


def expect(error: SourceError, row: str, **said: str) -> None:
    """The error has this row's remedy, names no role but there, and shows nothing secret."""
    assert error.detail.endswith(named(row).remedy(said)), error.detail
    assert error.kind is named(row).kind
    assert "\n" not in error.detail
    for secret in (SECRET, "PRIVATE KEY", private_key().splitlines()[1], "ya29", "eyJ"):
        assert secret not in str(error)


# --- the credentials of this machine ------------------------------------------------------------------------------

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
    "an empty token file": ("token_file_empty", lambda tmp: federation({"file": _file(tmp, b"")})),
    "a token file that is no JSON": ("token_file_malformed", lambda tmp: _json_token(tmp, SECRET.encode())),
    "a token file without the field": (
        "token_file_malformed",
        lambda tmp: _json_token(tmp, b'{"x": "%b"}' % SECRET.encode()),
    ),
    "a token file with a list": ("credentials_malformed", lambda tmp: _json_token(tmp, b'["%b"]' % SECRET.encode())),
    "a token file that is no text": (
        "credentials_malformed",
        lambda tmp: federation({"file": _file(tmp, b"\xff" + SECRET.encode())}),
    ),
    "a folder in place of the token file": ("file_unreadable", lambda tmp: federation({"file": str(tmp)})),
}


def _file(folder: Path, content: bytes) -> str:
    path = folder / "token"
    path.write_bytes(content)
    return str(path)


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _json_token(folder: Path, content: bytes) -> dict[str, Any]:
    how = {"type": "json", "subject_token_field_name": "token"}
    return federation({"file": _file(folder, content), "format": how})


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
def test_whatever_a_file_holds_is_a_fault_of_the_file_and_never_quoted(
    content: bytes, *, as_token: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = content + SECRET.encode()
    file = tmp_path / "credentials.json"
    use_file(file, monkeypatch, _json_token(tmp_path, marked) if as_token else marked)

    with pytest.raises(CallFailed) as caught:
        machine.refresh(machine.find(SCOPES))

    fault = caught.value.fault
    assert fault.kind is ErrorKind.PERMISSION_DENIED
    assert fault.remedy
    assert SECRET not in f"{fault.message}{fault.remedy}"


# --- the servers that give out tokens -----------------------------------------------------------------------------

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
    use_file(tmp_path / "credentials.json", monkeypatch, federation({"file": _file(tmp_path, b"eyJ.eyJ.x")}, url))

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
    content = federation({"file": _file(tmp_path, b"eyJ.eyJ.x")}, exchange, service_account_impersonation_url=url)
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

    assert run.stdout.count(named(row).remedy({})) >= 2, run.stdout + run.stderr
    assert "roles/datastore" not in run.stdout
    assert SECRET not in run.stdout + run.stderr


# --- the services -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """What a service answers: a message, the reason of its ErrorInfo with metadata, and BigQuery's own reason."""

    message: str
    reason: str = ""
    said: tuple[tuple[str, str], ...] = ()
    rest: str = "forbidden"
    status: int = 403
    violation: str = ""

    def details(self) -> list[Any]:
        found = [error_info(self.reason, **dict(self.said))] if self.reason else []
        if self.violation:
            kind = "type.googleapis.com/google.rpc.PreconditionFailure"
            violation = {"type": "VPC_SERVICE_CONTROLS", "description": self.violation}
            found.append({"@type": kind, "violations": [violation]})
        return found

    def messages(self) -> list[Any]:
        found = (
            [ErrorInfo(reason=self.reason, domain="googleapis.com", metadata=dict(self.said))] if self.reason else []
        )
        if self.violation:
            violation = PreconditionFailure.Violation(type="VPC_SERVICE_CONTROLS", description=self.violation)
            found.append(PreconditionFailure(violations=[violation]))
        return found


class SignedHere(Login):
    """Credentials that have a token at once, and another whenever one is refused."""

    def __init__(self) -> None:
        super().__init__(SECRET)  # type: ignore[no-untyped-call] # the library has no types

    def refresh(self, request: object) -> None:
        """Sign another token, as a key does."""


CONSUMER = ("consumer", "projects/123")
UID = "VQQnKfXtZ16NHnOmdJAy0E92tVT_8fZZRGvnndBWXZLKFx_KItn1EA"
PROHIBITED = f"Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {UID}"
ANSWERED: Mapping[str, tuple[str, Answered, dict[str, str]]] = {
    "narrow scopes": (
        "scopes",
        Answered(
            "Request had insufficient authentication scopes.",
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            (("service", "firestore.googleapis.com"),),
            rest="insufficientPermissions",
        ),
        {},
    ),
    "a quota project": (
        "quota_project",
        Answered(
            "Caller does not have required permission to use project 123. Grant the caller the"
            " roles/serviceusage.serviceUsageConsumer role, or a custom role with serviceusage.services.use.",
            "USER_PROJECT_DENIED",
            (CONSUMER, ("service", "firestore.googleapis.com")),
        ),
        {"project": "123"},
    ),
    "no quota project": (
        "quota_project_missing",
        Answered(
            "Your application is authenticating by using local Application Default Credentials. The"
            " firestore.googleapis.com API requires a quota project, which is not set by default.",
            "SERVICE_DISABLED",
            (("consumer", "projects/764086051850"), ("service", "firestore.googleapis.com")),
            rest="accessNotConfigured",
        ),
        {},
    ),
    "an API switched off": (
        "service_disabled",
        Answered(
            "Cloud Firestore API has not been used in project 123 before or it is disabled.",
            "SERVICE_DISABLED",
            (CONSUMER, ("service", "firestore.googleapis.com")),
            rest="accessNotConfigured",
        ),
        {"project": "123", "service": "firestore.googleapis.com"},
    ),
    "billing switched off": (
        "billing_disabled",
        Answered(
            "This API method requires billing to be enabled. Please enable billing on project #123.",
            "BILLING_DISABLED",
            (CONSUMER, ("service", "firestore.googleapis.com")),
        ),
        {"project": "123"},
    ),
    "a perimeter": (
        "perimeter",
        Answered(
            PROHIBITED,
            "SECURITY_POLICY_VIOLATED",
            (CONSUMER, ("service", "firestore.googleapis.com"), ("uid", UID)),
            rest="policyViolation",
            violation=UID,
        ),
        {"project": "123", "uid": UID},
    ),
    "a perimeter as older servers say it": (
        "perimeter",
        Answered(PROHIBITED, violation=UID, rest="policyViolation"),
        {"uid": UID},
    ),
    "a policy of the organization": (
        "organization_policy",
        Answered("Request is disallowed.", "RESOURCE_USAGE_RESTRICTION_VIOLATED", (CONSUMER,)),
        {"project": "123"},
    ),
    "a suspended project": (
        "project_unusable",
        Answered("Consumer 'projects/123' has been suspended.", "CONSUMER_SUSPENDED", (CONSUMER,)),
        {"project": "123"},
    ),
    "a disabled account": ("account_unusable", Answered("Account disabled.", "ACCOUNT_STATE_INVALID"), {}),
    "a token of a deleted key": (
        "token_refused",
        Answered(
            "Request had invalid authentication credentials.",
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            rest="authError",
            status=401,
        ),
        {},
    ),
    "no token": (
        "token_refused",
        Answered("Request is missing required authentication credential.", rest="required", status=401),
        {},
    ),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_a_refusal_of_firestores_says_what_is_wrong_and_what_to_run(case: str) -> None:
    row, answered, said = ANSWERED[case]
    code = "UNAUTHENTICATED" if answered.status == UNAUTHENTICATED else "PERMISSION_DENIED"
    with FirestoreServer(project="test-project") as server:
        server.faults.fail(code, message=answered.message, details=answered.messages())
        store = FirestoreStore(
            project="test-project", database="(default)", telemetry=Telemetry(), endpoint=server.address
        )
        try:
            with pytest.raises(SourceError) as read:
                store.documents([PHASE3], Deadline(10))
            with pytest.raises(SourceError) as counted:
                store.count("processor_heartbeats", Deadline(10))
        finally:
            store.close()

    expect(read.value, row, **said)
    expect(counted.value, row, **said)


@pytest.mark.parametrize("case", ANSWERED)
def test_a_refusal_of_bigquerys_says_what_is_wrong_and_what_to_run(
    case: str, server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    row, answered, said = ANSWERED[case]
    body = rest_error(answered.status, answered.message, answered.details(), reason=answered.rest)
    server.interfere("jobs.insert", *[json_answer(body, answered.status)] * 3)

    if answered.status == UNAUTHENTICATED:
        # A local server's credentials are nobody's, and those the library does not show again.
        connection = connect(project=PROJECT, location=None, endpoint=server.address, credentials=SignedHere())
        with pytest.raises(GoogleAPICallError) as caught:
            connection.client.query("SELECT 1", job_retry=None)
        connection.end()
        error: object = source_error("BigQuery", fault_of(caught.value), BIGQUERY_REMEDIES)
    else:
        error = outcome(warehouse)

    assert isinstance(error, SourceError)
    expect(error, row, **said)


JOBS: Mapping[str, tuple[str, Failed, dict[str, str]]] = {
    "a policy tag": (
        "policy_tag",
        Failed(
            "accessDenied",
            "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get"
            ' data protected by policy tag "Levels : C1" on column test-project.nba_analytics.x.processed_at.',
            403,
        ),
        {},
    ),
    "a file in Drive": (
        "drive",
        Failed(
            "accessDenied", "Access Denied: BigQuery BigQuery: Permission denied while getting Drive credentials.", 403
        ),
        {},
    ),
    "a perimeter": ("perimeter", Failed("policyViolation", f"VPC Service Controls: {PROHIBITED}", 403), {"uid": UID}),
    "billing switched off": (
        "billing_disabled",
        Failed("billingNotEnabled", "Billing has not been enabled for this project. Enable billing.", 403),
        {},
    ),
    "no jobs": (
        "jobs_permission",
        Failed(
            "accessDenied",
            "Access Denied: Project test-project: User does not have bigquery.jobs.create permission in project"
            " test-project.",
            403,
        ),
        {"project": "test-project"},
    ),
}


@pytest.mark.parametrize("case", JOBS)
def test_a_job_that_is_refused_says_what_is_wrong_and_what_to_run(
    case: str, server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    row, failed, said = JOBS[case]
    server.answer(failed)

    error = outcome(warehouse)
    estimate = warehouse.dry_run_row_counts([PLAYERS], WINDOW, Deadline(10))[PLAYERS]

    assert isinstance(error, SourceError)
    expect(error, row, **said)
    assert isinstance(estimate, SourceError)
    expect(estimate, row, **said)


# --- the table ----------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_is_met_above() -> None:
    met = {"no_credentials", "token_endpoint_unreachable", "token_url_refused"}
    for cases in (FILES, EXCHANGES, GRANTS, LOGINS, METADATA, IMPERSONATIONS, ANSWERED, JOBS):
        met |= {case[0] for case in cases.values()}

    assert met == {row.name for row in REFUSALS}


def test_what_an_error_says_gets_into_a_command_only_if_a_shell_takes_it_as_one_word() -> None:
    row = named("service_disabled")

    for odd in ("x; rm -rf ~", "$(id)", "`id`", "a b", "--project=y", "", "x\ny", "'"):
        assert "enable SERVICE --project PROJECT`" in row.remedy({"service": odd, "project": odd})


def test_the_page_about_permissions_shows_the_table() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")

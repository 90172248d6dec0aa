"""Refusals of Firestore and BigQuery themselves, as their real clients raise them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.oauth2.credentials import Credentials as Login
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # the package has no types
    ErrorInfo,
    PreconditionFailure,
)

from exporter.emulators.bigquery.loopback import json_answer
from exporter.emulators.firestore import FirestoreServer
from exporter.metrics.telemetry import Telemetry
from exporter.sources.errors import fault_of
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, SourceError
from exporter.sources.remedies import BIGQUERY_REMEDIES, source_error
from exporter.sources.sessions import connect
from testing.bigquery_rest import PROJECT, BigQueryRest, Failed
from testing.google_auth import (
    SECRET,
    error_info,
    rest_error,
)
from tests.sources.asking import PLAYERS, WINDOW, outcome
from tests.sources.refused import (
    PHASE3,
    expect,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.sources.bigquery import BigQueryWarehouse

UNAUTHENTICATED = 401


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

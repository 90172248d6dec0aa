"""The table of refusals: what a client library raised, what is wrong, and the command that fixes or shows it.

A row matches a reason (of `google.rpc.ErrorInfo`, a precondition's violation, BigQuery's REST errors or an OAuth
answer) or words of the library's text. The first match counts, so exact rows come before general ones.
docs/permissions.md shows this table; a test proves every row with the real exception of the real library.

Reasons: https://cloud.google.com/apis/design/errors#error_info and the enum google.api.ErrorReason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: a reason, or words of the text, in which `*` stands for any text and `?` for one character.

    In `command`, a name in braces is replaced by what the error says, or else by the name in capitals.
    """

    name: str
    wrong: str
    command: str
    reasons: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    kind: ErrorKind = ErrorKind.PERMISSION_DENIED
    transient: bool = False

    def remedy(self, said: Mapping[str, str]) -> str:
        """What is wrong and what to run, as the end of a message."""
        return f"{self.wrong}: {self.command.format_map(_Filled(said))}"


@dataclass(frozen=True, slots=True)
class Signs:
    """The parts of an exception by which rows are found."""

    text: str
    reasons: frozenset[str] = frozenset()
    said: Mapping[str, str] = field(default_factory=dict)


class _Filled(dict[str, str]):
    """The details of an error that are safe in a command; placeholders stand for the others."""

    def __init__(self, said: Mapping[str, str]) -> None:
        super().__init__({name: value for name, value in said.items() if _SAFE.fullmatch(value)})

    def __missing__(self, name: str) -> str:
        return name.upper()


_SAFE: Final = re.compile(r"[A-Za-z0-9_][\w.:@/-]{0,199}")


def refusal(signs: Signs) -> Refusal | None:
    """The first row that matches, if any."""
    for row in REFUSALS:
        if row.reasons & signs.reasons or any(fnmatchcase(signs.text, f"*{words}*") for words in row.words):
            return row
    return None


def named(name: str) -> Refusal:
    """The row of this name. Raises KeyError."""
    return _BY_NAME[name]


def markdown() -> str:
    """The table as docs/permissions.md shows it."""
    lines = ["| what the library raised | what is wrong | what to run |", "|---|---|---|"]
    for row in REFUSALS:
        command = row.command.format_map(_Filled({})).replace("|", "\\|")
        lines.append(f"| {', '.join(_raised(row))} | {row.wrong} | {command} |")
    return "\n".join(lines)


def _raised(row: Refusal) -> Iterable[str]:
    yield from (f"`{reason}`" for reason in sorted(row.reasons))
    yield from (f"“{words.replace(_NO_QUOTE, '')}”" for words in row.words)


# Reasons that no service gives: failures in this process, by google-auth's types.
UNREADABLE: Final = "OSError of a file"
UNUSABLE: Final = "AttributeError, TypeError, ValueError and others while credentials are read"
NO_ANSWER: Final = "TransportError"
NO_TOKEN: Final = "GoogleAuthError"  # noqa: S105 the name of a type

_NO_QUOTE: Final = "[!']"
_LOGIN: Final = "gcloud auth application-default login"
_PROVIDER: Final = (
    "gcloud iam workload-identity-pools providers describe PROVIDER --workload-identity-pool POOL --location global"
)

REFUSALS: Final[tuple[Refusal, ...]] = (
    # The credentials on this machine.
    Refusal(
        "no_credentials",
        "this process has no credentials",
        f"`{_LOGIN}`, or name a file with GOOGLE_APPLICATION_CREDENTIALS, or attach a service account to the machine",
        words=("default credentials were not found",),
    ),
    Refusal(
        "credentials_file_missing",
        "GOOGLE_APPLICATION_CREDENTIALS names a file that is not there",
        '`ls -l "$GOOGLE_APPLICATION_CREDENTIALS"`; mount the file there, or correct the variable',
        words=(f"File {_NO_QUOTE}* was not found",),
    ),
    Refusal(
        "credentials_malformed",
        "the credentials file is no service account key, federation configuration or login of gcloud's",
        "`gcloud iam workload-identity-pools create-cred-config PROVIDER --output-file FILE` writes a federation file,"
        f" `gcloud iam service-accounts keys create FILE --iam-account ACCOUNT` a key, `{_LOGIN}` a login",
        words=(
            *("is not a valid json file", "does not have a valid type"),
            *("Failed to load * credentials from", "source credential of type"),
        ),
        reasons=frozenset({UNUSABLE}),
    ),
    Refusal(
        "file_unreadable",
        "this process may not read the file that its credentials come from",
        "`ls -l FILE`; make it readable for the exporter's user (the image runs as user 65532)",
        reasons=frozenset({UNREADABLE}),
    ),
    Refusal(
        "token_file_missing",
        "the token file that the federation configuration names is not there",
        "`ls -l FILE`; mount the projected token there, or correct `credential_source.file`",
        words=("File '*' was not found",),
    ),
    Refusal(
        "token_file_empty",
        "the token file that the federation configuration names is empty",
        "`ls -l FILE`; look at what writes it (the projected volume, the agent)",
        words=("Missing subject_token in the credential_source file",),
    ),
    Refusal(
        "token_file_malformed",
        "the token file is no JSON, or lacks the field that the federation configuration names",
        "correct `credential_source.format`: `subject_token_field_name` must name the field, or its type be text",
        words=("Unable to parse subject_token from JSON file",),
    ),
    Refusal(
        "token_url_refused",
        "the server that the federation configuration takes its token from refuses",
        "`curl -sS -o /dev/null -w '%{{http_code}}' URL` with the `credential_source.url` and its headers",
        words=("Unable to retrieve Identity Pool subject token",),
    ),
    # Answers of Google's token endpoints.
    Refusal(
        "federation_target",
        "the workload identity pool or provider in `audience` does not exist, or is disabled or deleted",
        f"`{_PROVIDER}`; `gcloud iam workload-identity-pools create-cred-config` writes the right `audience`",
        reasons=frozenset({"invalid_target"}),
        words=("Error code invalid_target", "Error code invalid_request: Invalid value for ?audience"),
    ),
    Refusal(
        "federation_condition",
        "the provider's attribute condition does not let this workload in",
        f"`{_PROVIDER} --format 'value(attributeCondition)'`",
        words=("Error code unauthorized_client", "rejected by the attribute condition"),
    ),
    Refusal(
        "federation_token",
        "the provider does not take the workload's token: it is expired, or of another issuer or audience",
        f"`{_PROVIDER} --format 'value(oidc)'`; compare with the token's `iss`, `aud` and `exp`",
        words=("Error code invalid_grant",),
    ),
    Refusal(
        "clock",
        "this machine's clock is wrong",
        "`timedatectl`; set up time synchronisation",
        words=("Token must be a short-lived token",),
    ),
    Refusal(
        "key_deleted",
        "the service account key is deleted or disabled, or the account is gone",
        "`gcloud iam service-accounts keys list --iam-account ACCOUNT`, then `gcloud iam service-accounts keys create`"
        " for a new one",
        words=("Invalid JWT Signature", "account not found"),
    ),
    Refusal(
        "login_expired",
        "the login has expired or was revoked",
        f"`{_LOGIN}`",
        reasons=frozenset({"invalid_grant", "invalid_rapt", "rapt_required"}),
        words=("invalid_grant", "invalid_rapt", "Reauthentication is needed", "Reauthentication failed"),
    ),
    Refusal(
        "oauth_client",
        "the token endpoint does not know the client that the credentials file was made for",
        f"`{_LOGIN}`, or have the key or the federation configuration written again",
        reasons=frozenset({"invalid_client", "unauthorized_client", "disabled_client", "deleted_client"}),
    ),
    Refusal(
        "impersonation",
        "the account may not act as the service account that it is to impersonate",
        "`gcloud iam service-accounts add-iam-policy-binding ACCOUNT --member PRINCIPAL --role ROLE` with ROLE"
        " roles/iam.workloadIdentityUser for a workload (federation, GKE), else roles/iam.serviceAccountTokenCreator",
        words=("iam.serviceAccounts.getAccessToken",),
    ),
    Refusal(
        "metadata_account",
        "the machine has no service account",
        "`gcloud run services update SERVICE --service-account ACCOUNT`, or"
        " `gcloud compute instances set-service-account INSTANCE --service-account ACCOUNT --scopes cloud-platform`",
        words=("metadata service. Status: 404",),
    ),
    Refusal(
        "metadata_refused",
        "the machine's metadata server refuses to give out a token",
        "`curl -sS -o /dev/null -w '%{{http_code}}' -H 'Metadata-Flavor: Google'"
        " http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/email`",
        words=("metadata service. Status: ",),
    ),
    Refusal(
        "token_endpoint_unreachable",
        "the server that gives out tokens does not answer",
        "check the way to oauth2.googleapis.com, sts.googleapis.com, iamcredentials.googleapis.com and the machine's"
        " metadata server; nothing to do if it passes",
        reasons=frozenset({NO_ANSWER}),
        words=("Compute Engine Metadata server unavailable",),
        kind=ErrorKind.UNREACHABLE,
        transient=True,
    ),
    # Answers of the services.
    Refusal(
        "quota_project_missing",
        "the login has no quota project, which this service asks of a person's credentials",
        "`gcloud auth application-default set-quota-project PROJECT`",
        words=("requires a quota project",),
    ),
    Refusal(
        "quota_project",
        "the account may not use the quota project",
        "`gcloud projects add-iam-policy-binding {project} --member PRINCIPAL"
        " --role roles/serviceusage.serviceUsageConsumer`, or choose another with"
        " `gcloud auth application-default set-quota-project PROJECT` or GOOGLE_CLOUD_QUOTA_PROJECT",
        reasons=frozenset({"USER_PROJECT_DENIED"}),
        words=("serviceusage.services.use",),
    ),
    Refusal(
        "scopes",
        "the token lacks the scope: the machine or the login was given narrower ones",
        "`gcloud compute instances set-service-account INSTANCE --scopes cloud-platform` (stopped), a GKE node pool"
        f" with `--scopes cloud-platform`, or `{_LOGIN}` without --scopes",
        reasons=frozenset({"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "invalid_scope"}),
        words=("insufficient authentication scopes",),
    ),
    Refusal(
        "service_disabled",
        "the API is switched off in the project",
        "`gcloud services enable {service} --project {project}`, then wait some minutes",
        reasons=frozenset({"SERVICE_DISABLED", "accessNotConfigured"}),
        words=("API has not been used in project",),
    ),
    Refusal(
        "billing_disabled",
        "billing is switched off for the project",
        "`gcloud billing projects link {project} --billing-account ACCOUNT_ID`",
        reasons=frozenset({"BILLING_DISABLED", "billingNotEnabled"}),
        words=("requires billing to be enabled", "Billing has not been enabled", "billing account * disabled"),
    ),
    Refusal(
        "perimeter",
        "a VPC service perimeter keeps the exporter out",
        "`gcloud logging read 'protoPayload.metadata.vpcServiceControlsUniqueId=\"{uid}\"' --project {project}` says"
        " which; its administrator adds an ingress rule",
        reasons=frozenset({"SECURITY_POLICY_VIOLATED", "VPC_SERVICE_CONTROLS"}),
        words=("vpcServiceControlsUniqueIdentifier", "VPC Service Controls"),
    ),
    Refusal(
        "organization_policy",
        "a policy of the organization forbids the request",
        "`gcloud org-policies list --project {project}`",
        reasons=frozenset(
            {
                "RESOURCE_USAGE_RESTRICTION_VIOLATED",
                "LOCATION_POLICY_VIOLATED",
                "LOCATION_TAX_POLICY_VIOLATED",
                "LOCATION_ORG_POLICY_VIOLATED",
                "ORG_RESTRICTION_VIOLATION",
                "ORG_RESTRICTION_HEADER_INVALID",
            }
        ),
    ),
    Refusal(
        "project_unusable",
        "the project is suspended or deleted, or does not exist",
        "`gcloud projects describe {project}`",
        reasons=frozenset({"CONSUMER_SUSPENDED", "CONSUMER_INVALID", "RESOURCE_PROJECT_INVALID", "GCP_SUSPENDED"}),
    ),
    Refusal(
        "account_unusable",
        "the account is disabled or deleted",
        "`gcloud iam service-accounts describe ACCOUNT`, then `gcloud iam service-accounts enable ACCOUNT`",
        reasons=frozenset({"ACCOUNT_STATE_INVALID", "USER_BLOCKED_BY_ADMIN"}),
        words=("Gaia id not found",),
    ),
    Refusal(
        "token_refused",
        "Google does not take the token: its key is deleted or disabled, it is expired, or none was sent",
        f"`gcloud iam service-accounts keys list --iam-account ACCOUNT` and `timedatectl`, or `{_LOGIN}`",
        reasons=frozenset(
            {
                *("ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "CREDENTIALS_MISSING"),
                *("authError", "required", "UNAUTHENTICATED"),
            }
        ),
    ),
    Refusal(
        "policy_tag",
        "a policy tag protects a column that is read",
        "`gcloud data-catalog taxonomies policy-tags add-iam-policy-binding TAG --taxonomy TAXONOMY --location LOCATION"
        " --member PRINCIPAL --role roles/datacatalog.categoryFineGrainedReader`",
        words=("protected by policy tag", "access policy tag", "categories.fineGrainedGet"),
    ),
    Refusal(
        "drive",
        "the table is a file in Google Drive, for which the exporter asks no scope",
        "copy it into a table of BigQuery's own: `bq query --use_legacy_sql=false 'CREATE OR REPLACE TABLE COPY AS"
        " SELECT * FROM TABLE'`, and name the copy in the configuration",
        words=("getting Drive credentials", "globbing file pattern"),
    ),
    Refusal(
        "jobs_permission",
        "the account may not run queries in the project that pays for them",
        "`gcloud projects add-iam-policy-binding {project} --member PRINCIPAL --role roles/bigquery.jobUser`",
        words=("bigquery.jobs.create",),
    ),
    # Everything else that google-auth raises: granting a role is never the remedy.
    Refusal(
        "credentials_failed",
        "the credentials could not be turned into a token",
        f"`{_LOGIN}`, or have the key or the federation configuration written again",
        reasons=frozenset({NO_TOKEN}),
    ),
)

_BY_NAME: Final[Mapping[str, Refusal]] = MappingProxyType({row.name: row for row in REFUSALS})

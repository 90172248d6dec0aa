"""The remedies: what to do about a source that fails, as the end of every `SourceError`'s detail.

Where the table of refusals (`refusals.py`) has no row, the remedy follows from the kind of the error.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind
from exporter.sources.budget import REMEDY
from exporter.sources.errors import STOPPING, one_line
from exporter.sources.ports import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.sources.errors import Fault

_LONGEST_SUBJECT: Final = 200
_WAIT: Final = "nothing to do if it passes: the next collection tries again"


def _grant(role: str) -> str:
    return (
        f"grant roles/{role} on the project:"
        f" `gcloud projects add-iam-policy-binding PROJECT --member PRINCIPAL --role roles/{role}`"
    )


FIRESTORE_REMEDIES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        ErrorKind.UNREACHABLE: f"check the way to firestore.googleapis.com; {_WAIT}",
        ErrorKind.PERMISSION_DENIED: _grant("datastore.viewer"),
        ErrorKind.NOT_FOUND: "check the project and the Firestore database in the configuration",
        ErrorKind.INVALID: "check that the database is in native mode, and look at its documents in the console",
        ErrorKind.TIMEOUT: f"raise the collector's timeout if this stays; {_WAIT}",
        ErrorKind.QUOTA: "look at the project's Firestore quotas",
    }
)
BIGQUERY_REMEDIES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        ErrorKind.UNREACHABLE: f"check the way to bigquery.googleapis.com; {_WAIT}",
        ErrorKind.PERMISSION_DENIED: _grant("bigquery.jobUser"),
        ErrorKind.NOT_FOUND: "check the project and the BigQuery location in the configuration",
        ErrorKind.INVALID: "check the address of BigQuery and any proxy on the way",
        ErrorKind.TIMEOUT: f"raise collect.warehouse.timeout if this stays; {_WAIT}",
        ErrorKind.QUOTA: "look at the project's BigQuery quotas",
        ErrorKind.BUDGET: REMEDY,
    }
)
TABLE_REMEDIES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        **BIGQUERY_REMEDIES,
        ErrorKind.PERMISSION_DENIED: (
            "grant roles/bigquery.dataViewer on its data set: `bq add-iam-policy-binding --member PRINCIPAL"
            " --role roles/bigquery.dataViewer PROJECT:DATASET`"
        ),
        ErrorKind.NOT_FOUND: "check its name and the BigQuery location in the configuration",
        ErrorKind.INVALID: "check its columns and SQL in the configuration",
    }
)


def source_error(subject: str, fault: Fault, remedies: Mapping[ErrorKind, str]) -> SourceError:
    """The error that names the subject of the request, the answer and the remedy."""
    named = one_line(subject, _LONGEST_SUBJECT)
    if fault == STOPPING:
        return SourceError(fault.kind, f"{named}: {fault.message}")
    remedy = fault.remedy or remedies.get(fault.kind, _WAIT)
    return SourceError(fault.kind, f"{named}: {fault.message}; {remedy}")

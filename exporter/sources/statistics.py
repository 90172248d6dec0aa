"""The table of the statistics that are read of a job: what each decides, and what follows if it is absent.

Statistics are read through `STATISTICS` alone. One of the wrong type counts as absent, and an absent one is never zero.
docs/types.md is generated from this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from google.cloud.bigquery import SchemaField

from exporter.metrics.catalogue import BYTES_PROCESSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud.bigquery import QueryJob

T_co = TypeVar("T_co", covariant=True)

_DONE: Final = "DONE"
_STOPPED: Final = "stopped"
"""The reason of a job that was cancelled or ran out of time: the only failed jobs that may be billed."""
_NO_MORE: Final = ("PRECISE", "UPPER_BOUND")
"""The accuracy of an estimate that is never exceeded. It may also be LOWER_BOUND or UNKNOWN, as for external tables."""


@dataclass(frozen=True, slots=True)
class Statistic(Generic[T_co]):
    """One field of a job as the REST API has it: how it is read, what it decides, what its absence means."""

    path: str
    read: Callable[[object], T_co | None]
    decides: str
    absent: str

    def of(self, job: QueryJob) -> T_co | None:
        """Its value; None if it is absent or unusable."""
        # The client has no attribute for some of them, and its attributes raise if a value has another type.
        found: object = job._properties  # noqa: SLF001 - see above
        for step in self.path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return None if found is None else self.read(found)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _size(value: object) -> int | None:
    """A number of bytes: the API writes its integers as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() else None


def _done(value: object) -> bool:
    return value == _DONE


def _may_be_billed(error: object) -> bool:
    """Whether the job failed in a way that may be billed: it was stopped, or its reason is unknown."""
    reason = _text(error.get("reason")) if isinstance(error, Mapping) else None
    return reason is None or reason == _STOPPED


def _not_exceeded(value: object) -> bool:
    return value in _NO_MORE


def _not_refuted(value: object) -> bool:
    """True unless the value is false."""
    return value is not False


def _columns(value: object) -> Sequence[SchemaField] | None:
    fields = value.get("fields") if isinstance(value, Mapping) else None
    if not isinstance(fields, list) or not all(isinstance(field, dict) and _is_column(field) for field in fields):
        return None
    return [SchemaField.from_api_repr(field) for field in fields]


def _is_column(field: Mapping[str, object]) -> bool:
    return all(
        _text(field.get(name, default)) for name, default in (("name", None), ("type", None), ("mode", "NULLABLE"))
    )


JOB_ID: Final = Statistic(
    "jobReference.jobId", _text, "whether an answer is about the job that was started", "the answer is refused"
)
LOCATION: Final = Statistic(
    "jobReference.location",
    _text,
    "where the job is looked for and cancelled",
    "the configured location, that of the query's last job, or that of a dry run",
)
DONE: Final = Statistic(
    "status.state", _done, "whether the job has ended", "it may be running: it counts as the most that it may bill"
)
FAILURE: Final = Statistic(
    "status.errorResult",
    _may_be_billed,
    "whether the job failed, and whether it may be billed: one that was stopped may, and one that does not say why",
    "the job did not fail",
)
BILLED: Final = Statistic(
    "statistics.query.totalBytesBilled",
    _size,
    "what the job counts as in the day's budget",
    "the size of an exact dry run and 10 MiB for each table, or else the most that the job may bill;"
    " nothing for one that failed and may not be billed",
)
PROCESSED: Final = Statistic(
    "statistics.query.totalBytesProcessed",
    _size,
    f"`{BYTES_PROCESSED.name}`; of a dry run, what the query costs",
    "what the job counts as in the day's budget; of a dry run, the size is unknown",
)
EXACT: Final = Statistic(
    "statistics.query.totalBytesProcessedAccuracy",
    _not_exceeded,
    "whether a query costs no more than its dry run says: PRECISE or UPPER_BOUND",
    "it is PRECISE, as to BigQuery's own command line",
)
HIDES_ROWS: Final = Statistic(
    "statistics.rowLevelSecurityStatistics.rowLevelSecurityApplied",
    _not_refuted,
    "whether rows may be hidden, so that counts are unknown: anything but false",
    "no row access policy took part",
)
COLUMNS: Final = Statistic(
    "statistics.query.schema",
    _columns,
    "the types of the columns of a dry run",
    "nothing is learnt; the columns of a reading are checked in any case",
)

STATISTICS: Final[tuple[Statistic[object], ...]] = (
    JOB_ID,
    LOCATION,
    DONE,
    FAILURE,
    BILLED,
    PROCESSED,
    EXACT,
    HIDES_ROWS,
    COLUMNS,
)
"""Every statistic that is read."""

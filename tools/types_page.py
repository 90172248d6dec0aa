"""docs/types.md: the types of fields, and every column that is read, from the tables of the readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.fields import ALLOWED
from exporter.sources.queries import COLUMNS
from exporter.sources.statistics import STATISTICS

if TYPE_CHECKING:
    from collections.abc import Iterator


def types_markdown() -> str:
    """The page."""
    lines = [
        "# Fields and types",
        "",
        "Generated from `exporter/sources/fields.py`, `queries.py` and `statistics.py` by `make docs`; a test keeps",
        "them the same. [What your pipeline writes](records.md) says which fields are read, of which of these types,",
        "and what each decides. An absent field and a null are the same. A value of any other type is named as",
        "unusable, with its type, and never taken for a default.",
        "",
        *_fields(),
        *_columns(),
        *_statistics(),
    ]
    return "\n".join([*lines, ""])


def _fields() -> Iterator[str]:
    yield from ("## Fields of documents", "", "| type | may be |", "|---|---|")
    for kind, allowed in ALLOWED.items():
        yield f"| {kind} | {allowed} |"
    yield ""
    yield from (
        "A BSON type that stands here is one that a MongoDB-compatible client wrote into a database of Firestore's",
        "Enterprise edition. All other BSON types are unusable.",
        "",
    )


def _columns() -> Iterator[str]:
    yield from (
        "## Columns of tables",
        "",
        "| column or key | of | may be | NULL | anything else |",
        "|---|---|---|---|---|",
    )
    for column in COLUMNS:
        yield f"| `{column.name}` | {column.tables} | {column.allowed} | {column.null} | {column.otherwise} |"
    yield from (
        "",
        "A date column is taken for a DATE until an answer shows that it is none; then one dry run, which costs",
        "nothing, tells the types of all columns of that query, and they are remembered until a query fails. A column",
        "that is a DATE costs no call. The days of a DATETIME or TIMESTAMP are local days, 23 and 25 hours long where",
        "the clocks change. A DATETIME that the clocks show twice, or skip, is no moment.",
        "",
    )


def _statistics() -> Iterator[str]:
    yield from (
        "## Statistics of jobs",
        "",
        "By the names of BigQuery's REST API. A value of another type than these have is as good as absent.",
        "",
        "| statistic | decides | where it is absent |",
        "|---|---|---|",
    )
    for statistic in STATISTICS:
        yield f"| `{statistic.path}` | {statistic.decides} | {statistic.absent} |"

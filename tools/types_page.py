"""docs/types.md: every field and column that is read, and of which types, from the tables that the readers use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.fields import ALLOWED, FIELDS, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADINGS = {
    Record.DOCUMENTS: "Completion documents",
    Record.ENTRIES: "Entries of completion documents",
    Record.HEARTBEATS: "Heartbeats",
}


def types_markdown() -> str:
    """The page."""
    lines = [
        "# Fields and types",
        "",
        "Generated from `exporter/sources/fields.py` by `make docs`; a test keeps them the same. Every field that",
        "the exporter reads stands here, with the types that it may have. An absent field and a null are the same. A",
        "value of any other type is named as unusable, with its type, and never taken for a default.",
        "",
        *_fields(),
    ]
    return "\n".join([*lines, ""])


def _fields() -> Iterator[str]:
    for record, heading in HEADINGS.items():
        yield from (f"## {heading}", "", "| field | may be | anything else |", "|---|---|---|")
        for field in FIELDS:
            if field.record is record:
                yield f"| `{field.name}` | {ALLOWED[field.read]} | {field.otherwise} |"
        yield ""
    yield from (
        "A BSON type that stands here is one that a MongoDB-compatible client wrote into a database of Firestore's",
        "Enterprise edition. All other BSON types are unusable.",
    )

"""Names of people and teams in captured rows, replaced so that equal stays equal and different stays different."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from exporter.incidents.tables import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IDENTITIES: Final = frozenset({"player_lookup", "team_abbr"})
"""Columns that name someone. Whether two rows name the same one is all that is concluded from them."""

Fields = dict[str, Any]


def with_pseudonyms(rows: Sequence[tuple[int, Fields]]) -> Iterator[tuple[int, Fields]]:
    """The rows, each with how often it is there. Rows that differ in nothing but who they name become one group.

    A name that stands in one row of its date is told by the row's number in its group (`p1-{n}`). One that stands in
    several keeps one pseudonym in all of them.
    """
    named = sorted(IDENTITIES.intersection(*(fields for _, fields in rows))) if rows else []
    if not named:
        yield from rows
        return
    seen: Counter[object] = Counter()
    for repeat, fields in rows:
        for column in named:
            seen[_place(fields, column)] += repeat
    groups: dict[tuple[object, ...], list[tuple[int, Fields]]] = defaultdict(list)
    for repeat, fields in rows:
        alone = {column: _told_by_number(fields, column, seen) for column in named}
        key = (str(value) for column, value in fields.items() if not alone.get(column))
        groups[(*key, *alone.values())].append((repeat, fields))
    pseudonyms: dict[tuple[str, object], str] = {}
    for number, members in enumerate(groups.values(), start=1):
        fields = dict(members[0][1])
        for column in named:
            if _told_by_number(fields, column, seen):
                fields[column] = f"{column[0]}{number}-{NUMBER}"
            elif fields[column] is not None:
                name = f"{column}-{len(pseudonyms) + 1}"
                fields[column] = pseudonyms.setdefault((column, fields[column]), name)
        yield sum(repeat for repeat, _ in members), fields


def _told_by_number(fields: Fields, column: str, seen: Counter[object]) -> bool:
    return fields[column] is not None and seen[_place(fields, column)] == 1


def _place(fields: Fields, column: str) -> tuple[object, ...]:
    """Whom a row names, on its dates."""
    return column, fields[column], *(value for value in fields.values() if type(value) is date)

"""Names in captured rows: none of them is left, and who is the same as whom stays."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.incidents.pseudonyms import with_pseudonyms

DAY, NEXT = date(2026, 1, 27), date(2026, 1, 28)

captured = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.fixed_dictionaries(
            {
                "game_date": st.sampled_from([DAY, NEXT]),
                "game_id": st.sampled_from(["g1", "g2", None]),
                "player_lookup": st.sampled_from(["ann", "ben", "cid", None]),
                "team_abbr": st.sampled_from(["BOS", "NYK"]),
            }
        ),
    ),
    max_size=12,
)


def expanded(rows: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {
            column: value.replace("{n}", str(number)) if isinstance(value, str) else value
            for column, value in row.items()
        }
        for repeat, row in rows
        for number in range(1, repeat + 1)
    ]


def duplicates(rows: list[dict[str, Any]], *key: str) -> Counter[date]:
    """Rows beyond the distinct keys of each date."""
    known = [tuple(row[column] for column in ("game_date", *key)) for row in rows]
    whole = [found for found in known if None not in found]
    return Counter(day for day, *_ in whole) - Counter(day for day, *_ in set(whole))


def test_rows_that_differ_only_in_whom_they_name_are_one_group() -> None:
    rows = [(1, {"game_date": DAY, "player_lookup": name}) for name in ("ann", "ben", "cid")]

    assert list(with_pseudonyms(rows)) == [(3, {"game_date": DAY, "player_lookup": "p1-{n}"})]


def test_one_who_is_named_twice_on_a_date_keeps_one_pseudonym() -> None:
    rows = [
        (1, {"game_date": DAY, "game_id": "g1", "player_lookup": "ann"}),
        (1, {"game_date": DAY, "game_id": "g2", "player_lookup": "ann"}),
    ]

    assert [fields["player_lookup"] for _, fields in with_pseudonyms(rows)] == ["player_lookup-1", "player_lookup-1"]


def test_rows_that_name_nobody_stay_as_they_are() -> None:
    rows = [(5, {"game_date": DAY}), (1, {"game_date": NEXT})]

    assert list(with_pseudonyms(rows)) == rows


@given(captured)
def test_nobody_is_named_and_as_many_rows_are_there_twice(rows: list[tuple[int, dict[str, Any]]]) -> None:
    before, after = expanded(rows), expanded(list(with_pseudonyms(rows)))

    assert not {"ann", "ben", "cid", "BOS", "NYK"} & {row[name] for row in after for name in row}
    assert len(after) == len(before)
    for key in (("player_lookup",), ("game_id", "player_lookup"), ("game_id", "team_abbr")):
        assert duplicates(after, *key) == duplicates(before, *key)
    assert Counter((row["game_date"], row["game_id"]) for row in after) == Counter(
        (row["game_date"], row["game_id"]) for row in before
    )

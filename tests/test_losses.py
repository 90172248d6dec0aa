from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from exporter.losses import Watched, watch
from exporter.model import Document, DocumentId, Loss
from tests.support.builders import DAY, ONE_DAY, entry, on

KEY = DocumentId("phase3_completion", DAY)
NAMES = ("a", "b", "c")
FIRST, SECOND = on("10:00"), on("12:00")
GONE = Document(exists=False)


def document(*names: str, created: datetime | None = FIRST) -> Document:
    return Document(entries={name: entry(count=len(name)) for name in names}, create_time=created)


def watched(*documents: Document) -> Watched:
    """What is known of a document that was read like this, a minute apart from 15:00 on."""
    seen: dict[DocumentId, Watched] = {}
    for minute, read in enumerate(documents):
        seen = watch(seen, {KEY: read}, NAMES, on("15:00") + timedelta(minutes=minute))
    return seen[KEY]


@pytest.mark.parametrize(
    ("documents", "lost"),
    [
        pytest.param([document("a"), document("a", "b")], set(), id="it grows"),
        pytest.param([document("a", "b"), document("b")], {"a"}, id="an entry goes"),
        pytest.param([document("a", "b"), document("b"), document("b")], {"a"}, id="it stays gone"),
        pytest.param([document("a", "b"), document("b"), document("a", "b")], set(), id="it comes back"),
        pytest.param([document("a", "b", "c"), document("b", "c"), document("c")], {"a", "b"}, id="one after another"),
        pytest.param([document("a", "b"), document()], set(), id="emptied at once"),
        pytest.param([document("a", "b"), document("b"), document()], set(), id="emptied after a loss"),
        pytest.param([document("a", "b"), GONE], set(), id="deleted"),
        pytest.param([document("a", "b"), GONE, document("b", created=SECOND)], set(), id="deleted and made anew"),
        pytest.param([document("a", "b"), document("b", created=SECOND)], set(), id="made anew between two readings"),
        pytest.param([document("a", "b", created=None), document("b", created=None)], {"a"}, id="age unknown"),
        pytest.param([document("a", "b"), document("b", created=None)], {"a"}, id="age unknown now"),
        pytest.param([GONE, document("a")], set(), id="it appears"),
        pytest.param([document("a", "old"), document("a")], set(), id="a name that is not followed goes"),
        pytest.param([document("a", "old"), document("old")], set(), id="only names that are not followed stay"),
    ],
)
def test_an_entry_is_lost_when_it_goes_while_the_document_lives_on(documents: list[Document], lost: set[str]) -> None:
    assert set(watched(*documents).losses) == lost


def test_a_loss_says_what_was_there_until_when_and_since_when_it_is_gone() -> None:
    seen = watched(document("a", "b"), document("a", "b"), document("b"), document("b"))

    assert seen.losses == {"a": Loss(entry(count=1), last_seen_at=on("15:01"), missed_at=on("15:02"))}


def test_a_document_that_is_no_longer_read_is_forgotten() -> None:
    before = watch({}, {KEY: document("a")}, NAMES, on("15:00"))
    other = DocumentId("phase3_completion", DAY + ONE_DAY)

    assert watch(before, {other: document("a")}, NAMES, on("15:01")).keys() == {other}


def test_what_is_remembered_of_a_document_with_ten_thousand_odd_entries_is_bounded() -> None:
    crowd = document("a", *(f"odd{number}" for number in range(10_000)))

    assert watched(crowd).entries.keys() == {"a"}

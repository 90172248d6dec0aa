from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from exporter.memory.losses import KEPT, joined, newer, watch
from exporter.model import Document, DocumentId, Entry, RemovalKind, Watched
from testing.builders import DAY, ONE_DAY, entry, on

KEY = DocumentId("phase3_completion", DAY)
NAMES = ("a", "b", "c", "d")
FIRST, SECOND = on("10:00"), on("12:00")
GONE = Document(exists=False)
MINUTE = timedelta(minutes=1)
LONGEST_GAP = 3 * MINUTE

BLIND, STALE, UNEXPLAINED = RemovalKind.BLIND_OVERWRITE, RemovalKind.STALE_WRITE, RemovalKind.UNEXPLAINED
RESET, EXPIRED, EDITED, UNWATCHED, REPLACED = (
    RemovalKind.RESET,
    RemovalKind.EXPIRED,
    RemovalKind.EDITED,
    RemovalKind.UNWATCHED,
    RemovalKind.REPLACED,
)


def document(*names: str, created: datetime | None = FIRST, **metadata: bytes) -> Document:
    """A document with these entries; `a2` is the second registration of `a`, `a!` one made by hand."""
    return Document(entries=dict(map(_entry, names)), create_time=created, contents=metadata)


def _entry(name: str) -> tuple[str, Entry]:
    # Registered in the order of the alphabet, second ones later.
    minute = 10 * len(name) + "abcdo".index(name[0])
    return name.rstrip("2!"), Entry("success", on(f"14:{minute}"), 12, manual=name.endswith("!"))


def watched(*documents: Document, every: timedelta = MINUTE, day: DocumentId = KEY) -> Watched:
    """What is known of a document that was read like this, so far apart, from 15:00 on."""
    seen: dict[DocumentId, Watched] = {}
    for number, read in enumerate(documents):
        seen = watch(seen, {day: read}, NAMES, on("15:00") + number * every, longest_gap=LONGEST_GAP)
    return seen[day]


def kinds(seen: Watched) -> dict[str, RemovalKind]:
    return {removal.name: removal.kind for removal in seen.removals if removal.kind is not REPLACED}


@pytest.mark.parametrize(
    ("documents", "lost"),
    [
        pytest.param([document("a"), document("a", "b")], set(), id="it grows"),
        pytest.param([document("a", "b"), document("b")], {"a"}, id="an entry goes"),
        pytest.param([document("a", "b"), document("b"), document("b")], {"a"}, id="it stays gone"),
        pytest.param([document("a", "b"), document("b"), document("a", "b")], set(), id="it comes back"),
        pytest.param([document("a", "b"), document("b"), document("a2", "b")], set(), id="it is registered again"),
        pytest.param([document("a", "b", "c"), document("b", "c"), document("c")], {"a", "b"}, id="one after another"),
        pytest.param([document("a", "b"), document()], set(), id="emptied at once"),
        pytest.param([document("a", "b"), document("b"), document()], set(), id="emptied after a loss"),
        pytest.param([document("a", "b"), GONE], set(), id="deleted"),
        pytest.param([document("a", "b"), document("b"), GONE], set(), id="deleted after a loss"),
        pytest.param([document("a", "b"), GONE, document("b", created=SECOND)], set(), id="deleted and created again"),
        pytest.param([document("a", "b"), document("b", created=SECOND)], set(), id="created again in between"),
        pytest.param(
            [document("a", "b"), document("b"), document("b", created=SECOND)], set(), id="created again after a loss"
        ),
        pytest.param([document("a", "b", created=None), document("b", created=None)], {"a"}, id="age unknown"),
        pytest.param([document("a", "b"), document("b", created=None)], {"a"}, id="age unknown now"),
        pytest.param([GONE, document("a")], set(), id="it appears"),
        pytest.param([document("a", "old"), document("a")], set(), id="a name that is not followed goes"),
        pytest.param([document("a", "old"), document("old")], set(), id="only names that are not followed stay"),
    ],
)
def test_an_entry_that_is_removed_from_a_living_document_is_lost(documents: list[Document], lost: set[str]) -> None:
    assert set(watched(*documents).losses) == lost


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(document("a", "b"), document("c"), {"a": BLIND, "b": BLIND}, id="a write that knew of no other"),
        pytest.param(document("a", "b"), document("b"), {"a": BLIND}, id="one that was delivered twice"),
        pytest.param(document("a", "b", "c"), document("a", "b"), {"c": STALE}, id="the newest goes, nothing comes"),
        pytest.param(document("a", "b", "c"), document("a", "b", "d"), {"c": STALE}, id="the newest goes with a write"),
        pytest.param(document("a", "b", "c"), document("a2", "b"), {"c": STALE}, id="with a second registration"),
        pytest.param(
            document("a", "b", "c"),
            document("b", "c", "d"),
            {"a": UNEXPLAINED},
            id="what a stale write keeps",
        ),
        pytest.param(document("a", "b", "c"), document("a2"), {"b": RESET, "c": RESET}, id="a rerun begins"),
        pytest.param(document("a", "b"), document(), {"a": RESET, "b": RESET}, id="emptied"),
        pytest.param(document("a", "b"), GONE, {"a": RESET, "b": RESET}, id="deleted"),
        pytest.param(document("a", "b"), document("c", created=SECOND), {"a": RESET, "b": RESET}, id="created again"),
        pytest.param(document("a", "b!"), document("a"), {"b": EDITED}, id="a hand-made entry goes"),
        pytest.param(document("a", "b!"), document("a", "c"), {"b": EDITED}, id="a hand-made entry goes with a write"),
        pytest.param(document("a", "b!"), document("c"), {"a": BLIND, "b": EDITED}, id="a hand-made one among others"),
    ],
)
def test_removed_and_remaining_entries_tell_the_kind_of_removal(
    before: Document, after: Document, expected: dict[str, RemovalKind]
) -> None:
    assert kinds(watched(before, after)) == expected


def test_after_a_long_gap_a_blind_overwrite_looks_like_a_reset() -> None:
    seen = watched(document("a", "b"), document("c"), every=2 * LONGEST_GAP)

    assert kinds(seen) == {"a": UNWATCHED, "b": UNWATCHED}
    assert seen.losses == {}


def test_with_the_clock_set_back_in_between_the_length_of_the_gap_is_unknown() -> None:
    assert kinds(watched(document("a", "b"), document("c"), every=-2 * LONGEST_GAP)) == {"a": UNWATCHED, "b": UNWATCHED}


def test_after_a_long_gap_remaining_entries_still_rule_out_a_reset() -> None:
    assert kinds(watched(document("a", "b"), document("a", "c"), every=2 * LONGEST_GAP)) == {"b": STALE}


def test_a_document_of_a_month_ago_expires() -> None:
    old = DocumentId(KEY.collection, DAY - 30 * ONE_DAY)

    assert kinds(watched(document("a"), GONE, day=old)) == {"a": EXPIRED}


def test_without_times_the_kind_of_write_is_unknown() -> None:
    nameless = Document(entries={"a": entry(None), "b": entry(None)})

    assert kinds(watched(nameless, Document(entries={"a": entry(None)}))) == {"b": UNEXPLAINED}


def test_a_removal_has_the_entry_its_time_and_the_write_that_coincided() -> None:
    before = document("a", "b", "c", _triggered=b"no", _mode=b"overnight")
    after = document("a2", "b", "d", _triggered=b"yes", _mode=b"overnight")

    replaced, lost = watched(before, before, after, after).removals

    assert (lost.name, lost.kind, lost.sighting.entry) == ("c", STALE, before.entries["c"])
    assert (lost.last_seen_at, lost.missed_at, lost.ended_at) == (on("15:01"), on("15:02"), None)
    assert lost.coincided == ("a", "d", "_triggered")
    assert (replaced.name, replaced.kind, replaced.ended_at) == ("a", REPLACED, on("15:02"))


def test_an_entry_that_is_back_ends_its_loss() -> None:
    seen = watched(document("a", "b"), document("a"), document("a", "b"))

    assert [(removal.name, removal.kind, removal.ended_at) for removal in seen.removals] == [("b", STALE, on("15:02"))]


def test_the_documents_write_time_takes_precedence_over_the_entrys() -> None:
    late = Entry("success", on("13:00"), 12)
    first = Document(entries={"a": entry("14:00")}, update_time=on("14:00"))
    second = Document(entries={"a": entry("14:00"), "b": late}, update_time=on("14:30"))
    third = Document(entries={"a": entry("14:00")}, update_time=on("14:31"))

    assert kinds(watched(first, second, third)) == {"b": STALE}


def test_an_older_reading_that_comes_late_changes_nothing() -> None:
    now = Document(entries={"a": entry()}, read_time=on("15:00:10"))
    late = Document(read_time=on("15:00:09"))

    assert watched(now, late).entries.keys() == {"a"}
    assert (newer(now, late), newer(late, now), newer(None, late)) == (now, now, late)


def test_the_same_version_of_a_document_only_moves_its_last_sighting() -> None:
    version = Document(entries={"a": entry()}, create_time=FIRST, update_time=SECOND)

    seen = watched(version, version)

    assert (seen.first_seen_at, seen.seen_at) == (on("15:00"), on("15:01"))


def test_removals_that_are_closed_are_forgotten_in_time_and_open_ones_never() -> None:
    rewrites = [
        Document(entries={"a": Entry("success", on("14:00") + number * MINUTE)}, create_time=FIRST)
        for number in range(2 * KEPT)
    ]

    seen = watched(document("a", "b"), document("a"), *rewrites)

    assert len(seen.removals) == KEPT
    assert seen.losses.keys() == {"b"}


def test_a_document_that_is_no_longer_read_is_forgotten() -> None:
    before = watch({}, {KEY: document("a")}, NAMES, on("15:00"), longest_gap=LONGEST_GAP)
    other = DocumentId("phase3_completion", DAY + ONE_DAY)

    assert watch(before, {other: document("a")}, NAMES, on("15:01"), longest_gap=LONGEST_GAP).keys() == {other}


def test_what_is_remembered_of_a_document_with_ten_thousand_odd_entries_is_bounded() -> None:
    crowd = Document(entries={"a": entry(), **{f"odd{number}": entry() for number in range(10_000)}})

    assert watched(crowd).entries.keys() == {"a"}


# --- two memories -----------------------------------------------------------------------------------------------


def later(*documents: Document) -> Watched:
    """What a memory knows that began ten minutes after `watched`, and knew nothing then."""
    seen: dict[DocumentId, Watched] = {}
    for number, read in enumerate(documents):
        seen = watch(seen, {KEY: read}, NAMES, on("15:10") + number * MINUTE, longest_gap=LONGEST_GAP)
    return seen[KEY]


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        pytest.param([document("a", "b")], [document("a", "b", "c")], set(), id="it grew"),
        pytest.param([document("a", "b", "c")], [document("a", "b")], {"c"}, id="an entry went between the two"),
        pytest.param([document("a", "b"), document("a")], [document("a")], {"b"}, id="it went before"),
        pytest.param([document("a", "b"), document("a")], [document("a", "b")], set(), id="it came back between"),
        pytest.param([document("a", "b")], [document("a", "b"), document("a")], {"b"}, id="it went after"),
        pytest.param([document("a", "b")], [document("a", created=SECOND)], set(), id="created again meanwhile"),
        pytest.param([document("a", "b")], [GONE], set(), id="deleted between the two"),
        pytest.param(
            [document("a", "b")], [document("a", "b"), document("a"), document("a", "b")], set(), id="gone and back"
        ),
    ],
)
def test_two_joined_memories_of_a_document_equal_one(
    before: list[Document], after: list[Document], lost: set[str]
) -> None:
    both = joined(KEY, watched(*before), later(*after), LONGEST_GAP)

    assert both.losses.keys() == lost
    assert both.first_seen_at == on("15:00")
    assert (both.entries.keys(), both.seen_at) == (later(*after).entries.keys(), later(*after).seen_at)
    assert len({(removal.name, removal.missed_at) for removal in both.removals}) == len(both.removals)


def test_an_entry_in_both_memories_was_seen_since_the_first() -> None:
    both = joined(KEY, watched(document("a", "b")), later(document("a", "b2")), LONGEST_GAP)

    assert {name: seen.first_seen_at for name, seen in both.entries.items()} == {"a": on("15:00"), "b": on("15:10")}
    assert [(removal.name, removal.kind) for removal in both.removals] == [("b", REPLACED)]


def test_joining_a_memory_that_continues_the_other_changes_nothing() -> None:
    whole = watched(document("a", "b"), document("a"))

    assert joined(KEY, watched(document("a", "b")), whole, LONGEST_GAP) is whole

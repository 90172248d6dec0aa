"""Why a registration is missing: how each explanation stands, and what is said for and against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from exporter.model import Cause, Document, Gap, RemovalKind, Standing, Verdict
from exporter.reconcile import reconcile
from exporter.reconcile.explain import ASKED, lapse
from testing.builders import DAY, ONE_DAY, beat, entry, loss, on, run
from tests.reconcile.scene import Scene, Side

if TYPE_CHECKING:
    from exporter.model import Explanation

unregistered = partial(Scene, entry=None)
"""Rows of 15:00:44, no entry, at 18:00."""

nothing = partial(Scene, entry=None, rows=0, written=None)
NEIGHBOUR = DAY - ONE_DAY
LAST_NIGHT = beat("completed", "11:00", NEIGHBOUR - ONE_DAY)
NEXT_NIGHT = beat("completed", "16:00", NEIGHBOUR + ONE_DAY)
unread = partial(unregistered, unread={"rows"}, beats=[beat("completed", "15:00")])
"""Rows that cannot be read, for which the heartbeat stands in."""

SUCCESS, FAILURE = run("success", "15:00"), run("failed", "15:00")
BACKFILL_RUN = run("success", "15:00", backfill=True)

LOST, NEVER, DATE, BACKFILL, FAILED, NOT_RUN, NOT_YET = (
    Cause.LOST_UPDATE,
    Cause.NEVER_WRITTEN,
    Cause.WRONG_DATE,
    Cause.BACKFILL,
    Cause.FAILED_RUN,
    Cause.NOT_RUN,
    Cause.NOT_YET,
)


def explained(scene: Scene) -> dict[Cause, Explanation]:
    return {explanation.cause: explanation for explanation in scene.report().explanations}


def gone(kind: RemovalKind) -> Scene:
    """Its entry was seen and went this way."""
    return unregistered(loss=replace(loss(), kind=kind))


@pytest.mark.parametrize(
    ("scene", "cause", "standing"),
    [
        pytest.param(unregistered(loss=loss()), LOST, Standing.PROVEN, id="it was seen, and is gone"),
        pytest.param(unregistered(loss=loss()), NEVER, Standing.RULED_OUT, id="it was seen, so it was written"),
        pytest.param(unregistered(loss=loss()), NOT_YET, Standing.RULED_OUT, id="it was seen, so it came"),
        pytest.param(gone(RemovalKind.UNWATCHED), LOST, Standing.LIKELY, id="gone while nobody watched"),
        pytest.param(gone(RemovalKind.RESET), NEVER, Standing.RULED_OUT, id="reset after it was seen"),
        pytest.param(
            unregistered(document=Document(completed_count=5)), LOST, Standing.LIKELY, id="the count knows of more"
        ),
        pytest.param(unregistered(), LOST, Standing.POSSIBLE, id="nothing speaks for or against a loss"),
        pytest.param(
            unregistered(others={"a": entry("15:00:50")}), LOST, Standing.LIKELY, id="a write right after the work"
        ),
        pytest.param(
            unregistered(others={"a": entry("15:00:12"), "b": entry("15:00:50")}),
            LOST,
            Standing.POSSIBLE,
            id="a write right after the work, by writers that keep what stands",
        ),
        pytest.param(
            unregistered(others={"a": entry("15:04:29")}), LOST, Standing.UNLIKELY, id="a write minutes after the work"
        ),
        pytest.param(
            unregistered(document=Document(update_time=on("14:59"))), LOST, Standing.RULED_OUT, id="no write since"
        ),
        pytest.param(unregistered(followed="14:00"), LOST, Standing.RULED_OUT, id="followed throughout, never there"),
        pytest.param(unregistered(followed="14:00"), NEVER, Standing.PROVEN, id="followed throughout, never came"),
        pytest.param(unregistered(followed="15:30"), NEVER, Standing.LIKELY, id="followed only since"),
        pytest.param(unregistered(), NEVER, Standing.LIKELY, id="rows and no entry"),
        pytest.param(
            unregistered(document=Document(completed_count=5)),
            NEVER,
            Standing.POSSIBLE,
            id="but the count knows of more",
        ),
        pytest.param(nothing(), NEVER, Standing.UNLIKELY, id="neither rows nor entry"),
        pytest.param(unread(), NEVER, Standing.LIKELY, id="its heartbeat, where rows are unread"),
        pytest.param(
            unregistered(unread={"rows"}, loss=replace(loss(), kind=RemovalKind.UNEXPLAINED)),
            NEVER,
            Standing.RULED_OUT,
            id="lost, where rows are unread",
        ),
        pytest.param(nothing(beats=[LAST_NIGHT]), NEVER, Standing.UNLIKELY, id="last night's heartbeat"),
        pytest.param(nothing(beats=[NEXT_NIGHT]), NEVER, Standing.UNLIKELY, id="next night's heartbeat"),
        pytest.param(
            unregistered(sides={-1: Side(entry("15:00:50"), rows=0)}), DATE, Standing.PROVEN, id="the neighbour has it"
        ),
        pytest.param(
            unregistered(beats=[beat("completed", "15:00:50")]), DATE, Standing.POSSIBLE, id="the heartbeat's date"
        ),
        pytest.param(unregistered(), DATE, Standing.UNLIKELY, id="no neighbour has it"),
        pytest.param(nothing(beats=[LAST_NIGHT]), DATE, Standing.UNLIKELY, id="last night's heartbeat of its own date"),
        pytest.param(unregistered(unread={"runs"}), BACKFILL, Standing.POSSIBLE, id="no history to ask"),
        pytest.param(unregistered(), BACKFILL, Standing.UNLIKELY, id="no run in the history"),
        pytest.param(unregistered(runs=[BACKFILL_RUN]), BACKFILL, Standing.PROVEN, id="a backfill"),
        pytest.param(unregistered(runs=[SUCCESS]), BACKFILL, Standing.RULED_OUT, id="no backfill"),
        pytest.param(
            unregistered(runs=[run("success", "14:00"), BACKFILL_RUN]),
            BACKFILL,
            Standing.RULED_OUT,
            id="a backfill after a run that should have registered",
        ),
        pytest.param(nothing(runs=[FAILURE]), FAILED, Standing.LIKELY, id="a failed run, no rows"),
        pytest.param(unregistered(runs=[FAILURE]), FAILED, Standing.POSSIBLE, id="a failed run, rows"),
        pytest.param(nothing(beats=[beat("failed", "15:00")]), FAILED, Standing.LIKELY, id="a failed heartbeat"),
        pytest.param(nothing(beats=[beat("completed", "15:00")]), FAILED, Standing.LIKELY, id="completed, no rows"),
        pytest.param(nothing(), FAILED, Standing.POSSIBLE, id="nothing known of a run"),
        pytest.param(unregistered(), FAILED, Standing.UNLIKELY, id="rows"),
        pytest.param(unregistered(runs=[SUCCESS]), FAILED, Standing.RULED_OUT, id="a successful run"),
        pytest.param(nothing(), NOT_RUN, Standing.LIKELY, id="no rows, no run, no heartbeat"),
        pytest.param(nothing(beats=[LAST_NIGHT]), NOT_RUN, Standing.LIKELY, id="only last night's heartbeat"),
        pytest.param(
            nothing(runs=[run("success", "15:00", data=DAY)]), NOT_RUN, Standing.LIKELY, id="another date's run"
        ),
        pytest.param(nothing(unread={"runs", "heartbeats"}), NOT_RUN, Standing.POSSIBLE, id="no rows, the rest unread"),
        pytest.param(nothing(now="15:30", runs=[FAILURE]), NOT_RUN, Standing.RULED_OUT, id="a failed run, not due yet"),
        pytest.param(nothing(runs=[FAILURE]), NOT_RUN, Standing.RULED_OUT, id="a run"),
        pytest.param(nothing(beats=[beat("completed", "15:00")]), NOT_RUN, Standing.RULED_OUT, id="its heartbeat"),
        pytest.param(unregistered(), NOT_RUN, Standing.RULED_OUT, id="rows are there"),
        pytest.param(unread(loss=loss()), NOT_RUN, Standing.RULED_OUT, id="its entry was there"),
        pytest.param(unregistered(now="15:05", read="15:04"), NOT_YET, Standing.LIKELY, id="ended minutes ago"),
        pytest.param(unregistered(), NOT_YET, Standing.RULED_OUT, id="ended hours ago"),
        pytest.param(nothing(), NOT_YET, Standing.UNLIKELY, id="overdue"),
        pytest.param(nothing(now="15:30", runs=[FAILURE]), NOT_YET, Standing.LIKELY, id="failed, and not due yet"),
    ],
)
def test_every_explanation_has_the_standing_that_the_evidence_gives(
    scene: Scene, cause: Cause, standing: Standing
) -> None:
    assert explained(scene)[cause].standing is standing


MEMORYLESS = [
    unregistered(),
    unregistered(document=Document(completed_count=5)),
    unregistered(others={"a": entry("15:00:50")}),
    unregistered(others={"a": entry("15:04:29")}),
    nothing(),
]


@pytest.mark.parametrize("scene", MEMORYLESS)
def test_without_memory_nothing_is_rated_that_needs_it(scene: Scene) -> None:
    report = reconcile(scene.config(), replace(scene.snapshot(), remembers=False), on(scene.now))
    (processor,) = report.processors
    found = {explanation.cause: explanation.standing for explanation in processor.explanations}

    assert found[LOST] is Standing.UNRATED
    assert found[NEVER] in {Standing.POSSIBLE, Standing.UNLIKELY}


def test_without_memory_a_document_that_was_not_written_since_still_lost_nothing() -> None:
    scene = unregistered(document=Document(update_time=on("14:59")))
    report = reconcile(scene.config(), replace(scene.snapshot(), remembers=False), on(scene.now))

    assert [one.standing for one in report.processors[0].explanations if one.cause is LOST] == [Standing.RULED_OUT]


def test_explanations_come_likeliest_first() -> None:
    standings = [explanation.standing for explanation in unregistered(loss=loss()).report().explanations]

    assert standings == sorted(standings, key=list(Standing).index)
    assert {explanation.cause for explanation in unregistered().report().explanations} == set(Cause)


@pytest.mark.parametrize(
    "scene",
    [
        Scene(),
        unregistered(units=0),
        unregistered(asked=False),
        unregistered(collection=None),
        nothing(now="15:00"),
        nothing(beats=[beat("running", "17:59")]),
        unregistered(unread={"documents"}),
    ],
)
def test_verdicts_that_raise_no_question_are_not_explained(scene: Scene) -> None:
    report = scene.report()

    assert report.explanations == ()
    assert report.verdict not in ASKED or report.registered is not False or scene.collection is None


def test_the_incident_reports_first_hypothesis_is_compared_with_the_remaining_entries() -> None:
    others = {"offense": entry("15:00:12"), "defense": entry("15:00:13"), "upcoming": entry("15:04:29")}

    lost = explained(unregistered(others=others, written="15:00:48"))[LOST]

    assert lost.contradicts == (
        (
            "the last write at 15:04:29Z (upcoming) left the entries of 15:00:12Z and 15:00:13Z standing,"
            " which a blind overwrite would not"
        ),
        (
            "to lose it, the write at 15:04:29Z (upcoming) would have had to put back a copy that it read"
            " before 15:00:48Z, at least 3 min 41 s earlier"
        ),
    )


def test_a_loss_names_its_kind_and_the_write_that_caused_it() -> None:
    lost = replace(loss(), missed_update_time=on("15:04:29"), coincided=("upcoming", "_triggered"))

    told = explained(unregistered(loss=lost))[LOST].supports
    nothing_else = explained(unregistered(loss=replace(lost, coincided=())))[LOST].supports

    assert told == (
        (
            "its entry was there at 15:01:00Z and gone at 15:05:00Z, while the document lives on:"
            " a write of a stale copy took away what had come since it was read"
        ),
        "the write at 15:04:29Z took it away, which changed upcoming, _triggered",
    )
    assert nothing_else[1] == "the write at 15:04:29Z took it away, which changed nothing else"


def test_within_a_gap_absence_proves_nothing() -> None:
    gap = Gap(on("14:50"), on("15:30"))

    inside = explained(unregistered(followed="15:30", gaps=[gap]))[NEVER].contradicts
    before = explained(unregistered(followed="15:30"))[NEVER].contradicts

    assert inside == (
        "the document was not followed between 14:50:00Z and 15:30:00Z: the entry may have come and gone unseen",
    )
    assert before == ("the document was not followed before 15:30:00Z: the entry may have come and gone unseen",)


def test_a_heartbeat_with_the_neighbouring_date_is_pointed_out() -> None:
    assert explained(unregistered(beats=[beat("completed", "15:00:50")]))[DATE].supports == (
        f"its heartbeat carries {NEIGHBOUR}, the neighbouring date, not {DAY}",
    )


def test_a_processor_that_did_not_run_is_explained_by_that_and_not_by_last_night_s_heartbeat() -> None:
    likeliest, *others = nothing(beats=[LAST_NIGHT]).report().explanations

    assert (likeliest.cause, likeliest.standing) == (NOT_RUN, Standing.LIKELY)
    assert likeliest.supports == (
        f"the table has 0 rows of {NEIGHBOUR}",
        f"the run history has no run of {NEIGHBOUR}",
        f"no heartbeat carries {NEIGHBOUR}",
    )
    assert not any("completed" in text for other in others for text in other.supports)


def test_an_entry_in_the_neighbouring_document_that_is_not_of_this_run_speaks_against_it() -> None:
    scene = unregistered(sides={-1: Side(entry("09:00")), 1: Side(entry(None))})

    assert explained(scene)[DATE].contradicts == (
        f"the document of {NEIGHBOUR} has an entry of 09:00:00Z, which is not of this run",
        f"the document of {DAY + ONE_DAY} has an entry, which is not of this run",
    )


def test_a_heartbeat_takes_the_place_of_rows_that_cannot_be_read() -> None:
    scene = unregistered(unread={"rows"}, beats=[beat("completed", "15:00:50")])

    report = scene.report()

    assert report.verdict is Verdict.UNREGISTERED
    assert explained(scene)[NEVER].supports == (
        f"its heartbeat of {NEIGHBOUR} says completed at 15:00:50Z, and no entry says so",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (207, "3 min 27 s"),
        (3600, "1 h 0 min"),
        (14_700, "4 h 5 min"),
        (86_399, "23 h 59 min"),
        (273_900, "3 d 4 h"),
    ],
)
def test_a_lapse_is_given_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert lapse(timedelta(seconds=seconds)) == text

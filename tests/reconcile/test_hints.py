"""The evidence behind a verdict, in the words that people read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from exporter.model import ErrorKind, Failure, HintKind, Reading, Verdict
from exporter.reconcile import reconcile
from exporter.reconcile.hints import moment, plural
from testing.builders import DAY, ONE_DAY, beat, entry, loss, on, run
from tests.reconcile.scene import SOURCES, TABLE, Scene, Side

unregistered = partial(Scene, entry=None)
nothing = partial(Scene, entry=None, rows=0, written=None)
RUN, AT = "TeamOffenseGameSummaryProcessor-15:00", " at 15:00:00Z"


def said(scene: Scene) -> list[str]:
    return [f"{hint.kind}: {hint.text}" for hint in scene.report().hints]


@pytest.mark.parametrize(
    ("scene", "hints"),
    [
        (Scene(), []),
        (Scene(asked=False), ["calendar: the document's mode does not ask for it"]),
        (Scene(units=0, rows=0, written=None), ["calendar: no games on 2026-01-31"]),
        (Scene(units=0, unread={"rows"}), ["calendar: no games on 2026-01-31"]),
        (Scene(units=0, rows=24), ["calendar: no games on 2026-01-31, yet the table has 24 rows of it"]),
        (
            Scene(rows=24, entry=entry(count=0)),
            [
                "rows_per_unit: 24 rows for 6 games: twice the 12 expected",
                "record_count: record_count 0, table has 24 rows",
            ],
        ),
        (Scene(rows=25), ["rows_per_unit: 25 rows for 6 games: at most 12 expected"]),
        (Scene(rows=1, units=1, entry=entry(count=1)), ["rows_per_unit: 1 row for 1 game: at least 2 expected"]),
        (
            Scene(entry=entry(count=14), sides={1: Side(rows=14), -1: Side(rows=8)}),
            [
                "record_count: record_count 14, table has 12 rows",
                "neighbour_date: record_count equals the rows of 2026-02-01",
            ],
        ),
        (
            Scene(entry=entry(count=14), bounds=None, sides={1: Side(rows=14), -1: Side(rows=14)}),
            ["record_count: record_count 14, table has 12 rows"],
        ),
        (
            Scene(entry=entry(count=1), rows=0, written=None, bounds=None, sides={-1: Side(rows=1)}),
            ["record_count: record_count 1, table has 0 rows"],
        ),
        (
            Scene(entry=entry(count=12), rows=0, written=None, sides={-1: Side(rows=12)}),
            ["record_count: record_count 12, table has 0 rows"],
        ),
        (
            Scene(entry=entry(count=0), sides={1: Side(rows=0)}),
            ["record_count: record_count 0, table has 12 rows"],
        ),
        (
            Scene(entry=entry(None, None, "success", manual=True, malformed=("completed_at", "record_count"))),
            [
                "entry: its entry has unusable fields: completed_at (map), record_count (map)",
                "entry: its entry was made by hand",
            ],
        ),
        (Scene(entry=entry(status="failed"), rows=0), ["entry: its entry says failed"]),
        (Scene(entry=entry(status="running"), rows=0), ["entry: its entry says running"]),
        (
            Scene(entry=None, loss=loss()),
            [
                ("lost: its entry of 15:00:50Z with record_count 12 was there at 15:01:00Z and gone at 15:05:00Z, "
                "while the document lives on"),
            ],
        ),
        (
            Scene(entry=None, loss=loss(None, None)),
            ["lost: its entry was there at 15:01:00Z and gone at 15:05:00Z, while the document lives on"],
        ),
        (
            nothing(beats=[beat("running", "17:40")]),
            ["heartbeat: heartbeat says running, last beat at 17:40:00Z, 20 min ago"],
        ),
        (
            nothing(beats=[beat("running", "17:54")]),
            ["heartbeat: heartbeat says running, last beat at 17:54:00Z, 6 min ago"],
        ),
        (nothing(beats=[beat("running", "17:59")]), []),
        (
            Scene(beats=[beat("running", "15:00:40")]),
            ["heartbeat: heartbeat still says running at 15:00:40Z, before the work was recorded as finished"],
        ),
        (
            nothing(beats=[beat("completed", "15:00:48")]),
            ["heartbeat: heartbeat says completed at 15:00:48Z, table has no rows"],
        ),
        (unregistered(beats=[beat("completed", "15:00:48")]), []),
        (
            nothing(beats=[beat("failed", "15:00:48", error="x" * 300)]),
            [f"heartbeat: heartbeat says failed at 15:00:48Z: {'x' * 200}"],
        ),
        (nothing(beats=[beat("failed", None)]), ["heartbeat: heartbeat says failed"]),
        (
            nothing(beats=[beat("completed", "11:00:23", DAY - 2 * ONE_DAY)]),
            [
                ("heartbeat: heartbeat says completed at 11:00:23Z but carries data date 2026-01-30, not 2026-01-31;"
                " it may still be of this run"),
            ],
        ),
        (
            nothing(beats=[beat("completed", "-5 11:00:23", None)]),
            ["heartbeat: heartbeat says completed at 2026-01-27 11:00:23Z but carries no data date, not 2026-01-31"],
        ),
        (unregistered(runs=[run("success", "15:00")]), [f"run_history: run history: newest run {RUN} success{AT}"]),
        (Scene(runs=[run("success", "15:00")]), []),
        (Scene(runs=[run("failed", "15:00")]), [f"run_history: run history: newest run {RUN} failed{AT}"]),
        (
            unregistered(runs=[run("success", "15:00", ended="15:20", backfill=True)]),
            [f"run_history: run history: newest backfill run {RUN} success at 15:20:00Z"],
        ),
        (
            unregistered(unread={"runs"}),
            ["run_history: run history unknown: a backfill, which never registers, cannot be ruled out"],
        ),
        (nothing(unread={"runs"}), []),
        (
            unregistered(sides={-1: Side(entry("15:00:50"), 14, "-1 15:00:44")}),
            [
                ("neighbour_date: registered in the document of 2026-01-31 at 15:00:50Z, within 30 minutes of the last"
                " row (15:00:44Z)"),
                "neighbour_date: the entry in the document of 2026-01-31 has record_count 12, the rows of 2026-01-31",
            ],
        ),
        (
            unregistered(sides={1: Side(entry("+1 15:00:50"), 14, "+1 15:00:44")}),
            ["neighbour_date: the entry in the document of 2026-02-02 has record_count 12, the rows of 2026-01-31"],
        ),
        (unregistered(sides={1: Side(entry("+1 15:00:50"), 12, "+1 15:00:44")}), []),
        (unregistered(rows=1, bounds=None, sides={1: Side(entry("+1 15:00:50", 1), 1, "+1 15:00:44")}), []),
        (nothing(sides={-1: Side(entry("15:00:50", 0))}), []),
        (
            Scene(now="15:01", counted="15:00:30", read="15:00:55", rows=0),
            ["freshness: table last counted at 15:00:30Z, before its entry of 15:00:50Z"],
        ),
        (
            unregistered(now="15:01", counted="15:00:46", read="15:00:30"),
            ["freshness: document last read at 15:00:30Z, before the last row of 15:00:44Z"],
        ),
        (
            unregistered(unread={"rows"}, now="15:01", read="15:00:30", beats=[beat("completed", "15:00:48")]),
            [
                f"freshness: table {TABLE.name} unknown (not read yet)",
                "freshness: document last read at 15:00:30Z, before the last beat of 15:00:48Z",
            ],
        ),
        (
            nothing(now="16:35", counted="16:29", read="16:34"),
            ["freshness: table not counted since the deadline"],
        ),
        (nothing(now="16:00", counted="15:55", read="15:59"), []),
    ],
    ids=str,
)  # fmt: skip
def test_hints(scene: Scene, hints: list[str]) -> None:
    assert said(scene) == hints


def test_a_run_without_a_time_is_shown_without_one() -> None:
    assert said(unregistered(runs=[run("success", None)]))[0].endswith(
        "newest run TeamOffenseGameSummaryProcessor-None success"
    )


def test_unknown_names_every_record_that_is_missing_and_why() -> None:
    scene = Scene(unread=SOURCES)
    failure = Failure(ErrorKind.TIMEOUT, "no answer within 20 s", on("17:59"))
    snapshot = replace(scene.snapshot(), documents=Reading(failure=failure), rows={TABLE: Reading(failure=failure)})

    (report,) = reconcile(scene.config(), snapshot, on(scene.now)).processors

    assert report.verdict is Verdict.UNKNOWN
    assert [hint.text for hint in report.hints] == [
        "calendar unknown (not read yet)",
        "completion document unknown (timeout: no answer within 20 s)",
        f"table {TABLE.name} unknown (timeout: no answer within 20 s)",
    ]
    assert {hint.kind for hint in report.hints} == {HintKind.FRESHNESS}


def test_unknown_does_not_name_documents_that_the_phase_does_not_have() -> None:
    scene = Scene(collection=None, unread={"rows", "documents"})

    assert said(scene) == [f"freshness: table {TABLE.name} unknown (not read yet)"]


@pytest.mark.parametrize(
    ("at", "text"),
    [("15:00:44", "15:00:44Z"), ("-1 15:00:44", "2026-01-31 15:00:44Z"), ("+1 00:00", "2026-02-02 00:00:00Z")],
)
def test_a_moment_has_its_date_where_it_is_not_todays(at: str, text: str) -> None:
    assert moment(on(at), on("18:00")) == text


def test_plural() -> None:
    assert [plural(number, "game") for number in (0, 1, 2)] == ["0 games", "1 game", "2 games"]

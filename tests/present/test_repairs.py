"""The writes that would put registrations back, and why there is none where there is none."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
from google.cloud.firestore_v1.types import MapValue, Value

from exporter.config.resolved import CompletionConfig
from exporter.model import RemovalKind
from exporter.present.repairs import Left, Write, commit, repair_text, repairs
from exporter.reconcile import reconcile
from testing.builders import DAY, OFFENSE, ONE_DAY, entry, loss, on, run
from tests.reconcile.scene import Scene, Side

CONTENT = Value.serialize(
    Value(
        map_value=MapValue(
            fields={"status": Value(string_value="success"), "entities_changed": Value(array_value={"values": []})}
        )
    )
)
NAME = f"projects/test-project/databases/(default)/documents/phase3_completion/{DAY}"


def found(scene: Scene, processor: str | None = None) -> list[Write | Left]:
    return list(repairs(reconcile(scene.config(), scene.snapshot(), on(scene.now)), DAY, processor))


def lost(kind: RemovalKind) -> Scene:
    removal = loss()
    return Scene(entry=None, loss=replace(removal, kind=kind, sighting=replace(removal.sighting, content=CONTENT)))


def test_a_lost_entry_comes_back_as_it_was_last_seen() -> None:
    (write,) = found(lost(RemovalKind.STALE_WRITE))

    assert isinstance(write, Write)
    assert (write.document, write.processor) == (NAME, OFFENSE)
    assert write.fields == {
        "mapValue": {"fields": {"status": {"stringValue": "success"}, "entities_changed": {"arrayValue": {}}}}
    }
    assert write.because == "lost (stale_write): as it was last seen at 2026-02-01T15:01:00Z"


def test_an_entry_that_was_never_written_is_made_from_the_rows_with_a_note() -> None:
    (write,) = found(Scene(entry=None))

    assert isinstance(write, Write)
    assert write.fields["mapValue"]["fields"] == {
        "status": {"stringValue": "success"},
        "completed_at": {"timestampValue": "2026-02-01T15:00:44Z"},
        "record_count": {"integerValue": "12"},
        "manual_override": {"booleanValue": True},
        "note": {"stringValue": "registered by hand, as orchestration-exporter repair proposed"},
    }


def test_an_entry_is_made_with_the_names_and_the_place_that_the_pipeline_s_own_have() -> None:
    names = {"status": ("state", "status"), "completed_at": ("done",), "record_count": (), "manual_override": ()}
    own = CompletionConfig(entries="the steps", fields=names, statuses={"success": ("fertig",)})
    report = reconcile(Scene(entry=None).config(), Scene(entry=None).snapshot(), on("18:00"))
    phase = replace(report.phases[0], completion=own)
    shaped = replace(report, pipelines=(replace(report.pipelines[0], phases=(phase,)),))

    (write,) = (item for item in repairs(shaped, DAY) if isinstance(item, Write))
    (body,) = commit([write])["writes"]

    assert body["updateMask"] == {"fieldPaths": [f"`the steps`.{OFFENSE}"]}
    entry_of = body["update"]["fields"]["the steps"]["mapValue"]["fields"][OFFENSE]["mapValue"]["fields"]
    assert set(entry_of) == {"state", "done", "note"}
    assert entry_of["state"] == {"stringValue": "fertig"}


def test_a_command_without_memory_does_not_say_that_an_entry_was_never_seen() -> None:
    scene = Scene(entry=None)
    snapshot = replace(scene.snapshot(), remembers=False)

    (write,) = repairs(reconcile(scene.config(), snapshot, on(scene.now)), DAY)

    assert isinstance(write, Write)
    assert write.because == f"not there now: made from the 12 rows of {DAY - ONE_DAY} in nba.{OFFENSE}"


@pytest.mark.parametrize(
    ("scene", "because"),
    [
        (Scene(entry=None, rows=10), "the table has 10 rows, at least 12 expected: mend the data first"),
        (Scene(entry=None, rows=24), "the table has 24 rows, at most 12 expected: mend the data first"),
        (
            Scene(entry=None, written=None),
            f"the rows of {DAY - ONE_DAY} in nba.{OFFENSE} could not be counted, or do not say when they were written",
        ),
        (Scene(entry=None, rows=0, written=None), "there are no rows: run it again, it registers by itself"),
        (
            Scene(entry=None, sides={-1: Side(entry("15:00:50"))}),
            "its entry is in a neighbouring document: correct the date where it registers, then move it",
        ),
        (
            Scene(entry=None, runs=[run("success", "15:00", backfill=True)]),
            "a backfill does not register, by design",
        ),
        (Scene(unread={"documents"}), "the records could not be read: repeat this when they can"),
    ],
)
def test_a_registration_that_no_write_would_mend_is_left_with_the_reason(scene: Scene, because: str) -> None:
    (left,) = found(scene)

    assert isinstance(left, Left)
    assert left.because == because


@pytest.mark.parametrize(
    "scene", [Scene(), Scene(units=0, entry=None, rows=0), Scene(collection=None), Scene(asked=False)]
)
def test_where_nothing_is_missing_there_is_nothing_to_write(scene: Scene) -> None:
    assert found(scene) == []
    assert repair_text(found(scene)) == "Nothing to write.\n"


def test_repairs_can_be_limited_to_one_processor() -> None:
    assert len(found(Scene(entry=None), OFFENSE)) == 1
    assert found(Scene(entry=None), "another") == []


def test_the_writes_merge_one_field_each_and_touch_nothing_else() -> None:
    write = Write(NAME, OFFENSE, {"nullValue": None}, "")
    odd = replace(write, processor="odd `name")

    bodies = commit([write, odd])["writes"]

    assert [body["updateMask"] for body in bodies] == [{"fieldPaths": [OFFENSE]}, {"fieldPaths": ["`odd \\`name`"]}]
    assert bodies[0]["update"] == {"name": NAME, "fields": {OFFENSE: {"nullValue": None}}}


def test_the_text_says_what_why_and_how() -> None:
    text = repair_text([*found(Scene(entry=None)), *found(Scene(entry=None, rows=0, written=None))])

    assert f"phase3_completion/{DAY}: restore {OFFENSE}\n  because it was never seen" in text
    assert f"nba phase3 {DAY}: leave {OFFENSE} (missing)" in text
    assert "Nothing was written." in text
    assert "https://firestore.googleapis.com/v1/projects/test-project/databases/(default)/documents:commit" in text


def test_what_is_printed_to_be_copied_has_nothing_that_a_terminal_acts_on() -> None:
    odd = Value.serialize(Value(map_value=MapValue(fields={"note": Value(string_value="\u202e\x9b31m\x1b\U000e0001")})))
    scene = lost(RemovalKind.STALE_WRITE)
    assert scene.loss
    scene = replace(scene, loss=replace(scene.loss, sighting=replace(scene.loss.sighting, content=odd)))

    text = repair_text(found(scene))

    assert all(line.isprintable() for line in text.split("\n"))
    assert json.loads(text[text.index("{") : text.rindex("}") + 1])["writes"][0]["update"]["fields"][OFFENSE] == {
        "mapValue": {"fields": {"note": {"stringValue": "\u202e\x9b31m\x1b\U000e0001"}}}
    }


def test_the_printed_command_is_one_word_for_the_shell_wherever_the_report_comes_from() -> None:
    (write,) = found(Scene(entry=None))
    assert isinstance(write, Write)

    text = repair_text([replace(write, document="projects/p'; reboot; '/documents/c/d")])

    command = text[text.index("curl ") : text.index("<<'WRITES'")]
    assert "https://firestore.googleapis.com/v1/projects/p'; reboot; '/documents:commit" in shlex.split(command)

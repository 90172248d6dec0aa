"""The report as a person at a terminal gets it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.config.care import Care
from exporter.model import Document, ErrorKind, TriggerState, Verdict
from exporter.present.opened import first_runbook
from exporter.present.table import report_text
from exporter.present.words import TRIGGERS, WORDS
from exporter.shipped.alerts import alert_of
from exporter.sources.ports import SourceError
from testing.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    PHASE3,
    PLAYER,
    beat,
    config,
    entry,
    heartbeat_name,
    phase,
    pipeline,
    processor,
)
from testing.collecting import PHASE3_DOCUMENT, Scene, healthy
from testing.reports import changed, explained, overwritten, reported, seed_like, triggered

if TYPE_CHECKING:
    from datetime import date

    from exporter.model import Report

UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(name="scene")
def _scene() -> Scene:
    scene = healthy()
    scene.memory.store.held[PHASE3_DOCUMENT] = Document(
        entries={name: entry() for name in PHASE3}, triggered=True, trigger_reason="all_complete"
    )
    return scene


def printed(scene: Scene, width: int) -> str:
    return _printed(reported(scene), width)


def _printed(report: Report, width: int) -> str:
    return report_text(report, width=width)


# --- the table --------------------------------------------------------------------------------------------------


def test_each_record_is_in_its_column() -> None:
    lines = printed(seed_like(), 100).splitlines()

    header = next(line for line in lines if line.startswith("Processor"))
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith(PHASE3)}
    assert header.split() == ["Processor", "Firestore", "Heartbeat", "BigQuery", "Verdict"]
    assert rows[PLAYER].split() == ["not", "registered", "none", "200", "rows", "unregistered"]
    assert rows[OFFENSE].split() == ["registered", "12", "none", "12", "rows", "ok"]
    assert " completed for 01-31 " in rows[PHASE3[4]]


def test_each_fault_is_one_line_with_since_when_and_what_first_unless_that_was_said_and_explain_says_why() -> None:
    lines = report_text(reported(seed_like()), width=200).splitlines()
    unstuck = changed(reported(seed_like()), of_phase=lambda phase: replace(phase, trigger_state=None))
    worse = changed(
        unstuck,
        of_processor=lambda one: (
            replace(one, verdict=Verdict.MISSING, critical=True) if one.processor == OFFENSE else one
        ),
    )
    others = report_text(worse, width=200).splitlines()

    assert f"{PLAYER}: unregistered since 15:00 UTC (10:00 EST)" in lines
    assert f"{PLAYER}: unregistered since 15:00 UTC (10:00 EST); first: register, do not run again" in others
    why = lines.index(f"why, and the runbooks: orchestration-exporter explain --run-date {DAY}")
    assert lines[why + 1] == f"runbook: {alert_of('blocked').name}"
    assert not [line for line in lines if line.startswith(f"{OFFENSE}: ")]


def test_a_report_of_a_running_exporter_ends_with_its_runbook_filled_in_and_commands_that_ask_it() -> None:
    lines = report_text(reported(seed_like()), exporter="http://localhost:9189/", width=100).splitlines()

    (why,) = (number for number, line in enumerate(lines) if line.startswith("why, and the runbooks: "))
    assert lines[why].endswith(f" explain --from http://localhost:9189/ --run-date {DAY}")
    assert lines[why + 1] == (
        f"runbook: http://localhost:9189/runbooks/{alert_of('blocked').name}?pipeline=nba&phase=phase3&run_date={DAY}"
    )


def test_the_runbook_is_that_of_the_worst_there_is(scene: Scene) -> None:
    whole, read = reported(seed_like()), healthy()
    unstuck = changed(whole, of_phase=lambda phase: replace(phase, trigger_state=None))
    read.orders("completion").fail(ErrorKind.PERMISSION_DENIED)

    assert first_runbook(whole) == alert_of("blocked").name
    assert first_runbook(unstuck, "http://x").endswith(
        f"/{alert_of('unregistered').name}?pipeline=nba&phase=phase3&run_date={DAY}&processor={PLAYER}"
    )
    assert first_runbook(reported(read)) == alert_of("source_unreachable").name
    assert first_runbook(reported(scene)) == ""


def test_a_fault_says_who_owns_it() -> None:
    owned = changed(reported(seed_like()), of_processor=lambda one: replace(one, care=Care("data team")))

    assert f"{PLAYER}: unregistered since 15:00 UTC (10:00 EST); owner: data team\n" in report_text(owned, width=200)


def test_a_reason_that_leaves_several_processors_unknown_is_given_once() -> None:
    scene = seed_like()
    scene.orders("completion").fail(ErrorKind.PERMISSION_DENIED)

    text = " ".join(report_text(reported(scene), {"completion": "permission_denied"}).split())

    assert text.count("completion document unknown") == 1
    assert text.count("not all of Firestore could be read (permission_denied)") == 1


@pytest.mark.parametrize("width", [80, 100, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, printed(seed_like(), width).splitlines())) <= width


def test_names_are_not_broken_at_eighty_columns() -> None:
    text = printed(seed_like(), 80)

    assert all(re.search(rf"^{name} ", text, re.MULTILINE) for name in PHASE3)


def test_a_name_longer_than_a_terminal_line_is_shown_whole() -> None:
    name = "a_processor_with_a_name_that_somebody_thought_should_tell_the_whole_story_of_it"
    scene = Scene(config(pipeline([phase("phase3", [processor(name)])])))

    text = printed(scene, 80)

    column = "".join(line.split("  ")[0].split(" ")[0] for line in text.splitlines()[4:])
    assert name in column
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_unknown_is_neither_zero_nor_not_registered() -> None:
    scene = seed_like()
    for name in ("completion", "warehouse"):
        scene.orders(name).fail(ErrorKind.TIMEOUT)

    text = report_text(reported(scene))

    assert re.search(rf"{PLAYER} +unknown +none +unknown +unknown", text)
    assert "? of ? registered" in text


def test_an_entry_without_a_count_is_registered_with_a_question_mark(scene: Scene) -> None:
    scene.memory.store.held[PHASE3_DOCUMENT] = Document(entries={name: entry(count=None) for name in PHASE3})

    assert "registered ?" in report_text(reported(scene))


def test_a_phase_without_documents_has_a_dash_for_them(scene: Scene) -> None:
    report = changed(reported(scene), of_processor=lambda one: replace(one, verdict=Verdict.FAILED))

    assert re.search(r"predictions +- +none +12 rows +failed", report_text(report))


@pytest.mark.parametrize(("day", "said"), [(None, "no date"), (DAY - 3 * ONE_DAY, "01-29")])
def test_a_heartbeat_of_another_date_says_of_which(day: date | None, said: str) -> None:
    scene = seed_like()
    name = heartbeat_name(OFFENSE)
    scene.memory.store.beats = {name: beat("completed", "15:00", day, document=name)}

    assert re.search(rf"{OFFENSE} +registered 12 +completed for {said} ", report_text(reported(scene)))


def test_faults_are_listed_before_the_rest() -> None:
    lines = printed(seed_like(), 100).splitlines()

    names = [line.split()[0] for line in lines if line.startswith(PHASE3) and not re.match(r"\w+: ", line)]
    assert names == [PLAYER, PHASE3[4], *PHASE3[1:4]]


def test_a_phase_without_faults_is_one_line_below_the_others_and_what_nobody_has_to_act_on_another() -> None:
    scene = seed_like()
    log = scene.collectors.config.pipelines["nba"].phase_log
    assert log is not None
    scene.memory.warehouse.phase_log = {(log.data_date(DAY), name): 0 for name in log.transitions}

    lines = printed(scene, 200).splitlines()

    assert lines[-4:] == [
        "",
        "nba phase4 2026-02-01 [daily]: 3 of 3 registered, 3 ok",
        "nba phase5 2026-02-01 [daily]: 1 ok",
        f"note: the phase log of nba {DAY} is empty, although phases ran, since 16:30 UTC (11:30 EST)",
    ]


def test_a_trigger_says_why_and_what_to_do_first_unless_the_sentence_is_about_it() -> None:
    report = reported(seed_like())
    both = changed(
        report,
        of_phase=lambda one: replace(one, trigger_state=one.trigger_state or TriggerState.STUCK, trigger_hints=()),
    )

    alone, together = (report_text(one, width=200).splitlines() for one in (report, both))

    assert not [line for line in alone if line.startswith("trigger ")]
    assert [line for line in together if line.startswith("trigger ")] == [
        f"trigger stuck; first: {TRIGGERS[TriggerState.STUCK].first}"
    ] * (len(report.phases) - 1)
    assert " is blocked: " in together[0]
    assert " ".join(together).lower().count(f"first: {TRIGGERS[TriggerState.BLOCKED].first}") == 1


def test_what_is_due_next_is_told_where_nothing_is_wrong() -> None:
    assert "Next: " in report_text(reported(triggered()))
    assert "Next: " not in report_text(reported(seed_like()))


def test_what_the_sentence_is_not_about_has_a_line_of_its_own_and_is_not_in_the_sentence() -> None:
    report = changed(
        reported(seed_like()),
        of_processor=lambda one: (
            replace(one, verdict=Verdict.BACKFILL, too_few=True, rows_minimum=14) if one.processor == OFFENSE else one
        ),
    )

    lines = report_text(report, {"heartbeat_count": ErrorKind.INVALID}, width=1000).splitlines()

    assert "Besides" not in lines[0]
    assert (
        f"{OFFENSE} of phase3 {DAY} has 12 rows, at least 14 expected; first: {WORDS[Verdict.PARTIAL].first}" in lines
    )
    assert [line for line in lines if line.startswith("not all of Firestore could be read (invalid), since ")]


@pytest.mark.parametrize("width", [36, 60])
def test_a_narrow_terminal_gets_the_records_below_the_processor(width: int) -> None:
    text = _printed(explained(reported(seed_like())), width)

    assert max(map(len, text.splitlines())) <= width
    assert "Processor " not in text
    assert f"{PLAYER}: unregistered" in text
    assert "Firestore not registered" in " ".join(text.split())


# --- the stream -------------------------------------------------------------------------------------------------


def test_a_pipe_gets_no_colour(scene: Scene) -> None:
    assert "\x1b" not in report_text(reported(scene))


def test_a_terminal_gets_colour(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    assert "\x1b[1;32mAll well" in report_text(reported(scene), terminal=True)


def test_a_terminal_with_no_color_gets_none(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    assert "\x1b[3" not in report_text(reported(scene), terminal=True)


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nfake: ok\x00\u202e\ud800"


def test_what_documents_say_cannot_steer_the_terminal() -> None:
    scene = seed_like()
    name = heartbeat_name(PLAYER)
    scene.memory.store.beats = {
        name: beat("failed", "15:00", document=name, error=HOSTILE),
        heartbeat_name(OFFENSE): beat(HOSTILE, "15:00", DAY - 2 * ONE_DAY, document=heartbeat_name(OFFENSE)),
    }
    scene.memory.store.held[PHASE3_DOCUMENT] = Document(
        entries={OFFENSE: entry(status=HOSTILE)}, triggered=True, trigger_reason=HOSTILE
    )
    scene.memory.warehouse.units = SourceError(ErrorKind.INVALID, HOSTILE)

    text = printed(scene, 100)

    assert not UNPRINTABLE.search(text)
    assert "\u202e" not in text
    assert r"\u001b]0;owned\u0007" in text
    text.encode()


def test_markup_in_what_documents_say_is_text(scene: Scene) -> None:
    document = scene.memory.store.held[PHASE3_DOCUMENT]
    scene.memory.store.held[PHASE3_DOCUMENT] = Document(
        entries=document.entries, triggered=True, trigger_reason="[red]x[/]"
    )

    report = changed(reported(scene), of_processor=lambda one: replace(one, verdict=Verdict.FAILED))

    assert "trigger triggered: [red]x[/]" in report_text(report)


def test_restored_entries_are_counted_at_their_phase_even_if_all_is_well() -> None:
    lines = _printed(reported(overwritten()), 200).splitlines()

    assert lines[0].startswith("All well: ")
    assert any(line.startswith(f"nba phase3 {DAY} [daily]: 5 of 5 registered") for line in lines)
    assert [line for line in lines if line.endswith(", 1 overwritten and restored")]

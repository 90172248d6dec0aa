"""What is refused when a configuration is loaded, and how the faults are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.errors import ConfigError
from exporter.config.load import LARGEST_FILE, load
from exporter.reconcile.plan import every_table
from tests.config.loading import SMALL, error_of, written

if TYPE_CHECKING:
    from pathlib import Path


def test_loading_without_file_and_preset_is_refused() -> None:
    assert str(error_of()) == (
        "1 fault in the configuration:\n"
        "  configuration: none is given: name a file, or a preset (mlb, nba, nba-game-date)"
    )


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("nba-gamedate", "preset nba-gamedate: there is none of this name (did you mean nba-game-date?): use mlb,"),
        ("../presets/nba", "there is none of this name"),
        ("", "there is none of this name"),
    ],
)
def test_an_unknown_preset_is_named(preset: str, words: str) -> None:
    assert words in str(error_of(preset=preset))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !x 1\npreset: nbaa\n", '2:9: preset: "nbaa" is no preset (did you mean nba?): write one of mlb, nba'),
        ("preset: [nba, nbaa]\n", '1:15: preset[1]: "nbaa" is no preset (did you mean nba?): write one of'),
        ("preset: []\n", "1:9: preset: a list is no preset: write one of"),
        ("preset:\n", "preset: nothing is no preset"),
    ],
)
def test_an_unknown_preset_in_a_file_is_named_and_stops_the_search(tmp_path: Path, text: str, words: str) -> None:
    error = error_of(file=written(tmp_path, text))

    assert words in str(error)
    assert "is missing" not in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ": is empty: write a configuration"),
        (b"- a\n", ":1:1: must be a mapping at its top"),
        (b"a: [", "is not valid YAML"),
        (b"project: x\nname: caf\xe9\n", ":2:10: is not UTF-8: the byte 0xE9 is out of place"),
        (b"\xff\xfea\x00", ":1:1: is not UTF-8: the byte 0xFF is out of place"),
        (b"a: 1\nb: \x00\n", ":2:4: the character U+0000 is not allowed in YAML"),
        (b"#" * (LARGEST_FILE + 1), "cannot be read: is larger than 4194304 bytes"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = written(tmp_path, content)

    error = error_of(file=path)

    assert str(path) in str(error)
    assert words in str(error)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in str(error_of(file=tmp_path / "nothing.yaml"))
    assert "cannot be read: Is a directory" in str(error_of(file=tmp_path))


FAULTY = """\
preset: nba
projct: x
timezone: America/New_Yrok
documents: {past: -1, future: "2"}
collect:
  completion: {every: 10, timeout: 20s}
  heartbeats: {every: 10s, timeout: 20s, timeout: 30s}
  heartbeat_count:
pipelines:
  nba:
    coverage: {minutes_played: {critical: 2, covered: "x; y", excluded: {"a b": x}}}
    phases:
      phase9: null
      phase3:
        next: phase44
        processors:
          _x: {due: 25:30}
          upcoming_player_game_context: {critical: yes, heartbeats: [a/b]}
        modes: {daily: {when: [past, todya], expected: [nobody]}}
      phase4: {trigger: {ratio: 1.5}, processors: null}
"""


def test_every_fault_is_reported_at_once_with_path_line_and_column(tmp_path: Path) -> None:
    path = written(tmp_path, FAULTY)

    with pytest.raises(ConfigError) as caught:
        load(file=path, environ={"ORCHESTRATION_EXPORTER_DOCUMENTS__PAS": "3"})

    shown = [
        f"{fault.line}:{fault.column} {fault.path}: {fault.message.split(':')[0]}" for fault in caught.value.faults
    ]
    phase3 = "pipelines.nba.phases.phase3"
    assert shown == [
        "2:1 projct: is not a key here (did you mean project?)",
        '3:11 timezone: "America/New_Yrok" is not a time zone (did you mean America/New_York?)',
        "4:19 documents.past: must be at least 0, not -1",
        '4:31 documents.future: must be a whole number, not "2"',
        "6:23 collect.completion.every: 10 has no unit",
        "7:42 collect.heartbeats.timeout: is written twice, first on line 7",
        "7:51 collect.heartbeats.timeout: gives a run 30s and starts the next after 10s",
        "11:43 pipelines.nba.coverage.minutes_played.critical: must be at most 1.0, not 2",
        "11:43 pipelines.nba.coverage.minutes_played.critical: `critical` (2) must not be above `warn` (0.9)",
        '11:55 pipelines.nba.coverage.minutes_played.covered: "x; y" cannot be used as an SQL expression',
        '11:74 pipelines.nba.coverage.minutes_played.excluded."a b": "a b" cannot be a name',
        "13:15 pipelines.nba.phases.phase9: has no value",
        f"15:15 {phase3}.next: names no phase (did you mean phase4?)",
        f'17:11 {phase3}.processors._x: "_x" cannot name a processor',
        f'17:21 {phase3}.processors._x.due: "25',
        f'18:52 {phase3}.processors.upcoming_player_game_context.critical: must be true or false, not "yes"',
        f'18:70 {phase3}.processors.upcoming_player_game_context.heartbeats[0]: "a/b" cannot be a document id',
        f'19:38 {phase3}.modes.daily.when[1]: must be past, today or ahead, not "todya"',
        f'19:57 {phase3}.modes.daily.expected[0]: "nobody" is no processor of this phase',
        "20:33 pipelines.nba.phases.phase4.trigger.ratio: must be at most 1.0, not 1.5",
        "20:51 pipelines.nba.phases.phase4.processors: is missing",
        "None:None : matches no key",
    ]


@pytest.mark.parametrize(
    ("overlay", "path", "words"),
    [
        ({"project": None}, "project", "is missing: The Google Cloud project"),
        ({"pipelines": {}, "calendar": 5}, "calendar", "must be a mapping (key: value), not 5"),
        ({"pipelines": {"nba": None}}, "pipelines", "is empty: write at least one"),
        ({"pipelines": {"nba": {"phases": {"phase9": {"processors": {}}}}}}, "", "is empty: write at least one"),
        ({"pipelines": [1]}, "pipelines", "must be a mapping (key: value), not a list"),
        ({"pipelines": {"nba": {"phase_log": {"transitions": []}}}}, "", "is empty: write at least one"),
        ({"pipelines": {"nba": {"phase_log": {"transitions": "x"}}}}, "", 'must be a list, not "x"'),
        ({"pipelines": {"mlb": None}}, "pipelines.mlb", "has no value: write a mapping (key: value), or leave the key"),
        ({"pipelines": {"nba": {"coverage": {"minutes_played": {"warn": float("nan")}}}}}, "", "must be a number"),
        ({"pipelines": {"nba": {"coverage": {"minutes_played": {"warn": "0.9"}}}}}, "", 'must be a number, not "0.9"'),
        ({"documents": {"past": 31}}, "documents.past", "must be at most 30, not 31"),
        ({"documents": {"past": 1.0}}, "documents.past", "must be a whole number, not 1.0"),
        ({"documents": {"past": True}}, "documents.past", "must be a whole number, not true"),
        ({"preset": "nba"}, "preset", "is not a key here"),
        (
            {"pipelines": {"p": {"phases": {"a": {"processors": {"x": {"rows_per_unit": 1}}}}}}},
            "pipelines.p.phases.a.processors.x.rows_per_unit",
            "is not a key here (it is a key of table)",
        ),
    ],
)
def test_the_fault_of_a_wrong_value_says_what_it_must_be(overlay: dict[str, Any], path: str, words: str) -> None:
    error = error_of(preset="nba", overlay=overlay)

    assert any(fault.path.startswith(path) and words in fault.message for fault in error.faults), error


def test_a_processor_with_neither_a_table_nor_completion_documents_is_refused(tmp_path: Path) -> None:
    text = SMALL.replace("table: {name: d.copies, date_column: day}", "critical: true")

    (fault,) = error_of(file=written(tmp_path, text)).faults

    assert fault.path == "pipelines.mine.phases.load.processors.copy"
    assert fault.message == "has nothing that shows its work: write `table` in copy, or `collection` in load"


def test_further_tables_need_a_first_one(tmp_path: Path) -> None:
    text = SMALL.replace(
        "table: {name: d.copies, date_column: day}", "more_tables: {again: {name: d.copies, date_column: day}}"
    ).replace("      load:\n", "      load:\n        collection: done\n")

    (fault,) = error_of(file=written(tmp_path, text)).faults

    assert fault.path == "pipelines.mine.phases.load.processors.copy.more_tables"
    assert fault.message == "is beside `table`: write that too, or remove `more_tables`"


def test_a_processor_without_a_table_registers_in_completion_documents(tmp_path: Path) -> None:
    text = SMALL.replace("table: {name: d.copies, date_column: day}", "critical: true").replace(
        "      load:\n", "      load:\n        collection: done\n"
    )

    config = load(file=written(tmp_path, text), environ={}).config

    assert not config.pipelines["mine"].phases["load"].processors["copy"].table.name
    assert every_table(config) == ()


@pytest.mark.parametrize("text", [SMALL.replace("timezone: UTC", "timezone: !zone UTC"), "preset: !zone nba"])
def test_a_value_that_cannot_be_read_is_reported_once(text: str, tmp_path: Path) -> None:
    (fault,) = error_of(file=written(tmp_path, text)).faults

    assert fault.message == 'the tag "!zone" is not supported: remove it'

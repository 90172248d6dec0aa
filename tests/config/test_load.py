from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError, Fault
from exporter.config.load import LARGEST_FILE, load, preset_names, to_yaml

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "orchestration-exporter.yaml"
SMALL = """\
project: my-project
timezone: UTC
calendar: {table: d.schedule, date_column: day, units: COUNT(*)}
pipelines:
  mine:
    phases:
      load:
        processors:
          copy: {due: +0d 06:00, table: {name: d.copies, date_column: day}}
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "exporter.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def error_of(
    *, file: Path | None = None, preset: str | None = None, overlay: dict[str, Any] | None = None
) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(file=file, preset=preset, overlay=overlay, environ={})
    return caught.value


def faults_of(preset: str, overlay: dict[str, Any]) -> tuple[Fault, ...]:
    """What is wrong with an overlay; nothing, if it gives a configuration."""
    try:
        load(preset=preset, overlay=overlay, environ={})
    except ConfigError as error:
        return error.faults or (Fault("", "", ""),)
    return ()


def test_a_small_file_is_enough(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)

    loaded = load(file=path, environ={})

    phase = loaded.config.pipelines["mine"].phases["load"]
    assert loaded.source == str(path)
    assert phase.modes[0].name == "daily"
    assert phase.modes[0].expected == {"copy"}
    assert phase.collection is None
    assert loaded.config.collect.warehouse.max_staleness == 3 * loaded.config.collect.warehouse.every
    assert loaded.config.pipelines["mine"].calendar.noun == "unit"


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf" + SMALL.encode())

    assert load(file=path, environ={}).config.project == "my-project"


def test_a_file_may_name_the_preset_that_it_changes(tmp_path: Path) -> None:
    path = written(tmp_path, "preset: nba-game-date\nproject: my-project\n")

    loaded = load(file=path, environ={})

    assert loaded.source == f"preset nba-game-date + {path}"
    assert loaded.config.documents.future == 1
    assert loaded.config.project == "my-project"
    assert "preset" not in loaded.raw


def test_a_preset_may_be_given_beside_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, "project: my-project\n")

    loaded = load(file=path, preset="nba", environ={"ORCHESTRATION_EXPORTER_DOCUMENTS__PAST": "1"})

    assert loaded.source == f"preset nba + {path} + environment"
    assert (loaded.config.project, loaded.config.documents.past) == ("my-project", 1)


def test_a_file_and_the_caller_may_name_the_same_preset(tmp_path: Path) -> None:
    path = written(tmp_path, "preset: nba\n")

    assert load(file=path, preset="nba", environ={}).config == load(preset="nba", environ={}).config


def test_a_file_and_the_caller_must_not_name_different_presets(tmp_path: Path) -> None:
    path = written(tmp_path, "project: x\npreset: nba\n")

    (fault,) = error_of(file=path, preset="nba-game-date").faults

    assert str(fault) == f"{path}:2:9: preset: is nba, and nba-game-date was asked for: name one of them"


@pytest.mark.parametrize("names", [["nba", "mlb"], "nba,mlb", "nba, mlb"])
def test_several_presets_are_merged_in_their_order(tmp_path: Path, names: str | list[str]) -> None:
    path = written(tmp_path, "preset: [nba, mlb]\nproject: my-project\n")

    loaded = load(file=path, preset=names, environ={})

    assert list(loaded.config.pipelines) == ["nba", "mlb"]
    assert loaded.presets == ("nba", "mlb")
    assert loaded.source == f"preset nba + preset mlb + {path}"
    assert loaded.config.project == "my-project"


def test_an_overlay_may_be_the_whole_configuration() -> None:
    loaded = load(overlay=load(preset="mlb", environ={}).raw, overlay_name="the incident", environ={})

    assert loaded.config == load(preset="mlb", environ={}).config
    assert (loaded.source, loaded.presets) == ("the incident", ())


def test_the_overlay_comes_after_the_file_and_says_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)

    loaded = load(file=path, overlay={"documents": {"past": 0}}, overlay_name="the incident", environ={})

    assert loaded.config.documents.past == 0
    assert loaded.source == f"{path} + the incident"


def test_single_days_can_be_configured() -> None:
    loaded = load(preset="nba", overlay={"documents": {"only": ["2026-02-01", date(2026, 1, 31)]}}, environ={})

    assert loaded.config.documents.only == (date(2026, 1, 31), date(2026, 2, 1))
    assert loaded.raw["documents"]["only"] == ["2026-02-01", "2026-01-31"]


def test_an_overlay_removes_phases() -> None:
    overlay = {
        "pipelines": {"nba": {"phases": {"phase3": {"next": None}, "phase4": None, "phase5": None, "grading": None}}}
    }

    phases = load(preset="nba", overlay=overlay, environ={}).config.pipelines["nba"].phases

    assert list(phases) == ["phase3"]
    assert phases["phase3"].next is None


def test_the_environment_of_the_process_is_used_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ORCHESTRATION_EXPORTER_PROJECT", "from-outside")

    assert load(preset="nba").config.project == "from-outside"
    assert load(preset="nba", environ={}).config.project == "nba-props-platform"


def test_something_must_be_given() -> None:
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
        (b"#" * (LARGEST_FILE + 1), "is larger than 4194304 bytes: it is no configuration"),
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
          _x: {due: 11:30}
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
        f"15:15 {phase3}.next: names no phase of this pipeline (did you mean phase4?)",
        f'17:11 {phase3}.processors._x: "_x" cannot name a processor',
        f"17:11 {phase3}.processors._x.table: is missing",
        f'17:21 {phase3}.processors._x.due: "11',
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
    ],
)
def test_the_fault_of_a_wrong_value_says_what_it_must_be(overlay: dict[str, Any], path: str, words: str) -> None:
    error = error_of(preset="nba", overlay=overlay)

    assert any(fault.path.startswith(path) and words in fault.message for fault in error.faults), error


def test_a_processor_without_a_table_is_refused(tmp_path: Path) -> None:
    text = SMALL.replace("table: {name: d.copies, date_column: day}", "critical: true")

    (fault,) = error_of(file=written(tmp_path, text)).faults

    assert fault.path == "pipelines.mine.phases.load.processors.copy.table"
    assert (fault.line, fault.column) == (9, 11)
    assert fault.message == "is missing: The table it writes."


def test_a_value_that_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    text = SMALL.replace("timezone: UTC", "timezone: !zone UTC")

    (fault,) = error_of(file=written(tmp_path, text)).faults

    assert fault.message == 'the tag "!zone" is not supported: remove it'


@pytest.mark.parametrize("layers", [{"preset": name} for name in preset_names()] + [{"file": EXAMPLE}])
def test_the_wire_form_that_is_shown_loads_to_the_same_configuration(layers: dict[str, Any], tmp_path: Path) -> None:
    loaded = load(environ={}, **layers)

    again = load(file=written(tmp_path, to_yaml(loaded.raw)), environ={})

    assert again.config == loaded.config
    assert (again.raw, again.digest) == (loaded.raw, loaded.digest)


def test_the_digest_changes_with_the_configuration_and_not_with_its_spelling(tmp_path: Path) -> None:
    digest = load(file=written(tmp_path, SMALL), environ={}).digest
    spelled = f"# a comment\ncollect: {{completion: {{timeout: 20s, every: 1m}}}}\n{SMALL}"

    assert load(file=written(tmp_path, spelled), environ={}).digest == digest
    assert load(file=written(tmp_path, SMALL.replace("06:00", "06:01")), environ={}).digest != digest


def test_the_example_loads_and_shows_what_it_says() -> None:
    config = load(file=EXAMPLE, environ={}).config

    assert list(config.pipelines) == ["nba", "mlb"]
    assert config.pipelines["nba"].coverage == {}
    assert config.pipelines["mlb"].calendar.table.name == "mlb_reference.mlb_schedule"
    assert config.pipelines["mlb"].phases["phase3"].processors["upcoming_game_context"].runs_as == (
        "UpcomingGameContext",
    )


SHIPPED = load(preset="nba-game-date", environ={}).raw
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["5m", "all", "d.t", "past"]),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["every", "when", "table", "phase3"]), st.text(max_size=3)), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def _keys(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [found for key, item in value.items() for found in ((*path, key), *_keys(item, (*path, key)))]


@given(path=st.sampled_from(_keys(SHIPPED)), value=ANYTHING)
def test_any_value_of_a_key_gives_a_configuration_or_printable_faults(
    path: tuple[str, ...], value: object
) -> None:
    overlay: dict[str, Any] = {path[-1]: value}
    for key in reversed(path[:-1]):
        overlay = {key: overlay}

    faults = faults_of("nba-game-date", overlay)

    assert all(fault.message and str(fault).isprintable() for fault in faults)


def test_reading_a_configuration_imports_no_client_scheduler_or_server() -> None:
    script = "import sys, exporter.config.load, exporter.config.reference; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    heavy = {"google", "grpc", "apscheduler", "prometheus_client", "starlette", "uvicorn"}
    assert not heavy & set(done.stdout.split())


def test_what_the_rest_of_the_program_imports_of_it_needs_no_pydantic_and_no_yaml() -> None:
    script = "import sys, exporter.config, exporter.config.resolved; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert not {"pydantic", "yaml"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("overlay", "environ", "path"),
    [
        ({}, {}, ":memory:"),
        ({}, {"STATE_DIRECTORY": "/var/lib/x"}, "/var/lib/x/ledger.sqlite"),
        ({}, {"STATE_DIRECTORY": "/var/lib/x:/var/lib/y"}, "/var/lib/x/ledger.sqlite"),
        ({"ledger": {"path": "/data/l"}}, {"STATE_DIRECTORY": "/var/lib/x"}, "/data/l"),
    ],
)
def test_the_ledger_is_in_the_folder_for_state_unless_the_configuration_says_where(
    overlay: dict[str, Any], environ: dict[str, str], path: str
) -> None:
    assert load(preset="nba", overlay=overlay, environ=environ).config.ledger.path == path

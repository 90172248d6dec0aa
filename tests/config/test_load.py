from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError, Fault
from exporter.config.load import load, preset_names, to_yaml
from tests.config.loading import SMALL, error_of, written

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "orchestration-exporter.yaml"


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
    calendar = loaded.config.pipelines["mine"].calendar
    assert calendar is not None
    assert calendar.noun == "unit"


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

    assert list(config.pipelines) == ["nba", "shop"]
    assert config.pipelines["nba"].coverage == {}
    calendar = config.pipelines["shop"].calendar
    assert calendar is not None
    assert calendar.table.name == "shop_reference.opening_days"
    assert config.pipelines["shop"].phases["sales"].processors["opening_stock"].runs_as == ("OpeningStock",)


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
@example(path=("pipelines", "nba", "phases", "phase3", "modes"), value={"\x1f": {"when": "past"}})
def test_any_value_of_a_key_gives_a_configuration_or_printable_faults(path: tuple[str, ...], value: object) -> None:
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

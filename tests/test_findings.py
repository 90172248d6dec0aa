"""The scripts of `findings/`: what holds for each of them without running it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
SAID = ("FINDING", "VERSIONS", "EXPECTED BY MOST", "SEEN", "CHANGED", "OK")
EVERY_SCRIPT = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def _rows() -> list[list[str]]:
    """The cells of the table's rows, below its head."""
    lines = [line for line in (FOLDER / "README.md").read_text("utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_finding_is_listed_once_and_in_order() -> None:
    listed = [row[0] for row in _rows()]

    assert listed == [f"[{script.name}]({script.name})" for script in SCRIPTS]
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", *(script.name for script in SCRIPTS)}


def test_every_row_says_what_is_surprising_and_what_the_exporter_does() -> None:
    assert {len(row) for row in _rows()} == {4}
    assert all(all(row) for row in _rows())


@EVERY_SCRIPT
def test_a_finding_can_be_run(script: Path) -> None:
    lines = script.read_text("utf-8").splitlines()

    assert os.access(script, os.X_OK)
    assert lines[:2] == ["#!/usr/bin/env bash", "set -euo pipefail"]
    assert """trap 'rm -rf "$folder"' EXIT""" in lines
    subprocess.run(["bash", "-n", script], check=True, timeout=30)


@EVERY_SCRIPT
def test_a_finding_says_what_was_expected_and_what_was_seen(script: Path) -> None:
    text = script.read_text("utf-8")

    missing = [word for word in SAID if f"{word}: " not in text]

    assert missing == []


@EVERY_SCRIPT
def test_a_finding_pins_every_package_that_it_installs(script: Path) -> None:
    installs = [line for line in script.read_text("utf-8").splitlines() if re.search(r"\binstall\b.* '", line)]
    wanted = [package for line in installs for package in re.findall(r"'([^']*)'", line)]

    assert wanted
    assert [package for package in wanted if not re.fullmatch(r"[a-z][\w.-]*==[\w.!]+", package)] == []


@EVERY_SCRIPT
def test_the_list_names_the_versions_that_a_finding_installs(script: Path) -> None:
    text = script.read_text("utf-8")
    (seen,) = [row[1] for row in _rows() if script.name in row[0]]

    missing = [pin for pin in re.findall(r"([\w-]+) (\d[\w.!]*)", seen) if f"'{pin[0].lower()}=={pin[1]}'" not in text]

    assert seen
    assert missing == []


@EVERY_SCRIPT
def test_a_finding_names_no_index_and_talks_to_no_other_machine(script: Path) -> None:
    text = script.read_text("utf-8")

    assert not re.search(r"(?i)\bindex\b|find-links|PIP_", text)
    assert re.findall(r"\w+://(?!127\.0\.0\.1|\{\}:\{\})", text) == []


@EVERY_SCRIPT
def test_a_finding_uses_no_code_of_this_project(script: Path) -> None:
    text = script.read_text("utf-8")

    assert not re.search(r"(?m)^\s*(?:from|import) (?:exporter|tests|tools)\b", text)
    # Isolated: neither the folder that it is called from nor the user's packages are on the path.
    assert '/bin/python" -I -' in text

"""The records of Google's emulator: each belongs to a test, and a wrong answer differs from its record."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests import _records, _reference

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]


def test_every_record_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    assert _records.without_a_test(_records.collected(request.config)) == []


def test_a_record_without_a_test_is_named() -> None:
    assert "test_values: test_nan_comes_back" in _records.without_a_test({"test_values": {"another test"}})


def test_a_test_without_a_record_fails() -> None:
    assert "`make record` writes one" in _records.difference("test_values", "test_that_is_new", [])


def test_all_records_are_of_one_emulator() -> None:
    assert len(_records.versions()) == 1


# --- a local Firestore that answers wrongly, on a machine without Java ------------------------------------------------

WRONG: Final[Mapping[str, tuple[str, str, str]]] = {
    "the order of a query's results": (
        "test_queries.py::test_a_filter_reaches_into_maps[local]",
        '-{"RunQuery": [{"found": "values/map later"',
        '+{"RunQuery": [{"found": "values/map longer"',
    ),
    "an error's code": (
        "test_writing.py::test_an_update_of_a_missing_document_is_refused[local]",
        '-{"Commit": "NOT_FOUND"}',
        '+{"Commit": "FAILED_PRECONDITION"}',
    ),
    "a document left out": (
        "test_reading.py::test_many_documents_are_read_in_one_call_found_or_missing[local]",
        '"b/2"',
        "",
    ),
    "a listener's document": (
        "test_listening.py::test_a_document_leaves_and_enters_a_query[local]",
        '-{"Listen to query of a": [{"a/b": {"fields": {"status": "running"}',
        '+{"Listen to query of a": [{"a/b": {"fields": {}',
    ),
}
RIGHT: Final = "test_writing.py::test_set_replaces_the_whole_document[local]"


@pytest.fixture(name="said", scope="module")
def _said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a run of some tests says, with a local Firestore that is broken in four places, and no Java."""
    tests = [f"tests/conformance/{test}" for test in (*(case[0] for case in WRONG.values()), RIGHT)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "testing.wrong_firestore"]
    environment = {name: value for name, value in os.environ.items() if name != _records.RECORD_VARIABLE}
    environment["PATH"] = str(tmp_path_factory.mktemp("nothing"))
    ran = subprocess.run(
        [*command, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_differs_from_the_record(said: str, wrong: str) -> None:
    test, recorded, answered = WRONG[wrong]
    name = test.partition("::")[2].removesuffix("[local]")

    difference = said.partition(f"{name} was answered otherwise than by Google's emulator")[2].partition("\n__")[0]

    assert recorded in difference
    assert answered in difference
    assert f"FAILED tests/conformance/{test}" in said


def test_a_right_answer_does_not(said: str) -> None:
    assert re.search(r"^4 failed, 1 passed in ", said, re.MULTILINE)


def test_the_end_names_the_judge_and_why_and_pytests_own_line_is_the_last(said: str) -> None:
    version = ", ".join(_records.versions())

    assert f"Recorded answers of Google's emulator version {version}, since: there is no `java` on the path." in said
    assert re.fullmatch(r"4 failed, 1 passed in .*", said.splitlines()[-1])


def test_where_googles_emulator_is_it_is_named_as_the_judge() -> None:
    assert _records.judge(None, "1.2.3") == [
        f"Google's emulator (version 1.2.3) and its records (of version {', '.join(_records.versions())})."
    ]


def test_the_version_of_googles_emulator_is_known_where_it_is() -> None:
    assert _reference.missing() is not None or re.search(r"\d", _reference.version())

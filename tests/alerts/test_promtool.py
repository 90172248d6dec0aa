"""What promtool says of many files, read file by file: by the program that is here, and in both forms there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.alerting.promtool import PromtoolError, failed_checks, failed_tests

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: one, values: 1x9}]
    promql_expr_test: [{expr: one, eval_time: 1m, exp_samples: [{labels: one, value: 1}]}]
"""
WRONG = RIGHT.replace("value: 1", "value: 2")
BROKEN = "tests: ["

RULES = "groups: [{name: own, rules: [{record: a, expr: one}]}]"
TWICE = "groups: [{name: own, rules: [{record: a, expr: one}, {record: a, expr: one}]}]"
UNREADABLE = "groups: [{name: own, rules: [{record: a, expr: 'sum('}]}]"

SAID_BY_2 = """\
Unit Testing:  first.yml
  SUCCESS

Unit Testing:  second.yml
  FAILED:
    expr: "one", time: 1m,
        exp: {} 2E+00
        got: {} 1E+00


Unit Testing:  third.yml
  SUCCESS

"""
SAID_BY_3 = "".join(line for line in SAID_BY_2.splitlines(keepends=True) if not line.startswith("Unit Testing: "))


def _written(folder: Path, *contents: str) -> list[Path]:
    files = [folder / f"file{number}.yml" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_text(content, encoding="utf-8")
    return files


@pytest.mark.usefixtures("_programs")
def test_the_test_files_that_fail_are_told_from_those_that_pass(tmp_path: Path) -> None:
    files = _written(tmp_path, RIGHT, WRONG, RIGHT, BROKEN, RIGHT)

    failures = failed_tests(files)

    assert failures.keys() == {files[1], files[3]}
    assert failures[files[1]].splitlines()[0].strip() == 'expr: "one", time: 1m,'
    assert "yaml: line 1" in failures[files[3]]


@pytest.mark.usefixtures("_programs")
def test_the_rule_files_that_are_refused_are_told_from_those_that_are_right(tmp_path: Path) -> None:
    files = _written(tmp_path, RULES, TWICE, RULES, UNREADABLE, RULES)

    failures = failed_checks(files, "--lint=all")

    assert failures.keys() == {files[1], files[3]}
    assert "duplicate rule" in failures[files[1]]
    assert "unclosed left parenthesis" in failures[files[3]]


@pytest.mark.usefixtures("_programs")
def test_files_are_told_apart_over_several_processes(tmp_path: Path) -> None:
    files = _written(tmp_path, *[RIGHT] * 30, WRONG, *[RIGHT] * 5)

    assert failed_tests(files).keys() == {files[30]}


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int) -> None:
    """A promtool that says this, whatever it is asked."""
    (folder / "said").write_text(said, encoding="utf-8")
    program = folder / "promtool"
    program.write_text(f"#!/bin/sh\n/bin/cat {folder / 'said'}\nexit {code}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("said", [SAID_BY_2, SAID_BY_3], ids=["promtool 2", "promtool 3"])
def test_both_forms_of_the_answer_are_read(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / name for name in ("first.yml", "second.yml", "third.yml")]
    _stand_in(tmp_path, monkeypatch, said, 1)

    failures = failed_tests(files)

    assert failures.keys() == {files[1]}
    assert [line.strip() for line in failures[files[1]].splitlines()] == [
        'expr: "one", time: 1m,',
        "exp: {} 2E+00",
        "got: {} 1E+00",
    ]


@pytest.mark.parametrize(
    ("said", "code", "files"),
    [
        ("promtool: error: path 'file0.yml' does not exist, try --help\n", 1, 1),
        (SAID_BY_3, 1, 2),
        (SAID_BY_3, 0, 3),
        ("  SUCCESS\n", 1, 1),
    ],
    ids=["another answer", "one too many", "a failure that ends well", "a success that ends badly"],
)
def test_another_answer_than_one_for_each_file_is_an_error(
    said: str, code: int, files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(tmp_path, monkeypatch, said, code)

    with pytest.raises(PromtoolError, match=said.splitlines()[0].strip()):
        failed_tests([tmp_path / f"file{number}.yml" for number in range(files)])

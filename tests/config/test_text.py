from __future__ import annotations

import math

import pytest

from exporter.config.errors import ConfigError, Fault
from exporter.config.text import DEEPEST, MOST_VALUES, read_text, read_value
from exporter.config.tree import Mark


def faults_of(text: str) -> tuple[Fault, ...]:
    """What is wrong with a text, whether or not anything could be made of it."""
    try:
        return tuple(read_text(text, "x.yaml")[1])
    except ConfigError as error:
        return error.faults


def test_every_key_and_value_has_its_line_and_column() -> None:
    tree, faults = read_text("a: 1\nb:\n  - x\n  - {c: y}\n", "x.yaml")

    assert not faults
    assert tree.root == {"a": 1, "b": ["x", {"c": "y"}]}
    assert tree.places[("a",)].key == Mark("x.yaml", 1, 1)
    assert tree.places[("a",)].value == Mark("x.yaml", 1, 4)
    assert tree.places[("b", 0)].value == Mark("x.yaml", 3, 5)
    assert tree.places[("b", 1, "c")].key == Mark("x.yaml", 4, 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("11:30", "11:30"),
        ("2026-02-01", "2026-02-01"),
        ("017", "017"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("-12", -12),
        ("0.95", 0.95),
        ("-1.5e+3", -1500.0),
        ("-.inf", -math.inf),
        ("~", None),
        ("null", None),
        ("'1'", "1"),
        ('"a\\nb"', "a\nb"),
        ("!!str 5", "5"),
        ("!!int '7'", 7),
    ],
)
def test_scalars_are_read_as_yaml_1_2_reads_them(text: str, value: object) -> None:
    tree, faults = read_text(f"a: {text}", "x.yaml")

    assert not faults
    assert tree.root == {"a": value}
    assert type(tree.root["a"]) is type(value)


def test_not_a_number_is_read_as_that() -> None:
    value = read_text("a: .nan", "x.yaml")[0].root["a"]

    assert isinstance(value, float)
    assert math.isnan(value)


def test_anchors_and_merge_keys_save_repetition() -> None:
    tree, faults = read_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: *a\n", "x.yaml")

    assert not faults
    assert tree.root == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}, "d": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault("", "is empty: write a configuration, or at least `preset: nba`", "x.yaml")),
        ("# only a comment\n", Fault("", "is empty: write a configuration, or at least `preset: nba`", "x.yaml")),
        (
            "\n- a\n",
            Fault("", "must be a mapping at its top (`project: ...`, `pipelines: ...`)", "x.yaml", 2, 1),
        ),
        ("just text", Fault("", "must be a mapping at its top (`project: ...`, `pipelines: ...`)", "x.yaml", 1, 1)),
        ("a: 1\nb: {c: 1, d: 2, c: 3}", Fault("b.c", "is written twice, first on line 2: keep one", "x.yaml", 2, 17)),
        ("a: {5: x}", Fault("a", 'the key "5" is not text: put it in quotes', "x.yaml", 1, 5)),
        ("a: {null: x}", Fault("a", 'the key "null" is not text: put it in quotes', "x.yaml", 1, 5)),
        ("a: {[b]: x}", Fault("a", 'the key "[]" is not text: put it in quotes', "x.yaml", 1, 5)),
        ("a: !secret x", Fault("a", 'the tag "!secret" is not supported: remove it', "x.yaml", 1, 4)),
        ("a: !!set {x}", Fault("a", 'the tag "!!set" is not supported: remove it', "x.yaml", 1, 4)),
        ("a: !!int x", Fault("a", "\"'x'\" cannot be read: write a plain value", "x.yaml", 1, 4)),
        ('a: "\\ud800"', Fault("a", r""""'\\ud800'" cannot be read: write a plain value""", "x.yaml", 1, 4)),
        (
            "a: &a [*a]",
            Fault("a[0]", "an alias inside its own anchor never ends: write the value out", "x.yaml", 1, 4),
        ),
        ("a: b\n\x07", Fault("", "the character U+0007 is not allowed in YAML: remove it", "x.yaml", 2, 1)),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(text: str, fault: Fault) -> None:
    assert faults_of(text) == (fault,)


@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ("a: [1, 2", "expected ',' or ']'", 1, 9),
        ("a:\n\tb: 1", "found character '\\t' that cannot start any token; indent with spaces, not tabs", 2, 1),
        ("a: b: c", "mapping values are not allowed here", 1, 5),
        ("a: 1\n---\nb: 2", "but found another document", 2, 1),
        ("a: *nobody", "found undefined alias", 1, 4),
        ("a: {<<: 5}", "expected a mapping or list of mappings for merging", 1, 9),
    ],
)
def test_what_is_no_yaml_is_named_with_its_place(text: str, words: str, line: int, column: int) -> None:
    (fault,) = faults_of(text)

    assert fault.message.startswith("is not valid YAML: ")
    assert words in fault.message
    assert (fault.line, fault.column) == (line, column)


def test_the_faults_of_a_whole_text_are_reported() -> None:
    faults = faults_of("a: !x 1\nb: {c: 1, c: 2}\n3: d\n")

    assert [fault.line for fault in faults] == [3, 1, 2]


@pytest.mark.parametrize("levels", [DEEPEST + 1, 500])
def test_deep_nesting_is_refused(levels: int) -> None:
    (fault,) = faults_of("a: " + "[" * levels + "]" * levels)

    assert fault.message.startswith("is nested too deeply")


def test_aliases_cannot_grow_a_text_without_end() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
    )

    (fault,) = faults_of(bomb)

    assert fault.message.startswith(f"has more than {MOST_VALUES} values")


def test_a_single_value_knows_the_paths_within_it() -> None:
    value, paths, faults = read_value("{b: [1]}", ("a",), "VARIABLE")

    assert value == {"b": [1]}
    assert paths == [("a",), ("a", "b"), ("a", "b", 0)]
    assert not faults


def test_a_single_value_that_is_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="VARIABLE: a: is empty: give a value, or unset it"):
        read_value(" ", ("a",), "VARIABLE")

"""YAML texts that cost more than they are long, or whose values do not exist."""

from __future__ import annotations

import pytest
import yaml

from exporter.config import parsing
from exporter.config.parsing import DEEPEST, parse_yaml


@pytest.mark.parametrize("text", ["[" * 2 * DEEPEST, "- " * 2 * DEEPEST, "{a: " * 2 * DEEPEST])
def test_a_text_that_is_nested_too_deeply_is_refused_before_it_is_loaded(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="nested more than 100 levels deep"):
        parse_yaml(text)


def test_a_text_may_be_nested_as_deeply_as_is_said() -> None:
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST)


def test_aliases_count_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MOST_VALUES", 500)
    tens = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"

    assert parse_yaml(f"{tens}x: &x 1\ny: *x\nz: [*b, *b]\n")["y"] == 1
    with pytest.raises(yaml.YAMLError, match="more than 500 values, aliases counted each time"):
        parse_yaml(f"{tens}z: [*b, *b, *b, *b, *b]\n")


def test_an_alias_of_what_it_is_in_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match=r"\*a is an alias of what it stands in"):
        parse_yaml("x: 1\ny: &a [*a]\n")


@pytest.mark.parametrize("value", ["2026-02-30", "9" * 5000, "!!int ''", "!!float x", "2026-01-01T00:00:00+99:99"])
def test_a_value_that_does_not_exist_is_a_fault_of_the_text(value: str) -> None:
    with pytest.raises(yaml.YAMLError, match="a value cannot be read: "):
        parse_yaml(f"x: {value}")

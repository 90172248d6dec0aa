"""Every configuration on docs/rows.md is a valid overlay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config.load import load
from exporter.config.parsing import parse_yaml

PAGE = Path(__file__).parents[2] / "docs" / "rows.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(BLOCKS) > 4


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_is_a_valid_overlay(block: str) -> None:
    overlay = parse_yaml(block)

    loaded = load(preset=overlay.pop("preset", "nba"), overlay=overlay, environ={})

    assert loaded.config.pipelines["nba"].phases

"""The PrometheusRule says what the rule files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tools.alerting.manifest import MANIFEST, manifest
from tools.alerting.promtool import failed_checks
from tools.alerting.rulefiles import RULES, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def test_the_manifest_is_current() -> None:
    assert MANIFEST.read_text(encoding="utf-8") == manifest(), "write it again: python -m tools.alerting.manifest"


def test_the_manifest_holds_every_group_as_it_is_written() -> None:
    groups = [group for path in sorted(RULES.glob("*.yml")) for group in read_yaml(path)["groups"]]

    assert read_yaml(MANIFEST)["spec"]["groups"] == groups


@pytest.mark.usefixtures("_programs")
def test_prometheus_takes_what_the_manifest_holds(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": read_yaml(MANIFEST)["spec"]["groups"]}), encoding="utf-8")

    assert failed_checks([file], "--lint=all") == {}


def test_the_manifest_has_no_anchors() -> None:
    text = MANIFEST.read_text(encoding="utf-8")

    assert ": &" not in text
    assert ": *" not in text

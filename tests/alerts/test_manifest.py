"""The resources of Kubernetes say what the rule files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.shipped.manifests import INTERVAL
from tools.alerting.manifest import GOOGLE_MANIFEST, MANIFEST, manifests
from tools.alerting.promtool import failed_checks
from tools.alerting.rulefiles import RULES, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


PATHS = [MANIFEST, GOOGLE_MANIFEST]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_the_manifest_is_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text == manifests()[path], "write it again: python -m tools.alerting.manifest"


def test_the_manifests_hold_every_group_as_it_is_written() -> None:
    groups = [group for path in sorted(RULES.glob("*.yml")) for group in read_yaml(path)["groups"]]

    assert read_yaml(MANIFEST)["spec"]["groups"] == groups
    assert read_yaml(GOOGLE_MANIFEST)["spec"]["groups"] == [{"interval": INTERVAL, **group} for group in groups]


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_prometheus_takes_what_the_manifest_holds(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": read_yaml(path)["spec"]["groups"]}), encoding="utf-8")

    assert failed_checks([file], "--lint=all") == {}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_the_manifest_has_no_anchors(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert ": &" not in text
    assert ": *" not in text

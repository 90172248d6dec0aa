"""The rules as a PrometheusRule, for clusters with the Prometheus operator.

`python -m tools.alerting.manifest` writes it; a test fails when it is not what the rule files say.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import yaml

from tools.alerting.rulefiles import ROOT, RULES, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = ROOT / "alerts" / "kubernetes" / "prometheusrule.yaml"
_HEADER: Final = "# Generated from alerts/rules: python -m tools.alerting.manifest\n"


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; no anchors, which not everything that reads a manifest follows."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def manifest(folder: Path = RULES) -> str:
    """The manifest of all rule files, their groups in the order of the files' names."""
    groups: list[Any] = [group for path in sorted(folder.glob("*.yml")) for group in read_yaml(path)["groups"]]
    content = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "orchestration-exporter",
            "labels": {"app.kubernetes.io/name": "orchestration-exporter", "role": "alert-rules"},
        },
        "spec": {"groups": groups},
    }
    return _HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=2**20)


def main() -> int:
    """Write the manifest."""
    MANIFEST.parent.mkdir(exist_ok=True)
    MANIFEST.write_text(manifest(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

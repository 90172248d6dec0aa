"""The rules as a PrometheusRule, for clusters with the Prometheus operator.

`python -m tools.alerting.manifest` writes it; a test fails when it is not what the rule files say.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from exporter.shipped.manifests import prometheus_rule
from tools.alerting.rulefiles import ROOT, RULES

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = ROOT / "alerts" / "kubernetes" / "prometheusrule.yaml"
_HEADER: Final = "# Generated from alerts/rules: python -m tools.alerting.manifest\n"


def manifest(folder: Path = RULES) -> str:
    """The manifest of all rule files, their groups in the order of the files' names."""
    return _HEADER + prometheus_rule(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yml")))


def main() -> int:
    """Write the manifest."""
    MANIFEST.parent.mkdir(exist_ok=True)
    MANIFEST.write_text(manifest(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The rules as resources of Kubernetes: for the Prometheus operator, and for Google Managed Prometheus.

`python -m tools.alerting.manifest` writes them; a test fails when they are not what the rule files say.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from exporter.shipped.manifests import google_rules, prometheus_rule
from tools.alerting.rulefiles import ROOT, RULES

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = ROOT / "alerts" / "kubernetes" / "prometheusrule.yaml"
GOOGLE_MANIFEST: Final = ROOT / "alerts" / "kubernetes" / "google" / "rules.yaml"
_HEADER: Final = "# Generated from alerts/rules: python -m tools.alerting.manifest\n"


def manifests(folder: Path = RULES) -> dict[Path, str]:
    """Each manifest with all rule files, their groups in the order of the files' names."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yml"))]
    return {MANIFEST: _HEADER + prometheus_rule(texts), GOOGLE_MANIFEST: _HEADER + google_rules(texts)}


def main() -> int:
    """Write the manifests."""
    for path, text in manifests().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

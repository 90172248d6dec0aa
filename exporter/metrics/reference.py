"""docs/metrics.md, written from the catalogue."""

from __future__ import annotations

from exporter.metrics.catalogue import CATALOGUE


def markdown() -> str:
    """`docs/metrics.md`: every family of the catalogue."""
    lines = [
        "# Metrics",
        "",
        "Generated from `exporter/metrics/catalogue.py`; a test fails when it is stale. `run_date` is the id of",
        "the completion document; only the exposed run dates exist. A value that is unknown has no series: it is never",
        "zero. Where the meaning says `1 for` it, the last label has a series for each of its values: 1 for the one",
        "that applies, 0 for the others. The exporter's own series (`orchestration_exporter_...`) never vanish, except",
        "`listener_...` where there is no listener, and `ledger_durable` where there is no ledger file.",
        "",
        "| family | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for family in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{family.name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join([*lines, ""])

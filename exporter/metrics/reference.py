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
        "zero. A state (the last label is `verdict`, `state`, `mode` or, of `phase_log_source`, `source`) has one",
        "series, which is 1, for the value that holds. With `metrics: {state_sets: true}` in the configuration it has",
        "one for each value, 0 for those that do not hold. Other families whose meaning says `1 for` always have one",
        "for each value.",
        "The exporter's own series (`orchestration_exporter_...`) never vanish, except",
        "`listener_...` where there is no listener, and `ledger_durable` where there is no ledger file.",
        "",
        "| family | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for family in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{family.name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join([*lines, ""])

"""What a panel shows of what Prometheus answers: series named, tables joined, values put into words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.grafana.boards import interpolated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.grafana.boards import Panel
    from tests.grafana.watched import History

Selection = dict[str, tuple[str, ...]]


def numbers(prometheus: History, panel: Panel, values: Selection) -> dict[str, str]:
    """The text under each name of a panel that shows the newest values."""
    mapped = _words(panel.defaults)
    return {
        named(target.raw["legendFormat"], labels): mapped.get(_text(value), _text(value))
        for target in panel.targets
        for labels, value in prometheus.query(interpolated(target.expr, values))
    }


def rows(prometheus: History, panel: Panel, values: Selection) -> list[dict[str, str]]:
    """A table's rows, in its order: headings and texts."""
    frames = [
        [
            {**labels, f"Value #{target.raw['refId']}" if len(panel.targets) > 1 else "Value": _text(value)}
            for labels, value in prometheus.query(interpolated(target.expr, values))
        ]
        for target in panel.targets
    ]
    joined = _joined([frame for frame in frames if frame])
    order = next(item["options"] for item in panel.raw["transformations"] if item["id"] == "organize")
    settings = dict(panel.settings)
    there = {field for row in joined for field in row}
    fields = [name for name in sorted(order["indexByName"], key=order["indexByName"].__getitem__) if name in there]
    for sorting in reversed(panel.raw["options"]["sortBy"]):
        field = next(name for name, title in order["renameByName"].items() if title == sorting["displayName"])
        joined.sort(key=lambda row, field=field: row.get(field, ""), reverse=sorting["desc"])  # type: ignore[misc]  # the key is bound early
    return [
        {
            title: _words(settings[title]).get(row[field], row[field]) if field in row else settings[title]["noValue"]
            for field in fields
            for title in [order["renameByName"][field]]
        }
        for row in joined
    ]


def _joined(frames: list[list[dict[str, str]]]) -> list[dict[str, str]]:
    # As Grafana's `merge` does it: on the fields that all frames have.
    keys = sorted(set.intersection(*(set(frame[0]) for frame in frames))) if frames else []
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for frame in frames:
        for row in frame:
            found.setdefault(tuple(row[key] for key in keys), {}).update(row)
    return list(found.values())


def _words(settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        value: result["text"]
        for mapping in settings.get("mappings") or []
        for value, result in mapping["options"].items()
    }


def named(legend: str, labels: Mapping[str, str]) -> str:
    """The name that a pattern with `{{label}}` gives a series."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)


def _text(value: float) -> str:
    return f"{value:.15g}"

"""Evaluates the rules over many incidents at once.

Prometheus prints and parses each expression again at each evaluation, so nearly all of promtool's time goes by the
rules and the minutes, and not by the series. The rules in the form `dump --by incident` keep the incidents apart.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from exporter.config.parsing import parse_yaml
from exporter.incidents.promtool import Rules
from exporter.shipped.forms import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from exporter.incidents.watch import Watched

LABEL = "incident"


class RulesTogether:
    """The rules of a folder, over several watches in one run of promtool."""

    def __init__(self, source: Path, folder: Path, change: Callable[[Any], Any] = lambda content: content) -> None:
        """`folder`: an empty one, for the rules in their other form; `change`: what is done to each file's content."""
        form = Form(by=(LABEL,))
        for file in source.glob("*.yml"):
            content = change(parse_yaml(form.rules(file.read_text(encoding="utf-8"))))
            (folder / file.name).write_text(json.dumps(content), encoding="utf-8")
        self._rules = Rules(folder)

    def firing(self, watches: Sequence[Watched]) -> list[dict[int, list[dict[str, str]]]]:
        """Of each watch what `Rules.firing` says of it alone."""
        series = {
            re.sub(r"\{", f'{{{LABEL}="{number}",', name, count=1): values
            for number, watch in enumerate(watches)
            for name, values in watch.series.items()
        }
        found = self._rules.firing(series, max(watch.minutes for watch in watches))
        return [_of(str(number), watch.minutes, found) for number, watch in enumerate(watches)]


def _of(
    incident: str, minutes: int, firing: Mapping[int, Sequence[Mapping[str, str]]]
) -> dict[int, list[dict[str, str]]]:
    return {
        minute: [
            {name: value for name, value in labels.items() if name != LABEL}
            for labels in alerts
            if labels.get(LABEL, incident) == incident
        ]
        for minute, alerts in firing.items()
        if minute <= minutes
    }
